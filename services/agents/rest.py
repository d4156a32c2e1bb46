"""The REST front: a request over HTTP becomes the call that its path is annotated for, and the answer JSON."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import grpc
import msgspec
from google.protobuf.message import Message

from gateway.core.errors import Reason
from services.agents.asgi import Receive, Scope, Send, answer
from services.agents.bindings import Binding, Bindings, Match
from services.agents.calling import REVISION, Caller, Metadata
from services.agents.catalogue import Catalogue
from services.agents.failures import Header, headers_of, of_ended, of_refusal, of_unfit
from services.agents.listening import Gone, listened
from services.agents.openapi import openapi
from services.agents.requests import UNARY_SECONDS, Asked, asked, body_of
from services.agents.streaming import streamed
from services.agents.transcoding import json_of, requests_of
from services.agents.unfit import Unfit

LARGE_BYTES: Final = 256 * 1024
"""Bodies from here on are read in a thread: other calls go on meanwhile."""

_GONE: Final = 499
"""How the call is counted of a caller who has gone away."""

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
    ) -> None:
        self._catalogue = catalogue
        self._caller = caller
        self._most = max_message_bytes
        self._bindings = Bindings(())
        self._version = 0
        self._pilote = version
        self._count = count
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
        method = ""
        sent = _Sent(send)
        try:
            head = asked(scope)
            language = head.language
            match = await self._match(head)
            method = match.binding.method.full_name
            body = await body_of(receive, head.headers, most=self._most)
            async with listened(receive):
                await self._call(head, match, body, send=sent)
        except Gone:
            return
        except Exception as error:
            await self._fail(error, language, sent)
        finally:
            self._count(method, sent.status or _GONE)

    async def _fail(self, error: Exception, language: str, sent: "_Sent") -> None:
        if sent.status:
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
            self._noted(tuple(error.trailing_metadata() or ()))
        else:
            _log.error("a request has failed", exc_info=error)
            failure = of_ended(Reason.INTERNAL, "internal", language=language)
        await answer(sent, failure.http, failure.body, headers=failure.headers)

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

    async def _call(self, head: Asked, match: Match, body: bytes, *, send: Send) -> None:
        method = match.binding.method
        metadata = head.metadata
        if len(body) < LARGE_BYTES:
            requests = requests_of(match, head.query, body, lines=head.lines)
        else:
            requests = await asyncio.to_thread(requests_of, match, head.query, body, lines=head.lines)
        if not method.streaming:
            seconds = head.seconds(otherwise=UNARY_SECONDS)
            encoded = requests[0].SerializeToString()
            reply = await self._caller.unary(method.full_name, encoded, metadata=metadata, seconds=seconds)
            self._noted(reply.trailers)
            await _answer(match.binding, reply.message, reply.trailers, send=send)
            return
        seconds = head.seconds(otherwise=None)
        calling = self._caller.stream(method.full_name, _encoded(requests), metadata=metadata, seconds=seconds)
        async with calling as stream:
            if method.descriptor.server_streaming:
                trailers = await streamed(stream, match.binding, events=head.events, language=head.language, send=send)
            else:
                replies = [reply async for reply in stream]
                trailers = await stream.trailers()
                await _answer(match.binding, replies[0], trailers, send=send)
        self._noted(trailers)

    def _noted(self, trailers: Metadata) -> None:
        for key, value in trailers:
            if key == REVISION and isinstance(value, str):
                self._catalogue.answered_by(value)


async def _answer(binding: Binding, message: bytes, trailers: Metadata, *, send: Send) -> None:
    response = binding.method.output.FromString(message)
    body = json_of(response, response_body=binding.response_body)
    await answer(send, 200, body, headers=headers_of(trailers))


async def _encoded(requests: Sequence[Message]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request.SerializeToString()


class _Sent:
    """Sends, and knows whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        """Of the answer that has begun; 0 while none has."""

    async def __call__(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        await self._send(message)
