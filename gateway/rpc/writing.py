"""Writing to streaming calls of our own that whoever answers may have ended meanwhile."""

import contextlib
from collections.abc import AsyncIterable
from typing import Any

import grpc


async def send(call: Any, message: bytes) -> None:
    """Send one encoded message, once there is a connection; the call was begun without an iterator of requests.

    Below grpc's own `write`: a write that comes too late, because the other side has just ended the stream, makes that
    one put an INTERNAL of its own in place of the status that was sent (grpc 1.85).

    Raises:
        AioRpcError, InternalError: the call is over. Whoever reads the answers is told why.
    """
    await call.wait_for_connection()
    await call._cython_call.send_serialized_message(message)  # noqa: SLF001


async def feed(call: Any, messages: AsyncIterable[bytes]) -> None:
    """Send all of them and say that there are no more, or stop where the call is over."""
    with contextlib.suppress(grpc.aio.AioRpcError, grpc.aio.InternalError):
        async for message in messages:
            await send(call, message)
        await call.done_writing()
