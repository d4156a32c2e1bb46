"""What the pipeline may do with a call to a system behind the gateway, whatever that system speaks.

A call gives bytes of the method's contract, and fails with `grpc.aio.AioRpcError`: an adapter of another protocol says
what has happened in gRPC's codes, so that one place (`fate_of`) judges what a failure means.
"""

from collections.abc import AsyncIterator, Callable, Collection, Generator
from typing import Any, Protocol

from gateway.core.policy.upstreams import Upstream


class Call(Protocol):
    """A call that has begun."""

    async def initial_metadata(self) -> Any:
        """What the upstream said before its answer: pairs, or nothing."""

    async def trailing_metadata(self) -> Any:
        """What it said after its answer: pairs, or nothing."""

    def cancel(self) -> bool:
        """End it. Whoever awaits it gets `asyncio.CancelledError`."""


class UnaryCall(Call, Protocol):
    """One request, one answer."""

    def __await__(self) -> Generator[Any, None, bytes]:
        """The answer.

        Raises:
            AioRpcError: there is none.
        """


class StreamCall(Call, Protocol):
    """Any number of requests and answers, at the same time."""

    async def send(self, message: bytes) -> None:
        """Send one more request, once there is a connection.

        Raises:
            AioRpcError, InternalError: the call is over. Whoever reads the answers is told why.
        """

    async def done_writing(self) -> None:
        """Say that there are no more requests. Raises like `send`."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The answers. Raises `AioRpcError` where the call fails."""


class Speaking(Protocol):
    """Speaks one protocol to the upstreams of its kind."""

    def use(self, upstreams: Collection[Upstream]) -> None:
        """Be ready for these. Calls that were admitted before end on those they were admitted for."""

    def unary(self, upstream: Upstream, method: str) -> Callable[..., UnaryCall]:
        """Starts a unary call: `(request, timeout=seconds, metadata=...)`."""

    def stream(self, upstream: Upstream, method: str) -> Callable[..., StreamCall]:
        """Starts a streaming call of any kind: `(timeout=seconds, metadata=...)`."""

    async def close(self) -> None:
        """Close all connections."""
