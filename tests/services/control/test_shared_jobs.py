"""A job is known to every control plane, and known to be lost once the one that runs it is gone."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.redis_clients import Client
from services.control.jobs import KEPT_MS, OVER, JobUnknown
from services.control.shared_jobs import LOST_MS, Noted, SharedJobs
from tests.services.control.test_jobs import Clock, counting, endless


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def here(redis: Client, clock: Clock) -> AsyncIterator[SharedJobs]:
    jobs = SharedJobs(redis, clock_ms=clock)
    yield jobs
    await jobs.close()


@pytest.fixture
async def there(redis: Client, clock: Clock) -> AsyncIterator[SharedJobs]:
    """Another control plane."""
    jobs = SharedJobs(redis, clock_ms=clock)
    yield jobs
    await jobs.close()


async def test_a_job_is_followed_to_its_result_through_another_control_plane(
    here: SharedJobs, there: SharedJobs
) -> None:
    job = await here.start("plan", counting, (3,), about="policy-drafts/a", owner="ada")
    assert [each.id for each in await there.all(owner="ada")] == [job.id]
    async with asyncio.timeout(60):
        seen = [each async for each in there.follow(job.id, owner="ada")]
    assert seen[-1].state == "succeeded"
    assert seen[-1] == await here.get(job.id, owner="ada") == await there.get(job.id, owner="ada")
    assert await there.all(owner="ada") == await here.all(owner="ada") == (seen[-1],)


async def test_nobody_sees_a_job_of_somebody_else_anywhere(here: SharedJobs, there: SharedJobs) -> None:
    job = await here.start("plan", counting, (1,), about="a", owner="ada")
    for jobs in (here, there):
        assert await jobs.all(owner="bob") == ()
        for asked in (jobs.get, jobs.cancel):
            with pytest.raises(JobUnknown):
                await asked(job.id, owner="bob")


async def test_a_job_is_ended_through_another_control_plane(here: SharedJobs, there: SharedJobs) -> None:
    job = await here.start("plan", endless, (), about="a", owner="ada")
    async with asyncio.timeout(60):
        assert (await there.cancel(job.id, owner="ada")).state in {"cancelled", "running", "waiting"}
        states = [each.state async for each in there.follow(job.id, owner="ada")]
    assert states[-1] == "cancelled"
    assert (await here.get(job.id, owner="ada")).state == "cancelled"


async def test_a_control_plane_that_ends_leaves_its_jobs_as_lost(here: SharedJobs, there: SharedJobs) -> None:
    job = await here.start("plan", endless, (), about="a", owner="ada")
    await here.close()
    found = await there.get(job.id, owner="ada")
    assert (found.state, found.failure) == ("failed", "job-gone")


async def test_a_job_of_which_nothing_is_heard_any_more_is_lost(here: SharedJobs, redis: Client, clock: Clock) -> None:
    job = await here.start("plan", counting, (1,), about="a", owner="ada")
    gone = msgspec.structs.replace(job, id="0" * 16, state="running")
    noted = msgspec.json.encode(Noted(job=gone, at_ms=clock.now_ms))
    await redis.set("pilote:{control}:job:" + gone.id, noted)
    clock.now_ms += LOST_MS - 1
    assert (await here.get(gone.id, owner="ada")).state == "running"
    clock.now_ms += 1
    lost = await here.get(gone.id, owner="ada")
    assert (lost.state in OVER, lost.failure, lost.ended_ms) == (True, "job-gone", 1_000)


async def test_what_is_kept_of_jobs_goes_by_itself(here: SharedJobs, redis: Client) -> None:
    job = await here.start("plan", counting, (1,), about="a", owner="ada")
    assert 0 < await redis.pttl("pilote:{control}:job:" + job.id) <= KEPT_MS
    assert 0 < await redis.pttl("pilote:{control}:jobs:ada") <= 2 * KEPT_MS
