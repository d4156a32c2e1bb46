"""The REST front: a request over HTTP becomes the call that its path is annotated for, and the answer JSON."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import grpc
import msgspec
from google.protobuf.message import Message

from gateway.core.errors import Reason
from services.agents.answering import GONE, Answering
from services.agents.asgi import Receive, Scope, Send, answer
from services.agents.bindings import Binding, Bindings, Match
from services.agents.calling import Caller, Metadata
from services.agents.catalogue import Catalogue
from services.agents.failures import Header, headers_of, of_ended, of_refusal, of_unfit
from services.agents.listening import Gone, listened
from services.agents.openapi import openapi
from services.agents.requests import UNARY_SECONDS, Asked, asked, body_of, named
from services.agents.spans import Spans
from services.agents.streaming import streamed
from services.agents.transcoding import json_of, requests_of
from services.agents.unfit import Unfit

LARGE_BYTES: Final = 256 * 1024
"""Bodies from here on are read in a thread: other calls go on meanwhile."""

_log = logging.getLogger(__name__)


class Rest:
    """An ASGI application over what the gateway serves.

    `version` is that of Pilote; `count` is told the method and the status of each answer.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        caller: Caller,
        *,
        max_message_bytes: int,
        version: str,
        count: Callable[[str, int], None],
        spans: Spans,
    ) -> None:
        self._catalogue = catalogue
        self._caller = caller
        self._most = max_message_bytes
        self._bindings = Bindings(())
        self._version = 0
        self._pilote = version
        self._count = count
        self._spans = spans
        self._document = (-1, b"")

    async def openapi(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer with what is answered here; another application, for a path of its own."""
        bindings = self.bindings()
        if self._document[0] != self._version:
            made = openapi(bindings, comments=self._catalogue.comments, version=self._pilote)
            self._document = (self._version, msgspec.json.encode(made))
        await answer(send, 200, self._document[1], headers=((b"cache-control", b"no-cache"),))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        language = "en"
        answering = Answering(scope, send)
        try:
            headers = named(scope)
            answering.span = self._spans.begun(headers.items())
            head = asked(scope, headers)
            language = head.language
            match = await self._match(head)
            answering.binding = match.binding
            body = await body_of(receive, head.headers, most=self._most)
            async with listened(receive):
                await self._call(head, match, body, send=answering)
        except Gone:
            return
        except Exception as error:
            await self._fail(error, language, answering)
        finally:
            self._count(answering.method, answering.status or GONE)
            if answering.revision:
                self._catalogue.answered_by(answering.revision)
            answering.end()

    async def _fail(self, error: Exception, language: str, answering: Answering) -> None:
        if answering.status:
            answering.broken(error)
            raise error
        if isinstance(error, Unfit):
            headers: tuple[Header, ...] = ()
            if error.http == 405:
                headers = ((b"allow", str(error.values["verbs"]).encode()),)
            if error.http in {408, 413}:  # what has not been read cannot be skipped
                headers = ((b"connection", b"close"),)
            failure = of_unfit(error, language=language, headers=headers)
        elif isinstance(error, grpc.aio.AioRpcError):
            failure = of_refusal(error, language=language)
            answering.heard(tuple(error.trailing_metadata() or ()))
        else:
            _log.error("a request has failed", exc_info=error)
            failure = of_ended(Reason.INTERNAL, "internal", language=language)
        answering.refused(failure)
        await answer(answering, failure.http, failure.body, headers=failure.headers)

    async def _match(self, head: Asked) -> Match:
        """What the request is for; the gateway is asked once more where nothing is known of its path.

        Raises:
            Unfit: there is nothing, or not for its verb.
        """
        try:
            while True:
                bindings = self.bindings()
                found = bindings.find(head.verb, head.path)
                if found is not None:
                    return found
                if verbs := bindings.verbs(head.path):
                    raise Unfit("", "no-verb", http=405, verbs=", ".join(verbs))
                if not await self._catalogue.look_again():
                    raise Unfit("", "no-path", http=404)
        except UnicodeDecodeError as error:
            raise Unfit("path", "no-utf8") from error

    def bindings(self) -> Bindings:
        """The bindings of what the gateway serves now."""
        if self._version != self._catalogue.version:
            self._bindings, self._version = Bindings(self._catalogue.methods()), self._catalogue.version
        return self._bindings

    async def _call(self, head: Asked, match: Match, body: bytes, *, send: Answering) -> None:
        method = match.binding.method
        metadata = send.metadata(head.metadata)
        if len(body) < LARGE_BYTES:
            requests = requests_of(match, head.query, body, lines=head.lines)
        else:
            requests = await asyncio.to_thread(requests_of, match, head.query, body, lines=head.lines)
        if not method.streaming:
            seconds = head.seconds(otherwise=UNARY_SECONDS)
            encoded = requests[0].SerializeToString()
            reply = await self._caller.unary(method.full_name, encoded, metadata=metadata, seconds=seconds)
            send.heard(reply.trailers)
            await _answer(match.binding, reply.message, reply.trailers, send=send)
            return
        seconds = head.seconds(otherwise=None)
        calling = self._caller.stream(method.full_name, _encoded(requests), metadata=metadata, seconds=seconds)
        async with calling as stream:
            if method.descriptor.server_streaming:
                await streamed(stream, match.binding, events=head.events, language=head.language, send=send)
            else:
                replies = [reply async for reply in stream]
                trailers = await stream.trailers()
                send.heard(trailers)
                await _answer(match.binding, replies[0], trailers, send=send)


async def _answer(binding: Binding, message: bytes, trailers: Metadata, *, send: Send) -> None:
    response = binding.method.output.FromString(message)
    body = json_of(response, response_body=binding.response_body)
    await answer(send, 200, body, headers=headers_of(trailers))


async def _encoded(requests: Sequence[Message]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request.SerializeToString()
