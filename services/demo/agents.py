"""An agent of the demonstration: a real gRPC client that notes how each of its calls went."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import grpc
import msgspec

from gateway.rpc.channels import channel_to
from gateway.rpc.status import reason_from

T = TypeVar("T")


class Called(msgspec.Struct, frozen=True):
    """How one call went."""

    agent: str
    status: str
    reason: str
    """The `ErrorInfo` reason of a refusal; empty for an answered call."""
    decision: str
    version: str
    latency_ms: float
    overhead_ms: float


class Agent:
    """Calls through the gateway under one API key."""

    def __init__(self, name: str, key: str, *, address: str, tell: Callable[[Called], None]) -> None:
        self.name = name
        self.channel = channel_to(address)
        self._key = key
        self._tell = tell

    async def call(self, method: Callable[..., Any], request: Any, *, inference: str = "") -> tuple[Any | None, Called]:
        """Make a unary call; the answer is `None` where it was refused."""
        metadata = [("x-api-key", self._key)]
        if inference:
            metadata.append(("pilote-inference-id", inference))
        started = time.perf_counter()
        call = method(request, metadata=metadata, timeout=30)
        answer = None
        reason = ""
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            reason = reason_from(error)
        return answer, await self._note(call, reason, started)

    async def read_stream(self, method: Callable[..., Any], request: Any) -> tuple[int, Called]:
        """Make a server-streaming call and count its messages."""
        started = time.perf_counter()
        call = method(request, metadata=[("x-api-key", self._key)], timeout=30)
        count = 0
        reason = ""
        try:
            async for _ in call:
                count += 1
        except grpc.aio.AioRpcError as error:
            reason = reason_from(error)
        return count, await self._note(call, reason, started)

    async def _note(self, call: Any, reason: str, started: float) -> Called:
        latency_ms = (time.perf_counter() - started) * 1000
        trailers = dict(await call.trailing_metadata() or ())
        called = Called(
            agent=self.name,
            status=(await call.code()).name,
            reason=reason,
            decision=str(trailers.get("pilote-decision-id", "")),
            version=str(trailers.get("pilote-version", "")),
            latency_ms=latency_ms,
            overhead_ms=float(trailers.get("pilote-overhead-ms", 0)),
        )
        self._tell(called)
        return called


async def at_once(work: Iterable[Awaitable[T]], *, width: int) -> list[T]:
    """All of the work, at most `width` at the same time; results in the order of the work."""
    gate = asyncio.Semaphore(width)

    async def one(item: Awaitable[T]) -> T:
        async with gate:
            return await item

    return list(await asyncio.gather(*(one(item) for item in work)))
