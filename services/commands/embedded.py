"""The embedded store of a home where nothing runs, for commands that need what is in it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway import redis_clients
from gateway.redis_clients import Client
from services import redis_server

_START_SECONDS: Final = 30


@contextlib.asynccontextmanager
async def embedded_store(home: Path) -> AsyncIterator[Client]:
    """The embedded server of the home, for as long as the block lasts; what it was told is on the disk afterwards."""
    folder = home / "redis"
    process = await asyncio.create_subprocess_exec(
        *redis_server.command(folder), env=redis_server.ENVIRONMENT, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        patient = Retry(ConstantBackoff(0.05), 20 * _START_SECONDS, supported_errors=(RedisConnectionError,))
        async with Redis.from_url(redis_server.url_of(folder), retry=patient) as starting:
            await starting.ping()
        async with await redis_clients.connected(redis_server.url_of(folder)) as redis:
            yield redis
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
