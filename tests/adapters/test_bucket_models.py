"""Every kind of bucket against a plain model of it: random calls, ends of calls, and a clock that jumps about.

The models remember everything that ever happened and count it anew each time.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from gateway.adapters.reservation import Reservation, reserve
from gateway.core.limits import SLOTS, Bucket
from gateway.core.record import Outcome, Record, Settlement, Verdict
from tests.adapters.test_admission_model import run_at_desk

NOW = 1_700_000_000_000
MINUTE = 60_000
DAY = 1440 * MINUTE


@dataclass
class Taken:
    """One admitted call, as a model remembers it."""

    at_ms: int
    expires_ms: int
    agent: str
    call: str
    cost: int
    slot_ms: int = 0
    state: str = "running"
    """"running", "sent", "back", "doubt"."""
    settled_ms: int = 0


@dataclass
class Model:
    """One bucket and its whole past. `look` gives used and wait."""

    bucket: Bucket
    calls: list[Taken] = field(default_factory=list)
    rounding_ms: ClassVar[int] = 0

    def at(self, now_ms: int) -> Bucket:
        """The bucket as a call at that time asks for it."""
        del now_ms
        return self.bucket

    def take(self, taken: Taken) -> None:
        self.calls.append(taken)

    def look(self, now_ms: int, agent: str) -> tuple[int, int]:
        raise NotImplementedError


class Rolling(Model):
    """Sums by sixtieths of a rolling window."""

    @property
    def width(self) -> int:
        return -(-self.bucket.period_ms // SLOTS)

    def take(self, taken: Taken) -> None:
        taken.slot_ms = taken.at_ms // self.width * self.width
        super().take(taken)

    def counted(self, now_ms: int) -> list[Taken]:
        return [c for c in self.calls if c.slot_ms + self.width > now_ms - self.bucket.period_ms]

    def look(self, now_ms: int, agent: str) -> tuple[int, int]:
        del agent
        counted = sorted(self.counted(now_ms), key=lambda c: c.slot_ms)
        used, most, cost = sum(c.cost for c in counted), self.bucket.capacity, self.bucket.cost
        if used + cost <= most:
            return used, 0
        if cost > most:
            return used, -1
        for slot in sorted({c.slot_ms for c in counted}):
            left = sum(c.cost for c in counted if c.slot_ms > slot)
            if left + cost <= most:
                return used, max(1, slot + self.width + self.bucket.period_ms - now_ms)
        return used, -1


class Calendar(Rolling):
    """Sums by whole days in UTC."""

    def at(self, now_ms: int) -> Bucket:
        since = now_ms // DAY * DAY
        b = self.bucket
        return Bucket(b.limit, b.kind, b.by, b.capacity, b.period_ms, cost=b.cost, since_ms=since, ends_ms=since + DAY)

    def take(self, taken: Taken) -> None:
        taken.slot_ms = taken.at_ms // DAY * DAY
        self.calls.append(taken)

    def look(self, now_ms: int, agent: str) -> tuple[int, int]:
        del agent
        since = now_ms // DAY * DAY
        used = sum(c.cost for c in self.calls if c.slot_ms >= since)
        if used + self.bucket.cost <= self.bucket.capacity:
            return used, 0
        return used, -1 if self.bucket.cost > self.bucket.capacity else since + DAY - now_ms


class Running(Model):
    """Calls at a time."""

    def look(self, now_ms: int, agent: str) -> tuple[int, int]:
        del agent
        open_ = [c.expires_ms for c in self.calls if c.state == "running" and c.expires_ms > now_ms]
        if len(open_) < self.bucket.capacity:
            return len(open_), 0
        return len(open_), min(1000, max(1, min(open_) - now_ms))


class Sent(Model):
    """A cap that counts what was sent, and until then what is reserved."""

    def slots(self, now_ms: int) -> list[int]:
        """When each slot in use becomes free."""
        window = self.bucket.period_ms
        logged = [c.settled_ms + window for c in self.calls if c.state in ("sent", "doubt")]
        open_ = [c.expires_ms for c in self.calls if c.state == "running"]
        return sorted(at for at in logged + open_ if at > now_ms)

    def look(self, now_ms: int, agent: str) -> tuple[int, int]:
        del agent
        slots = self.slots(now_ms)
        most = self.bucket.capacity
        return len(slots), 0 if len(slots) < most else slots[len(slots) - most] - now_ms


class Score(Model):
    """The decaying score, in thousandths. The store's logarithm and ours may differ in their last digit."""

    rounding_ms: ClassVar[int] = 1

    def look(self, now_ms: int, agent: str) -> tuple[int, int]:
        del agent
        half = self.bucket.period_ms
        kept = [c for c in self.calls if c.state != "back" and c.at_ms > now_ms - 20 * half]
        total = math.fsum(c.cost * 2.0 ** (-max(0, now_ms - c.at_ms) / half) for c in kept)
        left = self.bucket.capacity - self.bucket.cost
        wait = 0 if total <= left else max(1, math.ceil(half * math.log2(total / left)))
        return round(total), wait


class Sequence(Model):
    """Second steps look for first steps; both take place in the same calls here."""

    def look(self, now_ms: int, agent: str) -> tuple[int, int]:
        last = {c.agent: c.at_ms for c in self.calls}
        who, since = self.bucket.who, now_ms - self.bucket.period_ms
        near = [at for name, at in last.items() if (who == "any" or (who == "same") == (name == agent)) and at > since]
        return len(near), max(1, max(near) + self.bucket.period_ms - now_ms) if near else 0


