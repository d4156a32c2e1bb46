"""Every status that a caller of these tests saw, and what must never be in one."""

import re
from collections.abc import Callable
from typing import Any, Final

import grpc
from google.rpc import status_pb2

GIVEN_AWAY: Final = re.compile(
    r"""Traceback | \bFile\s" | \b\w+(Error|Exception)\b | \.py\b | /(tmp|root|home|usr|work|var)/ | unix: | :\d{4,5}\b
    | 127\.0\.0\.1 | localhost | redis | \.sock | secret-key | BEGIN\ [A-Z]+\ KEY | StoreDown | CommandRefused
    | bucket: | pilote:\{ """,
    re.VERBOSE | re.IGNORECASE,
)


class Seen:
    """A client interceptor for every kind of call that keeps the calls, to look at how they ended."""

    def __init__(self) -> None:
        self._calls: list[Any] = []

    def interceptors(self) -> list[Any]:
        """One interceptor of each kind: grpc wants a class for each."""
        return [_Unary(self._calls), _UnaryStream(self._calls), _StreamUnary(self._calls), _StreamStream(self._calls)]

    async def leaks(self) -> list[str]:
        """What was said to callers that must not be."""
        found = []
        for call in self._calls:
            if call.done() and await call.code() is not grpc.StatusCode.OK:
                found += given_away(await call.details() or "", tuple(await call.trailing_metadata() or ()))
        return found


def given_away(text: str, trailers: tuple[tuple[str, str | bytes], ...]) -> list[str]:
    """Those of a status's texts that give something away."""
    said = [text]
    for key, value in trailers:
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            said.append(str(status_pb2.Status.FromString(value)))
        else:
            said.append(f"{key}={value!r}")
    return [each for each in said if GIVEN_AWAY.search(each)]


class _Keeps:
    def __init__(self, calls: list[Any]) -> None:
        self._calls = calls

    async def _keep(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        call = await continuation(details, request)
        self._calls.append(call)
        return call


class _Unary(_Keeps, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._keep(continuation, client_call_details, request)


class _UnaryStream(_Keeps, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._keep(continuation, client_call_details, request)


class _StreamUnary(_Keeps, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._keep(continuation, client_call_details, request_iterator)


class _StreamStream(_Keeps, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._keep(continuation, client_call_details, request_iterator)
