"""The buckets that backtests simulate, against the store's own: the same calls and ends of calls, call by call."""

from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from gateway.adapters.reservation import Reservation, reserve
from gateway.core.limits import Bucket
from gateway.core.record import CustomerOutcome, Record, Settlement, Verdict
from gateway.core.simulating.counts import Counts
from gateway.core.simulating.kinds import Caller
from tests.adapters.conftest import ACME
from tests.adapters.test_admission_model import run_at_desk

NOW = 1_700_000_000_000
MINUTE = 60_000
DAY = 1440 * MINUTE
TODAY = NOW // DAY * DAY
ROUNDING_MS = 1

BUCKETS = (
    Bucket("burst", "rate", "x", 3, MINUTE, MINUTE * 1000 + 999),
    Bucket("slow", "rate", "x", 2, MINUTE, 90_000_000, cost=2),
    Bucket("watched", "rate", "x", 1, MINUTE, 60_000_000, mode="monitor"),
    Bucket("week", "cap", "x", 2, 30 * MINUTE),
    Bucket("spaced", "gap", "x", 1, 5 * MINUTE, cost=0, gap_ms=5 * MINUTE),
    Bucket("spaced", "cap", "x", 4, 30 * MINUTE, gap_ms=5 * MINUTE),
    Bucket("sent", "gap", "x", 1, 3 * MINUTE, cost=0, gap_ms=3 * MINUTE, counts_on="sent"),
    Bucket("sent", "cap", "x", 2, 30 * MINUTE, gap_ms=3 * MINUTE, counts_on="sent"),
    Bucket("delivered", "cap", "x", 2, 30 * MINUTE, counts_on="delivered", deliver_ms=10 * MINUTE),
    Bucket("today", "cap", "x", 2, DAY, since_ms=TODAY, ends_ms=TODAY + DAY),
    Bucket("loose", "cap", "x", 1, 30 * MINUTE, mode="monitor"),
    Bucket("rolling", "window", "x", 5, 30 * MINUTE, cost=2),
    Bucket("daily", "window", "x", 4, DAY, since_ms=TODAY, ends_ms=TODAY + DAY),
    Bucket("spend", "budget", "x", 100, 60 * MINUTE, cost=40),
    Bucket("running", "concurrency", "x", 2, 0),
    # A rolling one is forgotten by the store's own clock, which no test owns.
    Bucket("contract", "quota", "x", 9, DAY, since_ms=TODAY, ends_ms=TODAY + DAY, share=50),
    Bucket("pressure", "score", "x", 2500, 60 * MINUTE, cost=1000),
    Bucket("waived", "score", "x", 100, 60 * MINUTE, cost=700, mode="waived"),
    *(Bucket(f"edits-{who}", "sequence", "x", 1, 10 * MINUTE, cost=0, who=who) for who in ("any", "same", "other")),
    Bucket("edits-any", "trail", "x", 1, 10 * MINUTE, cost=0),
    Bucket("edits-other", "trail", "x", 1, 10 * MINUTE, cost=0),
    Bucket("shut", "cap", "x", 0, 30 * MINUTE, mode="monitor"),
)


