"""A gateway, Envoy before a vendor's API, and the vendor."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.envoy.front import Front, envoy_key_file, front, with_api
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream
from tests.fakes.vendor import Vendor, vendor


@pytest.fixture
def empty_world(empty_world: World) -> World:
    """No gateway yet; those to come have no Envoy of their own: here another one asks them."""
    empty_world.engine = "in-process"
    return empty_world


@pytest.fixture
async def http_vendor() -> AsyncIterator[Vendor]:
    """A vendor that answers 200."""
    async with vendor() as fake:
        yield fake


@pytest.fixture
async def http_world(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> World:
    """One gateway that Envoy may ask; everything is allowed."""
    await empty_world.gateway(envoy_key_file=envoy_key_file(tmp_path))
    await empty_world.publish(with_api(upstream.address))
    return empty_world


@pytest.fixture
async def through(http_world: World, http_vendor: Vendor, tmp_path: Path) -> AsyncIterator[Front]:
    """Envoy, as agents see it."""
    async with front(http_world, http_vendor, tmp_path / "envoy") as found:
        yield found
