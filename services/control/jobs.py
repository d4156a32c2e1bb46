"""Long work that people wait for: run in a process of its own, with progress, kept for a while, ended when asked to.

These are the jobs of one control plane; `services.control.shared_jobs` tells the others of them.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import secrets
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection
from typing import Any, Final, Literal

import msgspec

from services import children
from services.control.drafts.texts import say
from services.not_done import NotDone

_log = logging.getLogger(__name__)
KEPT_MS: Final = 3_600_000
"""How long what came of a job can be read."""
MOST_RUNNING: Final = 2
MOST_WAITING: Final = 20
MOST_OF_ONE: Final = 5
"""Jobs of one person that run or wait."""
_GRACE_SECONDS: Final = 3.0
State = Literal["waiting", "running", "succeeded", "failed", "cancelled"]
OVER: Final = frozenset({"succeeded", "failed", "cancelled"})
Progress = Callable[[int, int], None]
Work = Callable[..., bytes]
"""What a process does: gets its arguments and `progress`, and gives JSON."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work. Times are milliseconds since the epoch."""

    id: str
    kind: str
    about: str
    """What it is about: the name of a resource."""
    owner: str
    state: State = "waiting"
    done: int = 0
    total: int = 0
    """0: not known yet."""
    failure: str = ""
    """Of one that failed: the code of a text."""
    result: msgspec.Raw = msgspec.Raw(b"null")
    created_ms: int
    ended_ms: int = 0


class JobsFull(NotDone):
    """Too much is under way; retry later."""

    say = staticmethod(say)

    def __init__(self) -> None:
        super().__init__("jobs-full", wait_s=5)


class JobUnknown(NotDone):
    """There is no such job, or it was forgotten, or it is another person's."""

    say = staticmethod(say)

    def __init__(self) -> None:
        super().__init__("job-unknown")


