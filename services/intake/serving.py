"""Serves the web application over HTTP, until the block ends."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from litestar import Litestar


@contextlib.asynccontextmanager
async def serving(app: Litestar, *, listen: str, drain_seconds: float) -> AsyncIterator[int]:
    """Answer at that address; yields the port. In the end requests that run have `drain_seconds` to be answered.

    Raises:
        OSError: the address is taken.
    """
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.create_server((host.strip("[]"), int(port)), family=family) as taken:
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections that it accepts inherit that
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, int(drain_seconds)),
            )
        )
        task = asyncio.create_task(server.serve(sockets=[taken]))
        try:
            yield int(taken.getsockname()[1])
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """Whoever runs us hears the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield
