"""Calls to the gateway on encoded messages, as any agent makes them; what is refused is raised as gRPC has it."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import anyio.lowlevel
import grpc
import msgspec

from gateway.ending import ended
from gateway.rpc.channels import channel_to
from gateway.rpc.writing import feed

Metadata = Sequence[tuple[str, str | bytes]]
REVISION: Final = "pilote-revision"

CHANNELS: Final = 4
"""Connections to the gateway: its workers share a port, and each connection stays with one of them."""


class Reply(msgspec.Struct, frozen=True):
    """What came of a call that went well."""

    message: bytes
    """The response, encoded."""
    trailers: Metadata


class Caller:
    """Makes calls over several connections in turn."""

    def __init__(self, channels: Sequence[grpc.aio.Channel]) -> None:
        self._turns = itertools.cycle(tuple(channels))

    async def unary(self, method: str, request: bytes, *, metadata: Metadata, seconds: float | None) -> Reply:
        """Make one unary call; `seconds` is how long it may take. Whoever is cancelled meanwhile cancels the call.

        Raises:
            grpc.aio.AioRpcError: it was refused or has failed; its trailers are in there.
        """
        make: Any = next(self._turns).unary_unary(method)
        call = make(request, metadata=tuple(metadata), timeout=seconds)
        try:
            message: bytes = await call
            return Reply(message, tuple(await call.trailing_metadata() or ()))
        except asyncio.CancelledError:
            # gRPC raises one of its own, which a scope of anyio takes for somebody else's. Let the scope raise its own:
            # the MCP SDK ended whole sessions where one of their calls was cancelled.
            await anyio.lowlevel.checkpoint_if_cancelled()
            raise

    @contextlib.asynccontextmanager
    async def stream(
        self, method: str, requests: AsyncIterator[bytes], *, metadata: Metadata, seconds: float | None
    ) -> AsyncIterator["Stream"]:
        """Make one call of any kind as a stream; it is cancelled where the block ends before the stream does."""
        started: Any = next(self._turns).stream_stream(method)
        call = started(metadata=tuple(metadata), timeout=seconds)
        feeding = asyncio.create_task(feed(call, requests))
        try:
            yield Stream(call)
        finally:
            call.cancel()  # does nothing to a call that is over
            await ended(feeding)


class Stream:
    """The responses of one call, encoded, as they come. Reading raises `grpc.aio.AioRpcError` where it is refused."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __aiter__(self) -> AsyncIterator[bytes]:
        responses: AsyncIterator[bytes] = self._call.__aiter__()
        return responses

    async def trailers(self) -> Metadata:
        """What was said at the end, which has come."""
        return tuple(await self._call.trailing_metadata() or ())


@contextlib.asynccontextmanager
async def calling(address: str, *, max_message_bytes: int) -> AsyncIterator[tuple[Caller, grpc.aio.Channel]]:
    """A caller of the gateway at that address until the block ends, and one connection to ask about contracts."""
    options = (
        # Without pools of their own, channels to one address would share one connection.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        # By default gRPC looks every two minutes in the end whether a server is back: callers wait for this one.
        ("grpc.max_reconnect_backoff_ms", 1_000),
    )
    async with contextlib.AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(channel_to(address, options=options)) for _ in range(CHANNELS)]
        yield Caller(channels), channels[0]