def _sequence(who: str) -> Model:
    return Sequence(Bucket(f"edits-{who}", "sequence", "x", 1, 10 * MINUTE, cost=0, who=who))


MODELS: tuple[Callable[[], Model], ...] = (
    lambda: Rolling(Bucket("rolling", "window", "x", 5, 30 * MINUTE, cost=2)),
    lambda: Rolling(Bucket("spend", "budget", "x", 100, 60 * MINUTE, cost=40)),
    lambda: Calendar(Bucket("daily", "window", "x", 4, 2 * DAY)),
    lambda: Running(Bucket("running", "concurrency", "x", 2, 0)),
    lambda: Sent(Bucket("sent", "cap", "x", 2, 30 * MINUTE, counts_on="sent")),
    lambda: Score(Bucket("score", "score", "x", 2500, 60 * MINUTE, cost=1000)),
    *(functools.partial(_sequence, who) for who in ("any", "same", "other")),
)


class BucketMachine(RuleBasedStateMachine):
    """Calls of two agents that take one of each kind, or some, and end in every way."""

    desk: ClassVar[Any]
    run: ClassVar[Any]

    @initialize(chosen=st.sets(st.integers(0, len(MODELS) - 1), min_size=1))
    def begin(self, chosen: set[int]) -> None:
        self.run(self.desk.redis.flushall())
        self.now_ms = NOW
        self.models: list[Model] = [MODELS[index]() for index in sorted(chosen)]
        self.open: list[tuple[Reservation, list[Taken]]] = []
        self.over: list[tuple[Reservation, Settlement]] = []
        self.count = 0

    @rule(forward_ms=st.sampled_from([1, 14_999, 30_000, 5 * MINUTE, 29 * MINUTE + 30_000, 31 * MINUTE, DAY]))
    def time_passes(self, forward_ms: int) -> None:
        self.now_ms += forward_ms

    @rule(back_ms=st.sampled_from([1, MINUTE, 20 * MINUTE]))
    def the_clock_steps_back(self, back_ms: int) -> None:
        self.now_ms -= back_ms

    @rule(agent=st.sampled_from(["one", "two"]), some=st.integers(0, 511), only_look=st.booleans())
    def a_call_is_admitted(self, agent: str, some: int, *, only_look: bool) -> None:
        chosen = [m for place, m in enumerate(self.models) if some & (1 << place)] or self.models
        wanted = [model.look(self.now_ms, agent) for model in chosen]
        outcome, reservation = self.admit([m.at(self.now_ms) for m in chosen], agent, only_look=only_look)
        granted = all(wait == 0 for _, wait in wanted)
        seen = [(look.used, look.wait_ms) for look in outcome.looks[: len(chosen)]]
        counted = granted and not only_look
        assert outcome.granted == granted
        for (used, wait), (would_be, to_wait), model in zip(seen, wanted, chosen, strict=True):
            assert used == would_be + model.bucket.cost * counted
            assert abs(wait - to_wait) <= model.rounding_ms
        if counted:
            taken = []
            for model in chosen:
                one = Taken(self.now_ms, self.now_ms + 2 * MINUTE, agent, reservation.id, model.bucket.cost)
                model.take(one)
                taken.append(one)
            self.open.append((reservation, taken))

    def admit(self, buckets: list[Bucket], agent: str, *, only_look: bool) -> tuple[Outcome, Reservation]:
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
        trails = [msgspec.structs.replace(each, kind="trail") for each in buckets if each.kind == "sequence"]
        reservation = reserve(record, [*buckets, *trails])
        outcome, _ = self.run(self.desk.admission.admit(reservation, record, only_look=only_look))
        return outcome, reservation

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 99), state=st.sampled_from(["sent", "back", "doubt"]), actual=st.integers(0, 60))
    def a_call_ends(self, which: int, state: str, actual: int) -> None:
        reservation, taken = self.open.pop(which % len(self.open))
        settlement = Settlement(
            id=reservation.id,
            settled_ms=self.now_ms,
            status="OK",
            gave_back=state == "back",
            in_doubt=state == "doubt",
            costs={"spend": actual} if state == "sent" else {},
        )
        self.settle(reservation, settlement)
        self.over.append((reservation, settlement))
        for bucket, one in zip(reservation.buckets, taken, strict=False):
            one.state, one.settled_ms = state, self.now_ms
            if bucket.kind == "budget" and state != "doubt":
                one.cost = 0 if state == "back" else actual

    @precondition(lambda self: self.over)
    @rule(which=st.integers(0, 99))
    def a_settlement_is_replayed(self, which: int) -> None:
        self.settle(*self.over[which % len(self.over)])

    def settle(self, reservation: Reservation, settlement: Settlement) -> None:
        self.desk.admission.settle(reservation, settlement)
        self.run(self.desk.admission.close())


@pytest.mark.every_store
@pytest.mark.thorough
@pytest.mark.timeout(240)
def test_the_store_counts_as_the_models_do_however_calls_end(redis_process: Any) -> None:
    run_at_desk(BucketMachine, redis_process.url, steps=40)
