"""Holds against a plain model of them: whatever people and workers do, whenever, and from whatever they read."""

import asyncio
from typing import Any, ClassVar

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.core import holds
from gateway.core.holds import Hold, HoldState
from gateway.redis_clients import Client, connected
from tests.adapters.test_holds import ACME, NOW, Keeper, a_hold

MINUTE = 60_000
OPEN = ("PENDING", "SCHEDULED", "APPROVED")


class Model:
    """What a person would write on a card: the state, and who holds the card until when."""

    def __init__(self, *, state: str, level: str, expires_ms: int, release_ms: int) -> None:
        self.state = state
        self.level = level
        self.expires_ms = expires_ms
        self.release_ms = release_ms
        self.holder = ""
        self.until_ms = 0
        self.decider = ""

    def copy(self) -> "Model":
        other = Model(state="", level="", expires_ms=0, release_ms=0)
        other.__dict__.update(self.__dict__)
        return other

    def decide(self, by: str, now_ms: int, *, approve: bool) -> bool:
        wanted = ("PENDING",) if approve else ("PENDING", "SCHEDULED")
        if self.state not in wanted or now_ms >= self.expires_ms:
            return False
        yes = "ACCEPTED" if self.level == "suggest" else "APPROVED"
        self.state, self.decider, self.holder = yes if approve else "REFUSED", by, ""
        return True

    def claim(self, by: str, now_ms: int) -> bool:
        ripe = self.state == "APPROVED" or (self.state == "SCHEDULED" and now_ms >= self.release_ms)
        if not ripe or now_ms >= self.expires_ms or (self.holder and now_ms < self.until_ms):
            return False
        self.holder, self.until_ms = by, now_ms + 30_000
        return True

    def begin(self, by: str, until_ms: int) -> bool:
        if self.state not in ("APPROVED", "SCHEDULED") or self.holder != by:
            return False
        self.state, self.until_ms = "EXECUTING", until_ms
        return True

    def put_off(self, by: str, release_ms: int) -> bool:
        if self.state not in ("APPROVED", "SCHEDULED", "EXECUTING") or self.holder != by:
            return False
        if release_ms >= self.expires_ms:
            return False
        self.state, self.release_ms, self.holder = "SCHEDULED", release_ms, ""
        return True

    def ask(self, by: str, level: str) -> bool:
        if self.state not in ("APPROVED", "SCHEDULED") or self.holder != by:
            return False
        self.state, self.level, self.holder, self.decider = "PENDING", level, "", ""
        return True

    def finish(self, by: str, state: str) -> bool:
        possible = {"EXECUTING": ("EXECUTED", "FAILED", "IN_DOUBT"), "APPROVED": ("FAILED",), "SCHEDULED": ("FAILED",)}
        if self.holder != by or state not in possible.get(self.state, ()):
            return False
        self.state, self.holder = state, ""
        return True

    def expire(self, now_ms: int) -> bool:
        if self.state not in OPEN or now_ms < self.expires_ms or (self.holder and now_ms < self.until_ms):
            return False
        self.state, self.holder = "EXPIRED", ""
        return True


