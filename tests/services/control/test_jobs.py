"""Jobs: work in processes of their own, with progress, that ends when somebody says so."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from services.control.jobs import (
    KEPT_MS,
    MOST_OF_ONE,
    MOST_RUNNING,
    MOST_WAITING,
    JobFailed,
    Jobs,
    JobsFull,
    JobUnknown,
    Progress,
)
from tests.e2e.waiting import until


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def jobs(clock: Clock) -> AsyncIterator[Jobs]:
    jobs = Jobs(clock_ms=clock)
    yield jobs
    await jobs.close()


def counting(most: int, progress: Progress) -> bytes:
    for number in range(most):
        progress(number, most)
    return msgspec.json.encode({"process": os.getpid()})


def endless(progress: Progress) -> bytes:
    while True:
        progress(0, 0)


def stuck(told: str, progress: Progress) -> bytes:
    Path(told).write_text(str(os.getpid()))
    while True:
        os.sched_yield()


def failing(code: str, progress: Progress) -> bytes:
    if code:
        raise JobFailed(code)
    raise ValueError("somebody's secret")


def killed(progress: Progress) -> bytes:
    os.kill(os.getpid(), 9)
    return b""


async def over(jobs: Jobs, job: str, *, owner: str = "ada") -> list[tuple[str, int]]:
    """The states and progress that somebody sees who follows a job to its end."""
    async with asyncio.timeout(60):
        return [(each.state, each.done) async for each in jobs.follow(job, owner=owner)]


async def test_work_is_done_elsewhere_and_its_progress_is_seen(jobs: Jobs) -> None:
    job = jobs.start("plan", counting, (5,), about="policy-drafts/a", owner="ada")
    seen = await over(jobs, job.id)
    assert seen[-1][0] == "succeeded"
    assert seen == sorted(seen, key=lambda each: each[1])
    done = jobs.get(job.id, owner="ada")
    assert msgspec.json.decode(done.result)["process"] != os.getpid()
    assert jobs.all(owner="ada") == (done,)


async def test_a_job_is_its_owners_alone(jobs: Jobs) -> None:
    job = jobs.start("plan", counting, (1,), about="a", owner="ada")
    assert jobs.all(owner="bob") == ()
    with pytest.raises(JobUnknown):
        jobs.get(job.id, owner="bob")
    with pytest.raises(JobUnknown):
        await jobs.cancel(job.id, owner="bob")
    await over(jobs, job.id)


async def test_a_job_that_works_and_one_that_waits_end_when_told(jobs: Jobs) -> None:
    running = [jobs.start("a", endless, (), about="a", owner=f"p{number}") for number in range(MOST_RUNNING)]
    waiting = jobs.start("a", endless, (), about="a", owner="ada")
    assert (await jobs.cancel(waiting.id, owner="ada")).state == "cancelled"
    for number, job in enumerate(running):
        async for seen in jobs.follow(job.id, owner=f"p{number}"):
            if seen.state == "running":
                break
        assert (await jobs.cancel(job.id, owner=f"p{number}")).state == "cancelled"


async def test_work_that_does_not_listen_is_ended_all_the_same(jobs: Jobs, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    job = jobs.start("a", stuck, (str(told),), about="a", owner="ada")
    await until(told.exists, what="the work has begun")
    assert (await jobs.cancel(job.id, owner="ada")).state == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


@pytest.mark.parametrize(
    ("work", "arguments", "code"),
    [(failing, ("job-audit",), "job-audit"), (failing, ("",), "job-mistake"), (killed, (), "job-lost")],
)
async def test_work_that_fails_says_which_text_tells_why(
    jobs: Jobs, work: object, arguments: object, code: str
) -> None:
    job = jobs.start("a", work, arguments, about="a", owner="ada")  # type: ignore[arg-type]
    assert (await over(jobs, job.id))[-1][0] == "failed"
    assert jobs.get(job.id, owner="ada").failure == code


async def test_what_came_of_a_job_is_kept_for_an_hour(jobs: Jobs, clock: Clock) -> None:
    job = jobs.start("a", counting, (1,), about="a", owner="ada")
    await over(jobs, job.id)
    clock.now_ms += KEPT_MS
    assert jobs.get(job.id, owner="ada").state == "succeeded"
    clock.now_ms += 1
    with pytest.raises(JobUnknown):
        jobs.get(job.id, owner="ada")


async def test_nobody_takes_all_the_room(jobs: Jobs) -> None:
    for _ in range(MOST_OF_ONE):
        jobs.start("a", endless, (), about="a", owner="ada")
    with pytest.raises(JobsFull):
        jobs.start("a", endless, (), about="a", owner="ada")
    for number in range(MOST_RUNNING + MOST_WAITING - MOST_OF_ONE):
        jobs.start("a", endless, (), about="a", owner=f"p{number}")
    with pytest.raises(JobsFull):
        jobs.start("a", endless, (), about="a", owner="new")
