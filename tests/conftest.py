"""Fixtures for all tests: a real Redis or Valkey, alone or as a cluster, started as `pilote up` starts it."""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from gateway.redis_clients import Client, connected
from tests import postgres, stores
from tests.examples import THOROUGH
from tests.fakes import trackers
from tests.stores import RedisProcess, Store

__all__ = ["RedisProcess"]

S = TypeVar("S", bound=Store)
PAGES = Path(__file__).parent / "console"
MOST_PROCESSES = 8
"""Of tests on few cores: each takes up to 1 GB."""

hypothesis.settings.register_profile("pilote", deadline=None)  # how long an example takes is the machine's affair
hypothesis.settings.register_profile(THOROUGH, deadline=None)  # here, for it is asked for before any test is read
hypothesis.settings.load_profile("pilote")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--replay`: keep what every call of an end-to-end test is decided by, and decide about each once more.

    That is the default, since it costs a tenth of the tests' time; `--no-replay` leaves it out.
    `--shots`: where pictures of pages go.
    """
    parser.addoption(
        "--engine", choices=("in-process", "envoy"), default="in-process", help="what carries calls in end-to-end tests"
    )
    parser.addoption("--replay", action="store_true", default=True, help="replay every decision of end-to-end tests")
    parser.addoption("--no-replay", action="store_false", dest="replay", help="do not")
    parser.addoption(
        "--shots", type=Path, help="folder for pictures of the pages that stories come to, to be looked at"
    )


def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` is: two for each core, for tests wait for two fifths of their time.

    They wait for disks, for browsers, and for clocks. On many cores it is one for each, because of what they take.
    """
    cores = os.cpu_count() or 1
    return max(cores, min(2 * cores, MOST_PROCESSES))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are found, which takes a fifth of that time, nor ever among what is found."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_report_header() -> str:
    """Say which stores and trackers there are to test on."""
    return f"{stores.said()}\n{postgres.said()}\n{trackers.said()}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let every test that needs a store run on each kind of store; see `tests.stores` for which of them when."""
    one_server = metafunc.definition.get_closest_marker("one_server") is not None
    # No page depends on the kind of the store: what pages show comes by way of what is tested on all of them.
    one_store = (
        metafunc.definition.get_closest_marker("one_store") is not None or PAGES in metafunc.definition.path.parents
    )
    every_store = metafunc.definition.get_closest_marker("every_store") is not None
    for fixture in ("redis_process", "own_redis", "forgetful_redis"):
        if fixture in metafunc.fixturenames:
            always = ("valkey", "valkey-cluster") if every_store and fixture != "own_redis" else ("valkey",)
            metafunc.parametrize(
                fixture,
                [
                    pytest.param(kind, marks=() if kind in always else pytest.mark.integration, id=kind)
                    for kind in stores.kinds()
                    if not (one_server and kind in stores.CLUSTER) and (kind in always or not one_store)
                ],
                indirect=True,
                scope="session" if fixture == "redis_process" else "function",
            )


def _running(made: Callable[[Path], S]) -> Iterator[S]:
    """A store in a folder of its own, started, and ended with everything it has kept."""
    home = Path(tempfile.mkdtemp(prefix="pilote-"))
    server = made(home)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def redis_process(request: pytest.FixtureRequest) -> Iterator[Store]:
    """One store for the whole run. Tests that hurt it start their own with `own_redis`."""
    yield from _running(lambda home: stores.store(request.param, home))


@pytest.fixture
def own_redis(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store for one test, with an append-only file, already started."""
    yield from _running(lambda home: stores.store(request.param, home, append_only=True))


@pytest.fixture
def own_cluster() -> Iterator[stores.ClusterProcesses]:
    """A cluster for one test, with append-only files, already started."""
    yield from _running(lambda home: stores.ClusterProcesses(home, append_only=True))


@pytest.fixture
def forgetful_redis(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store for one test that keeps nothing on disk, already started."""
    yield from _running(lambda home: stores.store(request.param, home))


@pytest.fixture
async def redis(redis_process: Store) -> AsyncIterator[Client]:
    """A client of an empty database."""
    async with await connected(redis_process.url) as client:
        await client.flushall()
        yield client


@pytest.fixture
def redis_url(redis: Client, redis_process: Store) -> str:
    """URL of an empty database."""
    return redis_process.url
