"""Sends the requests of a stream that the gateway may have refused meanwhile."""

import contextlib
from collections.abc import AsyncIterable
from typing import Any

import grpc


async def feed(call: Any, requests: AsyncIterable[Any]) -> None:
    """Send all of them and say that there are no more, or stop where the call is over.

    Below grpc's own `write`: one that comes too late, because the stream has just been refused, makes that put an
    INTERNAL of its own in place of the refusal (grpc 1.85). Where `requests` fail, the call is cancelled.
    """
    try:
        with contextlib.suppress(grpc.aio.AioRpcError, grpc.aio.InternalError):
            async for request in requests:
                await call.wait_for_connection()
                await call._cython_call.send_serialized_message(request.SerializeToString())  # noqa: SLF001
            await call.done_writing()
    except BaseException:
        call.cancel()
        raise
