"""Fixtures for all tests: a real Redis/Valkey on a Unix socket, started as `pilote up` starts it."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from services import redis_server


class RedisProcess:
    """A Redis server that a test may stop, freeze or kill."""

    def __init__(self, home: Path, *, append_only: bool = False) -> None:
        self.home = home
        self.url = redis_server.url_of(home)
        self._append_only = append_only
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(redis_server.command(self.home, append_only=self._append_only))
        patient = Retry(ConstantBackoff(0.01), 500)
        client = BlockingRedis.from_url(
            self.url, retry=patient, retry_on_error=[RedisConnectionError, FileNotFoundError]
        )
        with client:
            client.ping()

    def freeze(self) -> None:
        """Let the server answer nothing, and keep its connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisProcess]:
    """One server for the whole run. Tests that hurt it start their own with `own_redis`."""
    home = Path(tempfile.mkdtemp(prefix="pilote-"))
    server = RedisProcess(home)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(home)


@pytest.fixture
def own_redis() -> Iterator[RedisProcess]:
    """A server for one test, with an append-only file, already started."""
    home = Path(tempfile.mkdtemp(prefix="pilote-"))
    server = RedisProcess(home, append_only=True)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(home)


@pytest.fixture
def forgetful_redis() -> Iterator[RedisProcess]:
    """A server for one test that keeps nothing on disk, already started."""
    home = Path(tempfile.mkdtemp(prefix="pilote-"))
    server = RedisProcess(home)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(home)


@pytest.fixture
async def redis(redis_process: RedisProcess) -> AsyncIterator[Redis]:
    """A client of an empty database."""
    client = Redis.from_url(redis_process.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def redis_url(redis: Redis, redis_process: RedisProcess) -> str:
    """URL of an empty database."""
    return redis_process.url
