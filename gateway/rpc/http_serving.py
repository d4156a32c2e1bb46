"""Serves an ASGI application over HTTP, until the block ends: the same for every process of ours that speaks HTTP."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Literal

import uvicorn

from gateway.certificates import own
from gateway.rpc.http_heads import HEAD_SECONDS, BoundedHeads
from gateway.rpc.probing import wellness
from gateway.rpc.server_tls import http_context

MOST_CONNECTIONS: Final = 4_096
"""Of one port; requests on further ones are answered with 503."""


def _nothing() -> None:
    """What ends by itself when the server drains."""


@contextlib.asynccontextmanager
async def http_serving(
    app: Any,
    *,
    listen: str,
    drain_seconds: float,
    ending: Callable[[], None] = _nothing,
    proxies: str = "",
    lifespan: Literal["on", "off"] = "off",
    head_seconds: float = HEAD_SECONDS,
) -> AsyncIterator[int]:
    """Answer at that address; yields the port. In the end `ending` is called, so that streams end, and the rest drains.

    The word of `proxies`, addresses or networks parted by commas, counts for where a request comes from. `lifespan` is
    "on" for an application that wants to be told of start and end. The head of a request may take `head_seconds`. Where
    this process has a certificate, it answers over HTTPS.

    Raises:
        OSError: the address is taken.
    """

    class Heads(BoundedHeads):
        """With that bound."""

        seconds = head_seconds

    with listening(listen) as taken:
        certificates = own()
        tls = None if certificates is None else http_context(certificates, callers="everybody")
        config = uvicorn.Config(
            app,
            limit_concurrency=MOST_CONNECTIONS,
            ssl_context_factory=None if tls is None else lambda *_: tls,
            http=Heads,
            log_config=None,
            access_log=False,
            lifespan=lifespan,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=max(1, int(drain_seconds)),
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[taken]))
        try:
            yield int(taken.getsockname()[1])
        finally:
            wellness().ends()
            ending()
            server.should_exit = True
            await task


def listening(listen: str) -> socket.socket:
    """A socket at that address.

    An answer goes out as head and body. With Nagle's algorithm the body would wait until the other side acknowledges
    the head, which it puts off for 40 ms; asyncio switches that off, but not for a socket that is made like this one.

    Raises:
        OSError: the address is taken.
    """
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    taken = socket.create_server((host.strip("[]"), int(port)), family=family)
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections that it accepts inherit that
    return taken


class _Server(uvicorn.Server):
    """Whoever runs us hears the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield
