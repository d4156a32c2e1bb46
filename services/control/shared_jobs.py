"""Jobs as all control planes know them: each runs those that it was asked for, and notes in Redis how they are.

One that ends takes its jobs with it. They are shown as failed then, by the others too once it has been silent for long.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec
from redis.exceptions import RedisError

from gateway.redis_clients import Client
from services.control.access.stored import CONTROL
from services.control.jobs import KEPT_MS, OVER, Job, Jobs, JobUnknown, Work

_log = logging.getLogger(__name__)
BEAT_SECONDS: Final = 1.0
"""How often it is noted how a job is whose state does not change, and asked whether somebody has ended it elsewhere."""
LOST_MS: Final = 15_000
"""How long nothing may be noted of a job until it counts as lost."""
_CANCEL_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.5


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it was at a time, in milliseconds since the epoch."""

    job: Job
    at_ms: int


class SharedJobs:
    """Runs jobs, and knows those of other control planes."""

    def __init__(self, redis: Client, *, clock_ms: Callable[[], int]) -> None:
        self._redis: Any = redis
        self._clock_ms = clock_ms
        self._own = Jobs(clock_ms=clock_ms)
        self._noting: dict[str, asyncio.Task[None]] = {}

    async def start(self, kind: str, work: Work, arguments: tuple[Any, ...], *, about: str, owner: str) -> Job:
        """See `Jobs.start`. While the store does not answer, no other control plane knows of it."""
        job = self._own.start(kind, work, arguments, about=about, owner=owner)
        await self._note(job)
        self._noting[job.id] = asyncio.create_task(self._keep_noted(job))
        return job

    async def get(self, job: str, *, owner: str) -> Job:
        """See `Jobs.get`.

        Raises:
            RedisError: it is no job of ours, and the store does not answer. Likewise the others.
        """
        with contextlib.suppress(JobUnknown):
            return self._own.get(job, owner=owner)
        found = self._as_it_is(await self._redis.get(_job(job)))
        if found is None or found.owner != owner:
            raise JobUnknown
        return found

    async def all(self, *, owner: str) -> tuple[Job, ...]:
        """See `Jobs.all`."""
        ids = await self._redis.zrange(_jobs_of(owner), 0, -1)
        bodies = await self._redis.mget([_job(each.decode()) for each in ids]) if ids else ()
        elsewhere = [job for body in bodies if (job := self._as_it_is(body)) is not None]
        found = {job.id: job for job in (*elsewhere, *self._own.all(owner=owner))}
        return tuple(sorted(found.values(), key=lambda each: (each.created_ms, each.id), reverse=True))

    async def cancel(self, job: str, *, owner: str) -> Job:
        """See `Jobs.cancel`; of another control plane's, at most ten seconds."""
        with contextlib.suppress(JobUnknown):
            return await self._own.cancel(job, owner=owner)
        found = await self.get(job, owner=owner)
        await self._redis.set(_ending(job), b"1", px=KEPT_MS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CANCEL_SECONDS):
                async for seen in self.follow(job, owner=owner):
                    found = seen
        return found

    async def follow(self, job: str, *, owner: str) -> AsyncIterator[Job]:
        """See `Jobs.follow`."""
        last = await self.get(job, owner=owner)
        if self._is_own(job, owner=owner):
            async for seen in self._own.follow(job, owner=owner):
                yield seen
            return
        yield last
        while last.state not in OVER:
            await asyncio.sleep(_LOOK_SECONDS)
            seen = await self.get(job, owner=owner)
            if seen != last:
                last = seen
                yield last

    async def close(self) -> None:
        """End all jobs of this control plane; the others show them as lost."""
        going = tuple(self._noting)
        for task in self._noting.values():
            task.cancel()
        await asyncio.gather(*self._noting.values(), return_exceptions=True)
        jobs = [job for job in (self._own.known(each) for each in going) if job is not None and job.state not in OVER]
        await self._own.close()
        for job in jobs:
            await self._note(_lost(job, self._clock_ms()))

    async def _keep_noted(self, job: Job) -> None:
        try:
            while job.state not in OVER:
                job = await self._own.later(job, seconds=BEAT_SECONDS)
                await self._note(job)
                if job.state not in OVER and await self._is_ended(job.id):
                    await self._own.cancel(job.id, owner=job.owner)
        finally:
            self._noting.pop(job.id, None)

    async def _note(self, job: Job) -> None:
        body = msgspec.json.encode(Noted(job=job, at_ms=self._clock_ms()))
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(_job(job.id), body, px=KEPT_MS)
                pipe.zremrangebyscore(_jobs_of(job.owner), 0, self._clock_ms() - 2 * KEPT_MS)
                pipe.zadd(_jobs_of(job.owner), {job.id: job.created_ms})
                pipe.pexpire(_jobs_of(job.owner), 2 * KEPT_MS)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError):
            _log.warning("the store does not take down how a job is", exc_info=True)

    async def _is_ended(self, job: str) -> bool:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            return bool(await self._redis.exists(_ending(job)))
        return False

    def _is_own(self, job: str, *, owner: str) -> bool:
        known = self._own.known(job)
        return known is not None and known.owner == owner

    def _as_it_is(self, body: bytes | None) -> Job | None:
        if body is None:
            return None
        noted = msgspec.json.decode(body, type=Noted)
        silent = self._clock_ms() - noted.at_ms >= LOST_MS
        return _lost(noted.job, noted.at_ms) if silent and noted.job.state not in OVER else noted.job


def _lost(job: Job, at_ms: int) -> Job:
    return msgspec.structs.replace(job, state="failed", failure="job-gone", ended_ms=at_ms)


def _job(job: str) -> str:
    return f"{CONTROL}:job:{job}"


def _ending(job: str) -> str:
    return f"{CONTROL}:job:{job}:ending"


def _jobs_of(owner: str) -> str:
    return f"{CONTROL}:jobs:{owner}"