class HoldMachine(RuleBasedStateMachine):
    """One hold; everybody acts on what they once read, which may be old."""

    redis: ClassVar[Client]
    run: ClassVar[Any]

    @initialize(
        kind=st.sampled_from(["approve", "suggest", "deferred"]), expires_ms=st.sampled_from([2 * MINUTE, 10 * MINUTE])
    )
    def kept(self, kind: str, expires_ms: int) -> None:
        self.run(self.redis.flushall())
        self.keeper = Keeper(self.redis)
        self.now_ms, self.names, self.sent, self.returned = NOW, 0, 0, 0
        deferred = kind == "deferred"
        hold = a_hold(
            level="" if deferred else kind,
            state=HoldState.SCHEDULED if deferred else HoldState.PENDING,
            release_ms=NOW + MINUTE if deferred else 0,
            expires_ms=NOW + expires_ms,
        )
        self.run(self.keeper.keep(hold))
        model = Model(state=hold.state, level=hold.level, expires_ms=hold.expires_ms, release_ms=hold.release_ms)
        self.past: list[tuple[Hold, Model]] = [(hold, model)]

    @rule(ms=st.sampled_from([1, 29_999, 30_000, MINUTE, 5 * MINUTE, -MINUTE]))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    def _step(self, back: int, step: Any, modelled: Any) -> bool:
        """Take a step from what was read `back` versions ago; both must agree on whether it can be taken and counts."""
        hold, model = self.past[max(0, len(self.past) - 1 - back)]
        latest = hold is self.past[-1][0]
        after, wanted = step(hold), model.copy()
        possible = modelled(wanted)
        assert (after is not None) == possible
        if after is None:
            return False
        assert self.run(self.keeper.store.move(hold, after)) == latest
        if latest:
            self.past.append((after, wanted))
        return latest

    old = st.sampled_from([0, 0, 0, 0, 1, 2])

    @rule(back=old, approve=st.booleans())
    def somebody_decides(self, back: int, *, approve: bool) -> None:
        self._step(
            back,
            lambda hold: holds.decide(hold, approve=approve, by="p", comment="c", now_ms=self.now_ms),
            lambda model: model.decide("p", self.now_ms, approve=approve),
        )

    @rule(back=old)
    def a_worker_claims_it(self, back: int) -> None:
        self.names += 1
        by = f"w{self.names}"
        self._step(
            back,
            lambda hold: holds.claim(hold, by=by, now_ms=self.now_ms),
            lambda model: model.claim(by, self.now_ms),
        )

    def _holder(self, back: int, *, other: bool) -> str:
        return "x" if other else self.past[max(0, len(self.past) - 1 - back)][0].claim or "x"

    @rule(back=old, other=st.booleans())
    def a_worker_begins(self, back: int, *, other: bool) -> None:
        by, until_ms = self._holder(back, other=other), self.now_ms + MINUTE
        self.sent += self._step(
            back,
            lambda hold: holds.begin(hold, by=by, until_ms=until_ms),
            lambda model: model.begin(by, until_ms),
        )

    @rule(back=old, other=st.booleans(), wait_ms=st.sampled_from([0, MINUTE, 20 * MINUTE]))
    def a_worker_puts_it_off(self, back: int, wait_ms: int, *, other: bool) -> None:
        by, release_ms = self._holder(back, other=other), self.now_ms + wait_ms
        executing = self.past[-1][0].state is HoldState.EXECUTING
        done = self._step(
            back,
            lambda hold: holds.put_off(hold, by=by, release_ms=release_ms),
            lambda model: model.put_off(by, release_ms),
        )
        self.returned += done and executing

    @rule(back=old, level=st.sampled_from(["approve", "suggest"]))
    def a_worker_asks_a_person(self, back: int, level: str) -> None:
        by = self._holder(back, other=False)
        self._step(back, lambda hold: holds.ask(hold, by=by, level=level), lambda model: model.ask(by, level))

    @rule(back=old, state=st.sampled_from([HoldState.EXECUTED, HoldState.FAILED, HoldState.IN_DOUBT]))
    def a_worker_finishes(self, back: int, state: HoldState) -> None:
        by = self._holder(back, other=False)
        self._step(
            back,
            lambda hold: holds.finish(hold, by=by, state=state, now_ms=self.now_ms, status="OK"),
            lambda model: model.finish(by, state),
        )

    @rule(back=old)
    def it_expires(self, back: int) -> None:
        self._step(back, lambda hold: holds.expire(hold, now_ms=self.now_ms), lambda model: model.expire(self.now_ms))

    @invariant()
    @precondition(lambda self: hasattr(self, "past"))
    def the_store_has_what_the_model_has(self) -> None:
        hold, model = self.past[-1]
        stored = self.run(self.keeper.store.read(ACME, hold.id))
        assert stored == hold
        seen = (stored.state, stored.level, stored.claim, stored.decider)
        assert seen == (model.state, model.level, model.holder, model.decider)
        open_now = self.run(self.keeper.store.open(ACME))
        assert bool(open_now) == (model.state in (*OPEN, "EXECUTING"))
        # Sent at most once, but where whoever sent it was certain that nothing had come of it.
        assert self.sent - self.returned in (0, 1)

    @invariant()
    @precondition(lambda self: hasattr(self, "past"))
    def no_step_is_missed(self) -> None:
        """What can be claimed, given up or taken over at a time is due at that time."""
        hold, _ = self.past[-1]
        ripe = holds.claim(hold, by="x", now_ms=self.now_ms) or holds.expire(hold, now_ms=self.now_ms)
        overdue = hold.state is HoldState.EXECUTING and self.now_ms >= hold.until_ms
        if ripe is not None or overdue:
            due, _ = self.run(self.keeper.store.due(ACME, now_ms=self.now_ms))
            assert due == (hold.id,)


@pytest.mark.every_store
@pytest.mark.timeout(60)
def test_holds_go_the_way_of_the_model_whoever_acts_and_when(redis_process: Any) -> None:
    with asyncio.Runner() as runner:

        class Machine(HoldMachine):
            pass

        Machine.redis = runner.run(connected(redis_process.url))
        Machine.run = staticmethod(runner.run)
        run_state_machine_as_test(Machine, settings=settings(max_examples=80, stateful_step_count=40))
        runner.run(Machine.redis.aclose())


def test_a_pause_between_attempts_grows_and_has_an_end() -> None:
    pauses = [holds.retry_ms(msgspec.structs.replace(a_hold(), attempt=attempt)) for attempt in range(1, 30)]
    assert pauses[:3] == [2_000, 4_000, 8_000]
    assert pauses == sorted(pauses)
    assert pauses[-1] == holds.LONGEST_RETRY_MS