class SimulatedMachine(RuleBasedStateMachine):
    """Calls of two agents that take some of the buckets, and end in every way, while the clock jumps about."""

    desk: ClassVar[Any]
    run: ClassVar[Any]

    @initialize(chosen=st.sets(st.integers(0, len(BUCKETS) - 1), min_size=1, max_size=6))
    def begin(self, chosen: set[int]) -> None:
        self.run(self.desk.redis.flushall())
        self.now_ms = NOW
        self.buckets = [BUCKETS[place] for place in sorted(chosen)]
        self.counts = Counts()
        self.open: list[Reservation] = []
        self.ended: list[tuple[Reservation, Settlement]] = []
        self.count = 0

    @rule(forward_ms=st.sampled_from([1, 14_999, 30_000, 5 * MINUTE, 29 * MINUTE + 30_000, 31 * MINUTE, DAY]))
    def time_passes(self, forward_ms: int) -> None:
        self.now_ms += forward_ms

    @rule(back_ms=st.sampled_from([1, MINUTE, 20 * MINUTE]))
    def the_clock_steps_back(self, back_ms: int) -> None:
        self.now_ms -= back_ms

    @rule(agent=st.sampled_from(["one", "two"]), some=st.integers(0, 63), times=st.integers(1, 4))
    def calls_are_admitted(self, agent: str, some: int, times: int) -> None:
        chosen = [each for place, each in enumerate(self.buckets) if some & (1 << place)] or self.buckets
        for _ in range(times):
            self._admit(chosen, agent)

    def _admit(self, chosen: list[Bucket], agent: str) -> None:
        self.count += 1
        record = Record(
            id=f"{self.count:032x}",
            received_ms=self.now_ms,
            decided_ms=self.now_ms,
            verdict=Verdict.ALLOW,
            tenant="acme",
            agent=agent,
            expires_ms=self.now_ms + 2 * MINUTE,
        )
        reservation = reserve(record, chosen)
        stored, _ = self.run(self.desk.admission.admit(reservation, record))
        caller = Caller(record.id, self.now_ms, record.expires_ms, agent)
        simulated = self.counts.admit(chosen, caller, cell=ACME)
        assert (simulated.granted, simulated.refused) == (stored.granted, stored.refused)
        for ours, theirs, bucket in zip(simulated.looks, stored.looks, chosen, strict=True):
            assert (ours.used, ours.other) == (theirs.used, theirs.other), bucket
            # The store's logarithm and ours may differ in their last digit.
            assert abs(ours.wait_ms - theirs.wait_ms) <= (ROUNDING_MS if bucket.kind == "score" else 0), bucket
        if stored.granted:
            self.open.append(reservation)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 99), state=st.sampled_from(["sent", "back", "doubt"]), actual=st.integers(0, 60))
    def a_call_ends(self, which: int, state: str, actual: int) -> None:
        reservation = self.open.pop(which % len(self.open))
        settlement = Settlement(
            id=reservation.id,
            settled_ms=self.now_ms,
            status="OK",
            gave_back=state == "back",
            in_doubt=state == "doubt",
            costs={"spend": actual} if state == "sent" else {},
        )
        self._settle(reservation, settlement)
        self.ended.append((reservation, settlement))

    @precondition(lambda self: self.ended)
    @rule(which=st.integers(0, 99), type_=st.sampled_from(["delivered", "opened", "bounced"]))
    def a_customer_does_something(self, which: int, type_: str) -> None:
        decision = self.ended[which % len(self.ended)][0].id
        told = CustomerOutcome(
            decision=decision, type=type_, occurred_ms=self.now_ms, reported_ms=self.now_ms, reporter="crm"
        )
        if self.run(self.desk.admission.report([ACME], told)):
            self.counts.report(decision, "free" if type_ == "bounced" else "confirm", at_ms=self.now_ms)

    @precondition(lambda self: self.ended)
    @rule(which=st.integers(0, 99))
    def a_settlement_is_replayed(self, which: int) -> None:
        reservation, settlement = self.ended[which % len(self.ended)]
        if not any(bucket.counts_on == "delivered" for bucket in reservation.buckets):
            self._settle(reservation, settlement)

    def _settle(self, reservation: Reservation, settlement: Settlement) -> None:
        self.desk.admission.settle(reservation, settlement)
        self.run(self.desk.admission.close())
        self.counts.settle(reservation.buckets, settlement, cell=ACME)


@pytest.mark.one_server
@pytest.mark.thorough
@pytest.mark.timeout(180)
def test_simulated_buckets_say_of_every_call_what_the_store_says(redis_process: Any) -> None:
    run_at_desk(SimulatedMachine, redis_process.url, steps=40)
