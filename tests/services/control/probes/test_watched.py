"""A run looks at its time, and at whether somebody has ended it, at every call."""

import pytest

from services.control.jobs import Cancelled, JobFailed
from services.control.probes.working import Watched
from services.probes.policies import Policy
from services.probes.running import run
from tests.policies import revision
from tests.services.probes.suites import suite

TEXTS = {"kind": "adversarial", "fields": ["request.message.body"]}


def test_what_takes_too_long_ends_with_the_reason() -> None:
    times = iter(range(1_000))
    watched = Watched(Policy(revision(), name="it"), lambda *_: None, longest_seconds=5, clock=lambda: next(times))
    with pytest.raises(JobFailed, match="job-probes-long"):
        run(suite(TEXTS), watched, progress=watched.reached)
    assert next(times) < 10


def test_who_ends_it_ends_it_within_a_probe_and_progress_tells_how_many_are_done() -> None:
    told: list[tuple[int, int]] = []
    times = iter(range(10_000))

    def progress(done: int, of: int) -> None:
        told.append((done, of))
        if len(told) == 9:
            raise Cancelled

    watched = Watched(Policy(revision(), name="it"), progress, longest_seconds=1e9, clock=lambda: next(times))
    with pytest.raises(Cancelled):
        run(suite(TEXTS, TEXTS), watched, progress=watched.reached)
    assert set(told) == {(0, 2)}


def test_nothing_else_comes_of_it_than_without_an_eye_on_it() -> None:
    target = Policy(revision(), name="it")
    watched = Watched(target, lambda *_: None, longest_seconds=1, clock=lambda: 0.0)
    assert run(suite(TEXTS), watched) == run(suite(TEXTS), target)
