"""Serves the web application over HTTP, until the block ends."""

import contextlib
from collections.abc import AsyncIterator, Callable

from litestar import Litestar

from gateway.rpc.http_serving import http_serving
from services.control.api.verbs import parting, plain_in


@contextlib.asynccontextmanager
async def serving(
    app: Litestar, *, listen: str, drain_seconds: float, ending: Callable[[], None], proxies: str = ""
) -> AsyncIterator[int]:
    """Answer at that address, see `http_serving`; yields the port.

    Raises:
        OSError: the address is taken.
    """
    async with http_serving(
        parting(app, plain_in(app)),
        listen=listen,
        drain_seconds=drain_seconds,
        ending=ending,
        proxies=proxies,
        lifespan="on",
    ) as port:
        yield port
