"""Upstreams of the OpenAI-compatible API, called with the bytes of our own contract for language models.

What is sent follows from those bytes alone: `model_version` is by then what the server knows the version as, and
`instructions` the text of its prompt. Nothing else of the caller goes along, neither subject, session nor metadata.
"""

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Generator
from typing import Any, Final

import aiohttp
import grpc

from gateway.adapters.lines import Lines
from gateway.adapters.openai.answers import ErrorInAnswer, MalformedAnswer
from gateway.adapters.openai.chat import Body, chat_piece
from gateway.adapters.openai.connection import Connection, body_of, piece_of, told
from gateway.adapters.openai.methods import METHODS, Method
from gateway.adapters.openai.server_events import EventTooLong, ServerEvents
from gateway.adapters.upstream_calls import StreamCall, UnaryCall
from gateway.core.errors import CallEnded
from gateway.core.policy.upstreams import Upstream
from gateway.rpc import http_failures
from gateway.watching.trace_context import TRACEPARENT

LONGEST_EVENT_BYTES: Final = 1024 * 1024
END_SECONDS: Final = 0.05
"""How long a stream's connection may take to be free again after its last event."""
DONE: Final = b"[DONE]"

Metadata = tuple[tuple[str, str | bytes], ...]
_PASSED_ON: Final = {TRACEPARENT: "traceparent", "pilote-decision-id": "x-client-request-id"}
"""Metadata that a server gets, and under which header: the gateway's own. `tracestate` would be the caller's."""


class OpenAIUpstreams:
    """Connections to the servers of the active revision, and to earlier ones as long as calls may need them."""

    def __init__(self) -> None:
        self._lines = Lines(place=_place, line=Connection)
        self.close = self._lines.close

    def use(self, upstreams: Collection[Upstream]) -> None:
        """Be ready for these. Calls that were admitted before end on those they were admitted for."""
        self._lines.use(upstreams)
        for upstream in upstreams:
            self._lines.to(upstream).look_at_key()

    def unary(self, upstream: Upstream, method: str) -> Callable[..., UnaryCall]:
        """Starts a unary call: `(request, timeout=seconds, metadata=...)`."""
        line, known = self._lines.to(upstream), METHODS.get(method)

        def call(request: bytes, *, timeout: float, metadata: Metadata) -> UnaryCall:
            return _Unary(line, known, request, until=_until(timeout), headers=_headers(metadata))

        return call

    def stream(self, upstream: Upstream, method: str) -> Callable[..., StreamCall]:
        """Starts a streaming call: `(timeout=seconds, metadata=...)`."""
        line, known = self._lines.to(upstream), METHODS.get(method)

        def call(*, timeout: float, metadata: Metadata) -> StreamCall:
            return _Stream(line, known, until=_until(timeout), headers=_headers(metadata))

        return call


class _Unary:
    """One request, one answer."""

    def __init__(
        self, line: Connection, method: Method | None, request: bytes, *, until: float, headers: dict[str, str]
    ) -> None:
        self._said: tuple[tuple[str, str], ...] = ()
        self._task = asyncio.ensure_future(self._ask(line, method, request, until=until, headers=headers))

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._task.__await__()

    async def initial_metadata(self) -> Any:
        return self._said

    async def trailing_metadata(self) -> Any:
        return ()

    def cancel(self) -> bool:
        return self._task.cancel()

    async def _ask(
        self, line: Connection, method: Method | None, request: bytes, *, until: float, headers: dict[str, str]
    ) -> bytes:
        if method is None or method.reply is None:
            raise http_failures.unknown_method()
        body = method.body(request)
        response = await line.post(method.path, body, headers=headers, until=until)
        try:
            self._said = told(response)
            answer = await body_of(response, until=until)
        finally:
            response.release()
        try:
            return method.reply(answer, body)
        except (MalformedAnswer, ValueError) as error:
            raise http_failures.malformed("the answer is malformed") from error


class _Stream:
    """One request, and an answer piece by piece. Ends well only where the server says that it is at the end."""

    def __init__(self, line: Connection, method: Method | None, *, until: float, headers: dict[str, str]) -> None:
        self._line, self._method, self._until, self._headers = line, method, until, headers
        self._begun = False
        self._opened: asyncio.Future[aiohttp.ClientResponse] = asyncio.get_running_loop().create_future()
        self._events = ServerEvents(longest=LONGEST_EVENT_BYTES)
        self._pieces: collections.deque[bytes] = collections.deque()
        self._at_end = False
        self._failure: grpc.aio.AioRpcError | None = None
        """What is wrong with what came after the pieces that are still to be read."""

    async def send(self, message: bytes) -> None:
        """Ask the server; returns when it begins to answer. Further messages are not sent: it takes one."""
        if self._begun:
            return
        self._begun = True
        try:
            response = await self._open(message)
        except (grpc.aio.AioRpcError, CallEnded) as error:
            self._told(error)
            if isinstance(error, grpc.aio.AioRpcError):
                raise
        except BaseException:
            self._opened.cancel()
            raise
        else:
            if self._opened.done():  # cancelled meanwhile
                response.close()
            else:
                self._opened.set_result(response)

    async def done_writing(self) -> None:
        if not self._begun:  # there was no message at all
            await self.send(b"")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        response = await asyncio.shield(self._opened)
        while not self._pieces:
            if self._failure is not None:
                response.close()
                raise self._failure
            if self._at_end:
                await self._free(response)
                raise StopAsyncIteration
            await self._read(response)
        return self._pieces.popleft()

    async def initial_metadata(self) -> Any:
        return told(self._opened.result()) if self._answering else ()

    async def trailing_metadata(self) -> Any:
        return ()

    def cancel(self) -> bool:
        if self._answering:
            self._opened.result().close()
        return self._opened.cancel()

    @property
    def _answering(self) -> bool:
        return self._opened.done() and not self._opened.cancelled() and self._opened.exception() is None

    def _told(self, error: Exception) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # whoever reads is told, but perhaps nobody reads any more

    async def _open(self, message: bytes) -> aiohttp.ClientResponse:
        if self._method is None or self._method.reply is not None:
            raise http_failures.unknown_method()
        body: Body = self._method.body(message)
        return await self._line.post(self._method.path, body, headers=self._headers, until=self._until)

    async def _read(self, response: aiohttp.ClientResponse) -> None:
        try:
            piece = await piece_of(response, until=self._until)
        except grpc.aio.AioRpcError as error:
            self._failure = error
            return
        if not piece:
            self._failure = http_failures.malformed("the stream ended before its end")
        try:
            for data in self._events.feed(piece):
                if data == DONE:
                    self._at_end = True
                    break
                self._pieces.append(chat_piece(data).SerializeToString())
        except EventTooLong:
            self._failure = http_failures.malformed(f"an event has more than {LONGEST_EVENT_BYTES} bytes")
        except ErrorInAnswer:
            self._failure = http_failures.malformed("the server has failed in the middle of the stream")
        except (MalformedAnswer, ValueError):
            self._failure = http_failures.malformed("an event is malformed")

    async def _free(self, response: aiohttp.ClientResponse) -> None:
        """Let the connection be used again, where the server ends the answer at once."""
        with contextlib.suppress(grpc.aio.AioRpcError):
            soon = min(self._until, asyncio.get_running_loop().time() + END_SECONDS)
            while await piece_of(response, until=soon):
                pass
        response.release()


def _until(timeout: float) -> float:
    return asyncio.get_running_loop().time() + timeout


def _headers(metadata: Metadata) -> dict[str, str]:
    pairs = [(_PASSED_ON.get(key, ""), value) for key, value in metadata]
    return {name: value for name, value in pairs if name and isinstance(value, str)}


def _place(upstream: Upstream) -> tuple[str, ...]:
    return upstream.url or "", upstream.key_file or "", upstream.max_tokens_name or ""
