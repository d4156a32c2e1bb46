"""The gateway as callers, upstreams and auditors see it: everything is real but the upstream that misbehaves."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from redis.exceptions import RedisError

from gateway.redis_clients import Client, connected
from tests.e2e.explained import unexplained
from tests.e2e.policy import policy
from tests.e2e.replayed import STORE_GONE, Census, census
from tests.e2e.world import Agent, Auditor, World, auditing
from tests.fakes.collector import Collector, collecting
from tests.fakes.upstream import FakeUpstream, fake_upstream
from tests.stores import Store

TALLY: Final = pytest.StashKey[Census]()


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """An upstream that does as it is told; answers with empty messages at first."""
    async with fake_upstream() as fake:
        yield fake


def _tally(config: pytest.Config) -> Census:
    """What became of the records of all tests so far."""
    return config.stash.setdefault(TALLY, Census())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many records were decided once more, and why others were not."""
    tally = _tally(config)
    for title, counts in (("decided once more", tally.same), ("not decided once more", tally.excused)):
        if counts:
            terminalreporter.section(f"records {title}")
        for what, count in counts.most_common():
            terminalreporter.write_line(f"{count:8,} {what}")


def _engine(request: pytest.FixtureRequest) -> str:
    """What carries the calls of the test's gateways."""
    return str(request.config.getoption("--engine"))


def _replaying(request: pytest.FixtureRequest) -> bool:
    """Whether every decision of the test is to be decided once more, and come to the same bytes."""
    return bool(request.config.getoption("--replay")) and request.node.get_closest_marker("no_replay") is None


async def _judged(world: World, request: pytest.FixtureRequest) -> None:
    """Explain every decision of the test, and decide about every record once more."""
    with contextlib.suppress(RedisError, OSError):  # the test may have ended its store
        assert await unexplained(world) == []
    if not request.config.getoption("--replay"):
        return
    try:
        found = await census(world)
    except (RedisError, OSError):
        found = Census(excused=Counter([STORE_GONE]))
    _tally(request.config).add(found)
    assert found.wrong == []
    assert found.all_named()


@pytest.fixture
async def empty_world(
    redis: Client, redis_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """No gateway yet."""
    async with contextlib.AsyncExitStack() as stack:
        world = World(redis, redis_url, tmp_path, stack, engine=_engine(request))
        world.replaying = _replaying(request)
        yield world
        await _judged(world, request)
        # The promise of every test: nothing of ours is given away in any status.
        assert await world.seen.leaks() == []


@pytest.fixture
async def world(empty_world: World, upstream: FakeUpstream) -> World:
    """One gateway before the fake upstream; everything is allowed."""
    await empty_world.gateway()
    await empty_world.publish(policy(upstream.address))
    return empty_world


@contextlib.asynccontextmanager
async def _world_on(
    store: Store, upstream: FakeUpstream, home: Path, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    async with contextlib.AsyncExitStack() as stack:
        redis = await connected(store.url)
        stack.push_async_callback(redis.aclose)
        # Tests freeze the store, and wait for that.
        world = World(redis, store.url, home, stack, store_timeout_ms=2_000, engine=_engine(request))
        world.replaying = _replaying(request)
        await world.gateway()
        await world.publish(policy(upstream.address))
        yield world
        await _judged(world, request)
        assert await world.seen.leaks() == []


@pytest.fixture
async def fragile_world(
    own_redis: Store, upstream: FakeUpstream, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """One gateway on a Redis that the test may hurt."""
    async with _world_on(own_redis, upstream, tmp_path, request) as world:
        yield world


@pytest.fixture
async def forgetful_world(
    forgetful_redis: Store, upstream: FakeUpstream, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """One gateway on a Redis that loses everything when it is killed."""
    async with _world_on(forgetful_redis, upstream, tmp_path, request) as world:
        yield world


@pytest.fixture
def agent(world: World) -> Agent:
    """Stubs to the gateway."""
    return world.agent()


@pytest.fixture
async def auditor(world: World, redis_url: str, tmp_path: Path) -> AsyncIterator[Auditor]:
    """A real audit service beside the gateway."""
    async with auditing(redis_url, tmp_path / "audit") as auditor:
        yield auditor


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """An OTLP endpoint."""
    async with collecting() as collector:
        yield collector
