"""Admission against a plain model of it, over random interleavings and clocks that step back."""

import asyncio
import math
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from gateway.adapters.admission import Admission
from gateway.adapters.redis_cluster import opened
from gateway.adapters.spool import Spool
from gateway.core.limits import Bucket
from gateway.core.local import LocalCounts
from gateway.redis_clients import connected
from tests.adapters.conftest import ACME, PATIENT_MS, Desk
from tests.examples import examples

NOW = 1_700_000_000_000
MINUTE = 60_000
SKEW_MS = 1000


class RateModel:
    """GCRA as the textbook has it, plus the cut that a clock makes necessary which stepped back by over a second."""

    def __init__(self, burst: int, interval_us: int) -> None:
        self._burst = burst
        self._interval_us = interval_us
        self._tat = 0

    def look(self, now_ms: int) -> tuple[int, int]:
        now_us = now_ms * 1000
        tat = max(self._seen(now_ms), now_us)
        over_us = tat + self._interval_us - self._burst * self._interval_us - now_us
        return math.ceil((tat - now_us) / self._interval_us), max(0, math.ceil(over_us / 1000))

    def refuse(self, now_ms: int) -> None:
        self._tat = self._seen(now_ms)

    def take(self, now_ms: int) -> None:
        self._tat = max(self._seen(now_ms), now_ms * 1000) + self._interval_us

    def _seen(self, now_ms: int) -> int:
        most = now_ms * 1000 + self._burst * self._interval_us
        return most if self._tat - most > SKEW_MS * 1000 else self._tat


class CapModel:
    """All contacts there ever were, counted anew each time."""

    def __init__(self, most: int, window_ms: int) -> None:
        self._most = most
        self._window_ms = window_ms
        self._taken: list[int] = []

    def look(self, now_ms: int) -> tuple[int, int]:
        inside = sorted(at for at in self._taken if at > now_ms - self._window_ms)
        if len(inside) < self._most:
            return len(inside), 0
        return len(inside), inside[-self._most] + self._window_ms - now_ms

    def refuse(self, now_ms: int) -> None:
        del now_ms

    def take(self, now_ms: int) -> None:
        self._taken.append(now_ms)


class AdmissionMachine(RuleBasedStateMachine):
    """Three buckets, shared by calls that each take some of them, at times that jump about."""

    desk: ClassVar[Desk]
    run: ClassVar[Any]

    @initialize(
        burst=st.integers(1, 3),
        interval_us=st.sampled_from([MINUTE * 1000, MINUTE * 1000 + 1, MINUTE * 1000 + 999]),
        most=st.integers(1, 3),
        window_ms=st.sampled_from([MINUTE, 5 * MINUTE]),
    )
    def begin(self, burst: int, interval_us: int, most: int, window_ms: int) -> None:
        self.run(self.desk.redis.flushall())
        self.now_ms = NOW
        self.buckets = (
            Bucket("a", "rate", "x", burst, MINUTE, interval_us, "enforce"),
            Bucket("b", "cap", "x", most, window_ms, 0, "enforce"),
            Bucket("c", "cap", "x", 2 * most, 3 * window_ms, 0, "enforce"),
        )
        self.local = LocalCounts()
        self.models = (
            RateModel(burst, interval_us),
            CapModel(most, window_ms),
            CapModel(2 * most, 3 * window_ms),
        )

    @rule(forward_ms=st.sampled_from([1, 30_000, MINUTE, 5 * MINUTE, 40 * MINUTE]))
    def time_passes(self, forward_ms: int) -> None:
        self.now_ms += forward_ms

    @rule(back_ms=st.sampled_from([1, 999, 1001, 30_000, MINUTE, 60 * MINUTE]))
    def the_clock_steps_back(self, back_ms: int) -> None:
        self.now_ms -= back_ms

    @rule(chosen=st.sets(st.integers(0, 2), min_size=1), only_look=st.booleans(), times=st.integers(1, 6))
    def calls_are_admitted(self, chosen: set[int], *, only_look: bool, times: int) -> None:
        for _ in range(times):
            self._admit(sorted(chosen), only_look=only_look)

    def _admit(self, chosen: list[int], *, only_look: bool) -> None:
        buckets = [self.buckets[index] for index in chosen]
        models = [self.models[index] for index in chosen]
        looks = [model.look(self.now_ms) for model in models]
        granted = all(wait_ms == 0 for _, wait_ms in looks)
        found = self.run(self.desk.take(*buckets, now_ms=self.now_ms, only_look=only_look))
        taken = int(granted and not only_look)
        assert found.granted == granted
        if not only_look:
            alone = tuple(msgspec.structs.replace(bucket, on_store_error="local") for bucket in buckets)
            here = self.local.take(alone, cell=ACME, call="c", now_ms=self.now_ms, expires_ms=0)
            assert (here.granted, here.refused) == (granted, found.refused)
            assert [look.wait_ms for look in here.looks] == [look.wait_ms for look in found.looks]
        # After a step back more contacts may lie in a cap's window than it allows; the store need not keep all of them.
        seen = [(min(look.used, b.capacity), look.wait_ms) for look, b in zip(found.looks, buckets, strict=True)]
        assert seen == [(min(used + taken, b.capacity), wait) for (used, wait), b in zip(looks, buckets, strict=True)]
        longest = max(wait for _, wait in looks)
        assert found.refused == (-1 if granted else [wait for _, wait in looks].index(longest))
        for model in models if not only_look else ():
            (model.take if granted else model.refuse)(self.now_ms)


@pytest.mark.every_store
@pytest.mark.thorough
@pytest.mark.timeout(180)
def test_the_store_counts_as_the_models_do_whatever_the_clock_does(redis_process: Any) -> None:
    run_at_desk(AdmissionMachine, redis_process.url, steps=50)


def run_at_desk(machine: Any, url: str, *, steps: int) -> None:
    """Run a state machine whose `desk` and `run` are those of an admission at this store."""
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        desk = runner.run(opened_desk(url, Path(folder)))
        here = type("Machine", (machine,), {"desk": desk, "run": staticmethod(runner.run)})
        run_state_machine_as_test(here, settings=settings(max_examples=examples(300), stateful_step_count=steps))
        runner.run(closed(desk))


async def opened_desk(url: str, folder: Path) -> Desk:
    """Admission over a connection of its own."""
    connection = await opened(url, timeout_ms=PATIENT_MS)
    spool = Spool(folder, worker="w")
    admission = Admission(connection, spool)
    await admission.prepare([ACME])
    desk = Desk(admission, await connected(url), spool)
    desk.connection = connection
    return desk


async def closed(desk: Desk) -> None:
    """Ends what `opened` began."""
    await desk.admission.close()
    await desk.spool.close()
    await desk.redis.aclose()
    if desk.connection is not None:
        await desk.connection.close()
