"""Running a suite of probes, as the process of a job does it: with progress, within a time, and kept."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec
from redis.exceptions import RedisError

from gateway.activation.loading import load_stored
from gateway.clock import clock_ms
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.redis_clients import connected
from services.control.drafts.checking import loaded
from services.control.jobs import JobFailed, Progress
from services.control.probes.shown import run_told
from services.probes.asking import Came, Target
from services.probes.policies import Policy
from services.probes.reading import read
from services.probes.running import Report, run
from services.probes.store import Run, SuiteStore
from services.probes.versions import Version, VersionUnknown

LONGEST_SECONDS: Final = 600.0
"""How long a suite may run."""
_LOOK_SECONDS: Final = 0.2


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which suite, and what is probed."""

    suite: str
    """As "acme/contacts"."""
    text: str
    """Of the suite."""
    draft: str | None = None
    """The text of a draft."""
    document: bytes = b""
    """Of a revision, in place of a draft."""
    named: str
    """What the policy is called: `revisions/7`."""
    version: str = ""
    """A version of a model in that policy, "lead-score/2", in place of its rules."""
    by: str
    redis_url: str


def probe(asked: Asked, progress: Progress) -> bytes:
    """Run the suite and keep what came of it: as JSON.

    Raises:
        JobFailed: the suite or policy has mistakes, it takes too long, or the store does not answer.
    """
    try:
        suite = read(asked.text)
    except PolicyInvalid as invalid:
        raise JobFailed("job-suite") from invalid
    with _target(asked) as target:
        watched = Watched(target, progress, longest_seconds=LONGEST_SECONDS, clock=time.monotonic)
        report = run(suite, watched, progress=watched.reached)
    return msgspec.json.encode(run_told(asked.suite, _kept(asked, report)))


class Watched:
    """What is probed, with an eye on the time and on whether somebody has ended the job."""

    def __init__(
        self, target: Target, progress: Progress, *, longest_seconds: float, clock: Callable[[], float]
    ) -> None:
        """`clock` is in seconds from any moment."""
        self.kind: Literal["policy", "version"] = target.kind
        self.name, self.digest = target.name, target.digest
        self._target = target
        self._progress = progress
        self._clock = clock
        self._end = clock() + longest_seconds
        self._next = 0.0
        self._at = (0, 0)

    def reached(self, done: int, of: int) -> None:
        """So many probes of so many are done."""
        self._at = (done, of)
        self._progress(done, of)

    def ask(self, call: Mapping[str, Any]) -> Came:
        """Make the call.

        Raises:
            JobFailed: the time is over.
            Cancelled: somebody has ended the job.
            Unaskable: it cannot be made.
        """
        now = self._clock()
        if now > self._end:
            raise JobFailed("job-probes-long")
        if now >= self._next:
            self._next = now + _LOOK_SECONDS
            self._progress(*self._at)
        return self._target.ask(call)


@contextlib.contextmanager
def _target(asked: Asked) -> Iterator[Target]:
    revision = _revision(asked)
    if not asked.version:
        yield Policy(revision, name=asked.named)
        return
    model, _, version = asked.version.partition("/")
    try:
        found = Version(revision, model, version)
    except VersionUnknown as unknown:
        raise JobFailed("job-version") from unknown
    with found:
        yield found


def _revision(asked: Asked) -> Revision:
    try:
        return load_stored(asked.document) if asked.draft is None else loaded(asked.draft)[0]
    except PolicyInvalid as invalid:
        raise JobFailed("job-invalid") from invalid


def _kept(asked: Asked, report: Report) -> Run:
    """What came of it, as whoever makes policies active goes by it."""

    async def work() -> Run:
        async with await connected(asked.redis_url) as redis:
            return (await SuiteStore(redis).ran(asked.suite, report, by=asked.by, now_ms=clock_ms()))[1]

    try:
        return asyncio.run(work())
    except (RedisError, OSError) as error:
        raise JobFailed("job-store") from error
