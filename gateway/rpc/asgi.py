"""gRPC methods served over ASGI, without gRPC's own server: whoever speaks HTTP/2 carries the bytes.

The servicers are the same that gRPC's server has; `gateway.rpc.asgi_context` is what they know of a call.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2

from gateway.rpc.asgi_context import Aborted, Context
from gateway.rpc.asgi_requests import Receive, Requests, only_request
from gateway.rpc.framing import Frames, Metadata, Misframed, framed, is_grpc, trailers_of
from gateway.rpc.interceptors import unexpected
from gateway.rpc.status import DETAILS_KEY, code_of, status_of

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_TYPE: Final = (b"content-type", b"application/grpc")
_HEAD: Final = {"type": "http.response.start", "status": 200, "headers": [_TYPE], "trailers": True}
_GOOD: Final = {"type": "http.response.trailers", "headers": trailers_of(code_pb2.OK)}


class Method(msgspec.Struct, frozen=True):
    """How a method is served: by a servicer's own function, which takes a message or an iterator, and a context."""

    serve: Callable[[Any, Any], Any]
    request: type[Message]
    streams_in: bool = False
    streams_out: bool = False


class GrpcOverAsgi:
    """An ASGI app for the scope "http"."""

    def __init__(self, methods: Mapping[str, Method], *, max_message_bytes: int) -> None:
        """`methods` by their full names, "/package.Service/Method"."""
        self._methods: Final = methods
        self._max_bytes: Final = max_message_bytes
        self._streams: Final[set[Requests]] = set()
        self._ended: Final = asyncio.Event()
        self.in_flight = 0
        """Calls that have begun and not ended; a stream is one."""

    @property
    def streams(self) -> int:
        """How many of them have requests that come as a stream."""
        return len(self._streams)

    async def idle(self) -> None:
        """Wait until none is under way."""
        while self.in_flight:
            self._ended.clear()
            await self._ended.wait()

    def end_streams(self) -> None:
        """Let such requests end where they are: what has come is answered, what comes later is not taken."""
        for requests in self._streams:
            requests.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, whatever comes of it."""
        headers = dict(scope["headers"])
        if scope["method"] != "POST" or not is_grpc(headers.get(b"content-type", b"")):
            await _refuse(send, 415 if scope["method"] == "POST" else 405)
            return
        context, answer, delivered = Context(scope["headers"]), _Answer(send), False
        self.in_flight += 1
        try:
            await self._serve(scope["path"], context, headers=headers, receive=receive, answer=answer)
            delivered = True
        except (_Gone, asyncio.CancelledError):
            pass
        finally:
            self.in_flight -= 1
            self._ended.set()
            context.end(delivered=delivered)

    async def _serve(
        self, path: str, context: Context, *, headers: Mapping[bytes, bytes], receive: Receive, answer: "_Answer"
    ) -> None:
        try:
            method = self._methods.get(path)
            if method is None:
                raise Misframed(code_pb2.UNIMPLEMENTED, "There is no such method here.")
            frames = Frames(max_bytes=self._max_bytes, encoding=headers.get(b"grpc-encoding", b""))
            timeout = headers.get(b"grpc-timeout", b"")
            if method.streams_in:
                context.begin(timeout)
                await self._stream(method, context, requests=Requests(receive, frames), answer=answer)
            else:
                request = _parsed(method, await only_request(receive, frames))
                context.begin(timeout)  # no sooner: pyvoy logs a failure where we wait for requests no more
                if not method.streams_out:
                    await answer.only(await method.serve(request, context))
                    return
                await _run(method, context, asked=request, answer=answer)
            await answer.end(code_pb2.OK)
        except asyncio.CancelledError:
            if not context.late:
                raise
            await answer.end(code_pb2.DEADLINE_EXCEEDED, "The call has taken longer than it may.")
        except Misframed as error:
            await answer.end(error.code, error.text)
        except Aborted as error:
            await answer.end(error.code, error.text, error.trailers)
        except _Gone:
            raise
        except Exception as error:  # a mistake of ours
            ended = unexpected(error, path)
            details = (DETAILS_KEY, status_of(ended).SerializeToString())
            await answer.end(code_of(ended.reason).value[0], ended.message, (details,))

    async def _stream(self, method: Method, context: Context, *, requests: Requests, answer: "_Answer") -> None:
        self._streams.add(requests)
        try:
            await _run(method, context, asked=_all_parsed(method, requests), answer=answer)
        finally:
            self._streams.discard(requests)
            requests.end()


async def _run(method: Method, context: Context, *, asked: Any, answer: "_Answer") -> None:
    if method.streams_out:
        async for response in method.serve(asked, context):
            await answer.add(response)
    else:
        await answer.add(await method.serve(asked, context))


def _parsed(method: Method, message: bytes) -> Message:
    try:
        return method.request.FromString(message)
    except DecodeError:
        raise Misframed(code_pb2.INTERNAL, "The request cannot be read.") from None


async def _all_parsed(method: Method, requests: Requests) -> AsyncIterator[Message]:
    async for message in requests:
        yield _parsed(method, message)


class _Gone(Exception):
    """Whoever called has gone."""


class _Answer:
    """The answer to one call."""

    def __init__(self, send: Send) -> None:
        self._send: Final = send
        self._begun = False

    async def only(self, message: Message) -> None:
        """Answer by this message alone, in the fewest steps: nearly all calls end so."""
        body = framed(message.SerializeToString())
        try:
            await self._send(_HEAD)
            await self._send({"type": "http.response.body", "body": body})
            await self._send(_GOOD)
        except OSError as error:
            raise _Gone from error

    async def add(self, message: Message) -> None:
        await self._begin()
        body = framed(message.SerializeToString())
        await self._tell({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self, code: int, text: str = "", metadata: Metadata = ()) -> None:
        await self._begin()
        await self._tell({"type": "http.response.body"})
        await self._tell({"type": "http.response.trailers", "headers": trailers_of(code, text, metadata)})

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await self._tell(_HEAD)

    async def _tell(self, event: MutableMapping[str, Any]) -> None:
        try:
            await self._send(event)
        except OSError as error:  # as ASGI has it
            raise _Gone from error


async def _refuse(send: Send, status: int) -> None:
    """Answer what is no call of gRPC."""
    headers = [(b"content-length", b"0"), *([(b"allow", b"POST")] if status == 405 else [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body"})