class JobFailed(Exception):
    """What a job's work raises where it cannot be done; `code` is that of a text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Cancelled(Exception):
    """Raised within the work, by `progress`, once somebody has ended the job."""


class Jobs:
    """Runs jobs, the oldest first."""

    def __init__(self, *, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending: dict[str, Connection] = {}
        """By the id of a job that runs: what ends it once something comes there."""
        self._slots = asyncio.Semaphore(MOST_RUNNING)
        self._changed = asyncio.Condition()
        self._context = multiprocessing.get_context("spawn")

    def start(self, kind: str, work: Work, arguments: tuple[Any, ...], *, about: str, owner: str) -> Job:
        """Begin some work, or have it wait for its turn.

        Raises:
            JobsFull: too much waits already.
        """
        self._forget()
        open_ = [job for job in self._jobs.values() if job.state not in OVER]
        if len(open_) >= MOST_RUNNING + MOST_WAITING or sum(job.owner == owner for job in open_) >= MOST_OF_ONE:
            raise JobsFull
        job = Job(id=secrets.token_hex(8), kind=kind, about=about, owner=owner, created_ms=self._clock_ms())
        self._jobs[job.id] = job
        self._tasks[job.id] = asyncio.create_task(self._run(job.id, work, arguments))
        return job

    def get(self, job: str, *, owner: str) -> Job:
        """A job of somebody.

        Raises:
            JobUnknown: they have no such job.
        """
        self._forget()
        found = self._jobs.get(job)
        if found is None or found.owner != owner:
            raise JobUnknown
        return found

    def all(self, *, owner: str) -> tuple[Job, ...]:
        """All jobs of somebody that are not forgotten yet, the newest first."""
        self._forget()
        return tuple(job for job in reversed(self._jobs.values()) if job.owner == owner)

    async def cancel(self, job: str, *, owner: str) -> Job:
        """End a job; nothing where it is over. Waits until it has ended.

        Raises:
            JobUnknown: they have no such job.
        """
        found = self.get(job, owner=owner)
        if found.state in OVER:
            return found
        task, ending = self._tasks[job], self._ending.get(job)
        if ending is not None:
            with contextlib.suppress(OSError):  # it has just ended
                ending.send(None)
            await asyncio.wait((task,), timeout=_GRACE_SECONDS)
        task.cancel()
        await asyncio.wait((task,))
        if self._jobs[job].state not in OVER:  # it had not even begun to wait
            await self._change(job, state="cancelled", ended_ms=self._clock_ms())
        return self._jobs[job]

    async def follow(self, job: str, *, owner: str) -> AsyncIterator[Job]:
        """A job each time that it has changed, until it is over.

        Raises:
            JobUnknown: they have no such job.
        """
        last = self.get(job, owner=owner)
        yield last
        while last.state not in OVER:
            async with self._changed:
                while self._jobs.get(job) is last:
                    await self._changed.wait()
            last = self.get(job, owner=owner)
            yield last

    def known(self, job: str) -> Job | None:
        """A job, whosever it is."""
        return self._jobs.get(job)

    async def later(self, job: Job, *, seconds: float) -> Job:
        """A job as it is once its state is another, or after so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                while self._jobs.get(job.id, job).state == job.state:
                    await self._changed.wait()
        return self._jobs.get(job.id, job)

    async def close(self) -> None:
        """End all jobs."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, job: str, work: Work, arguments: tuple[Any, ...]) -> None:
        try:
            async with self._slots:
                await self._change(job, state="running")
                await self._worked(job, work, arguments)
        except asyncio.CancelledError:
            await self._change(job, state="cancelled", ended_ms=self._clock_ms())
        finally:
            self._tasks.pop(job, None)

    async def _worked(self, job: str, work: Work, arguments: tuple[Any, ...]) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        heard, self._ending[job] = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_child, args=(theirs, heard, work, arguments))
        try:
            await asyncio.to_thread(process.start)
            theirs.close()
            heard.close()
            while True:
                try:
                    kind, *values = await asyncio.to_thread(ours.recv)
                except (EOFError, OSError):  # it was ended from outside
                    kind, values = "failed", ["job-lost"]
                if kind == "progress":
                    await self._change(job, done=values[0], total=values[1])
                    continue
                ended = {"ended_ms": self._clock_ms()}
                if kind == "succeeded":
                    await self._change(job, state="succeeded", result=msgspec.Raw(values[0]), **ended)
                elif kind == "cancelled":
                    await self._change(job, state="cancelled", **ended)
                else:
                    await self._change(job, state="failed", failure=values[0], **ended)
                return
        finally:
            if process.pid is not None:
                children.end(process.pid)
                process.kill()  # where it has no group of its own yet
                await asyncio.shield(asyncio.to_thread(process.join))
            for end in (ours, theirs, heard, self._ending.pop(job)):
                end.close()

    async def _change(self, job: str, **values: Any) -> None:
        self._jobs[job] = msgspec.structs.replace(self._jobs[job], **values)
        async with self._changed:
            self._changed.notify_all()

    def _forget(self) -> None:
        oldest = self._clock_ms() - KEPT_MS
        for job in [each.id for each in self._jobs.values() if each.state in OVER and each.ended_ms < oldest]:
            del self._jobs[job]


def _child(told: Connection, ending: Connection, work: Work, arguments: tuple[Any, ...]) -> None:
    """What the process does."""
    children.begin()

    def progress(done: int, total: int) -> None:
        if ending.poll():
            raise Cancelled
        try:
            told.send(("progress", done, total))
        except BrokenPipeError:  # whoever has begun it has gone
            raise Cancelled from None

    with contextlib.suppress(BrokenPipeError):
        told.send(_came_to(work, arguments, progress))


def _came_to(work: Work, arguments: tuple[Any, ...], progress: Callable[[int, int], None]) -> tuple[object, ...]:
    try:
        return "succeeded", work(*arguments, progress)
    except Cancelled:
        return ("cancelled",)
    except JobFailed as failed:
        return "failed", failed.code
    except Exception:
        _log.exception("a job failed")
        return "failed", "job-mistake"
