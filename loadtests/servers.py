"""How the benchmark's own small servers run: on a free loopback port, which they print, until they are told to stop."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import uvloop

Answer = Callable[[bytes, Any], Awaitable[bytes]]
"""Answers one unary call on raw bytes: `(request, context)`."""


class Unary(grpc.GenericRpcHandler):
    """Answers every method as a unary call; `answer_of` is asked once a method, as the gateway's proxy does it."""

    def __init__(self, answer_of: Callable[[str], Answer]) -> None:
        self._answer_of = answer_of
        self._handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """The handler of a method."""
        method = handler_call_details.method
        handler = self._handlers.get(method)
        if handler is None:
            handler = self._handlers[method] = grpc.unary_unary_rpc_method_handler(self._answer_of(method))
        return handler


def run(main: Callable[[], Awaitable[Unary]]) -> None:
    """Serve the handler that `main` makes until SIGTERM."""
    # As the gateway does it: the yardstick must not be slower for a reason of its own.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    uvloop.run(_serve(main))


async def _serve(main: Callable[[], Awaitable[Unary]]) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((await main(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await stop.wait()
    await server.stop(0)
