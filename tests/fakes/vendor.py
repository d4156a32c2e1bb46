"""A vendor's HTTP API that does as it is told, and keeps what it really received."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Received:
    """One request that arrived."""

    verb: str
    path: str
    """With its query, as it was sent."""
    headers: dict[str, str]
    body: bytes


def saying(status: int, text: str = "{}") -> Behaviour:
    """Answer with that status."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type="application/json")

    return behave


async def breaking_off(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclass
class Vendor:
    """Answers everything. `behave` may be changed at any time."""

    behave: Behaviour = field(default_factory=lambda: saying(200))
    received: list[Received] = field(default_factory=list)
    port: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def hang(self, _request: web.Request) -> web.StreamResponse:
        """Answer only once `let_go` is set."""
        await self.let_go.wait()
        return web.Response()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Every request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.method, request.raw_path, headers, await request.read()))
        self.arrived.set()
        return await self.behave(request)


@contextlib.asynccontextmanager
async def vendor() -> AsyncIterator[Vendor]:
    """A vendor that serves until the block ends."""
    fake = Vendor()
    server = web.Application()
    server.router.add_route("*", "/{path:.*}", fake.serve)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.port = runner.addresses[0][1]
    try:
        yield fake
    finally:
        fake.let_go.set()
        await runner.cleanup()
