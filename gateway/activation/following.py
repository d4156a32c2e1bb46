"""Going by the active revision, for processes that decide about no call: the control plane, the intake."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

from redis.exceptions import RedisError

from gateway.activation.standing import Standing
from gateway.adapters.revisions import Published, RevisionStore
from gateway.adapters.trust import Trust
from gateway.adapters.workers import Workers, reporting
from gateway.core.authority import Authority
from gateway.ending import ended
from gateway.redis_clients import Client

FIRST_LOOK_SECONDS: Final = 10.0
"""Longest wait for the active revision at the start; then a process goes on without it until it comes."""


@contextlib.asynccontextmanager
async def following(
    redis: Client,
    swap: Callable[[int, Published], Awaitable[None]],
    *,
    standing: Standing,
    trusted_people: Authority | None,
    pin_file: Path | None,
) -> AsyncIterator[None]:
    """Call `swap` with each revision that becomes active, and report which one runs, until the block ends.

    The block begins with the one that is active, or after `FIRST_LOOK_SECONDS` without any.

    Raises:
        ValueError: the file with what was trusted last cannot be read.
    """
    store, workers = RevisionStore(redis), Workers(redis)
    trust = Trust(store, root=trusted_people, pin_file=pin_file)
    looked = asyncio.Event()
    tasks = (
        asyncio.create_task(store.follow(swap, judge=trust.judge, refused=standing.refuses, looked=looked)),
        asyncio.create_task(reporting(workers, lambda: standing.report, standing.changed)),
    )
    try:
        await first_look(looked)  # who answers before it knows the policy says that there is none
        yield
    finally:
        await ended(*tasks)
        await left(workers, standing)


async def first_look(looked: asyncio.Event) -> None:
    """Wait until somebody has looked which revision is active, whatever came of it; at most `FIRST_LOOK_SECONDS`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_LOOK_SECONDS):
            await looked.wait()


async def left(workers: Workers, standing: Standing) -> None:
    """Take back the report of this process, which else expires by itself."""
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await workers.leave(standing.report.worker)
