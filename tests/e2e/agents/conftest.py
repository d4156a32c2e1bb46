"""A front before the gateway of the world."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.watching.exposing import NOWHERE, Metering
from services.agents.options import Options
from services.agents.server import running
from tests.e2e.waiting import eventually
from tests.e2e.world import World


@contextlib.asynccontextmanager
async def fronting(
    world: World, *, to: Metering = NOWHERE, trace_ratio: float = 1.0
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a front before the world's first gateway, which knows what that serves."""
    options = Options(
        listen="127.0.0.1:0",
        gateway=f"127.0.0.1:{world.gateways[0].port}",
        drain_seconds=2.0,
        max_message_bytes=4 * 1024 * 1024,
        to=to,
        trace_ratio=trace_ratio,
    )
    async with running(options) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def ready() -> bool | None:
            return (await client.get("/readyz")).status_code == 200 or None

        await eventually(ready, what="the front")
        yield client


@pytest.fixture
async def front(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the front."""
    async with fronting(world) as client:
        yield client
