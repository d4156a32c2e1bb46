"""What is proven of a rollout's step, and how often whole rollouts come to the wrong or the right end.

The simulated rollouts are drawn from seeds, so they come to the same in every run; `-s` shows the shares.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest

from gateway.core.policy.learning import Guardrail, Rollout, RolloutStep, Success
from gateway.core.rollouts import Wait, decide
from services.insights.mismatch import Phase
from services.insights.ratios import p_value
from services.insights.report import ArmCount
from services.insights.sums import Sums
from services.rollouts.judging import EARLIEST, Counted, Judged, Proof, earlier_span, judge
from tests.services.insights.simulating import Draw, Values
from tests.services.insights.simulating import arm as arm_of

HOUR_MS = 3_600_000
T0 = 1_795_514_400_000
NOW = T0 + HOUR_MS
LOOKS = 20
"""Looks at each step."""


def up(**changes: Any) -> Rollout:
    wanted: dict[str, Any] = {
        "name": "up",
        "route": "score",
        "arm": "new",
        "against": "old",
        "state": "running",
        "since_ms": T0,
        "steps": (RolloutStep(share=1_000), RolloutStep(share=10_000)),
        "guardrails": (Guardrail(measure="error_rate"),),
        "success": (Success(measure="error_rate", margin=0.02),),
    }
    return Rollout(**(wanted | changes))


def events(people: int, failed: float) -> Sums:
    """One call each, of which so many fail."""
    return Sums(n=people, y=failed, d=people, yy=failed, dd=people, yd=failed)


def arm(people: int, failed: float = 0, **changes: Any) -> ArmCount:
    wanted: dict[str, Any] = {
        "subjects": people,
        "calls": people,
        "first": {1: people},
        "sums": {"error_rate": events(people, failed)},
        "last_call_ms": NOW,
        "heard_ms": {"error_rate": NOW},
    }
    return ArmCount(**(wanted | changes))


def looked(rollout: Rollout, new: ArmCount, old: ArmCount, **more: Any) -> Judged:
    weights = {1: {"new": rollout.share / 10_000, "old": 1 - rollout.share / 10_000}}
    return judge(rollout, Counted(arms={"new": new, "old": old}, **({"weights": weights} | more)), now_ms=NOW)


def test_a_candidate_that_fails_more_often_is_a_proven_harm_and_one_alike_is_proven_to_be_none() -> None:
    bad = looked(up(), arm(1_000, 100), arm(9_000, 180))
    assert [(each.decides, each.proof) for each in bad.lines] == [(False, Proof.HARM), (True, Proof.HARM)]
    assert (bad.evidence.harms, bad.evidence.proven) == ((True,), (False,))
    good = looked(up(), arm(10_000, 200), arm(90_000, 1_800))
    assert [(each.decides, each.proof) for each in good.lines] == [(False, Proof.OPEN), (True, Proof.NO_HARM)]
    assert (good.evidence.harms, good.evidence.proven) == ((False,), (True,))
    bounds = good.lines[1].bounds
    assert bounds is not None
    assert -0.02 < bounds.low < 0 < bounds.high < 0.02


def test_nothing_is_proven_for_a_candidate_by_fewer_people_than_the_step_asks_for() -> None:
    for people, asked, wanted in ((499, 0, False), (500, 0, True), (1_999, 2_000, False), (2_000, 2_000, True)):
        steps = (RolloutStep(share=1_000, min_sample=asked), RolloutStep(share=10_000))
        found = looked(up(steps=steps), arm(people), arm(9 * people))
        assert found.evidence.proven == (wanted,)


def test_a_candidate_that_fails_every_call_is_found_out_after_fifty_people() -> None:
    assert looked(up(), arm(EARLIEST, EARLIEST), arm(450, 9)).evidence.harms == (True,)
    assert looked(up(), arm(EARLIEST - 1, EARLIEST - 1), arm(450, 9)).evidence.harms == (False,)


def test_a_margin_may_be_a_share_of_what_the_other_arm_shows() -> None:
    relative = (Guardrail(measure="error_rate", margin=0.5, relative=True),)
    for failed, harm in ((400, False), (1_000, True)):  # 4 % and 10 % against 4 %
        found = looked(up(guardrails=relative), arm(10_000, failed), arm(90_000, 3_600))
        assert found.evidence.harms == (harm,)


def test_on_a_step_that_serves_everybody_nothing_is_compared() -> None:
    found = looked(up(step=1), arm(10_000, 9_000), arm(100))
    assert found.lines == ()
    assert not found.evidence.mismatch


def test_a_measure_is_stale_that_nobody_has_heard_of_while_calls_came() -> None:
    rollout = up(stale_after="30m")
    before, after = earlier_span(rollout, since_ms=T0, now_ms=NOW)
    assert (before, after) == (NOW - HOUR_MS // 2, NOW - HOUR_MS // 4)
    long_ago = NOW - HOUR_MS // 2 - 1
    silent = arm(1_000, heard_ms={"error_rate": long_ago})
    for new, old, earlier, stale in (
        (silent, arm(9_000), {"new": 10, "old": 10}, ("error_rate",)),
        (arm(1_000), arm(9_000, heard_ms={}), {"new": 10, "old": 10}, ("error_rate",)),  # one arm is enough
        (silent, arm(9_000), {"old": 10}, ()),  # the candidate had no call, or only just now
        (arm(1_000), arm(9_000), {"new": 10, "old": 10}, ()),
    ):
        assert looked(rollout, new, old, earlier=earlier).evidence.stale == stale
    young = msgspec.structs.replace(rollout, since_ms=NOW - HOUR_MS // 4)
    assert looked(young, silent, arm(9_000), earlier={"new": 10, "old": 10}).evidence.stale == ()


def test_no_calls_for_long_are_no_traffic_and_not_stale() -> None:
    quiet = arm(1_000, last_call_ms=NOW - HOUR_MS + 1, heard_ms={})
    found = looked(up(), quiet, arm(9_000))
    assert not found.evidence.traffic
    assert not found.evidence.stale
    assert looked(up(since_ms=NOW - 1), arm(0, last_call_ms=0), arm(0)).evidence.traffic  # too early to miss them


@pytest.mark.parametrize(("people", "mismatch"), [(1_000, False), (960, False), (600, True), (1_500, True)])
def test_people_who_do_not_come_in_the_shares_of_the_step_are_a_mismatch(people: int, mismatch: bool) -> None:  # noqa: FBT001
    assert looked(up(), arm(people), arm(9_000)).evidence.mismatch == mismatch


def test_many_people_seen_in_both_arms_are_a_mismatch_and_a_gateway_that_swapped_a_moment_late_is_none() -> None:
    for several, mismatch in ((10, False), (200, True)):
        found = looked(up(), arm(1_000, several=several), arm(9_000, several=several))
        assert found.evidence.mismatch == mismatch


def test_each_revision_is_held_to_its_own_shares() -> None:
    new, old = arm(600, first={1: 100, 2: 500}), arm(1_400, first={1: 900, 2: 500})
    weights: Mapping[int, Mapping[str, float]] = {1: {"new": 0.1, "old": 0.9}, 2: {"new": 0.5, "old": 0.5}}
    assert not looked(up(), new, old, weights=weights).evidence.mismatch
    assert looked(up(), new, old, weights={1: weights[1], 2: weights[1]}).evidence.mismatch


@pytest.mark.parametrize("share", [0.01, 0.3])
def test_thousands_of_looks_at_a_right_assignment_raise_no_more_alarms_than_one(share: float) -> None:
    rng = np.random.default_rng(1)
    looks, runs, alarms = 400, 500, 0
    for _ in range(runs):
        got = np.cumsum(rng.binomial(100, share, looks))
        phases = [
            Phase(name="1", weights={"a": share, "b": 1 - share}, subjects={"a": int(a), "b": 100 * (i + 1) - int(a)})
            for i, a in enumerate(got)
        ]
        alarms += any(p_value([phase]) < 0.01 for phase in phases)
    assert alarms <= 0.01 * runs


@pytest.mark.parametrize(("share", "really", "people"), [(0.01, 0.005, 12_000), (0.5, 0.45, 4_000), (0.1, 0.2, 1_000)])
def test_a_wrong_assignment_is_found_out(share: float, really: float, people: int) -> None:
    rng = np.random.default_rng(2)
    found = 0
    for got in rng.binomial(people, really, 200):
        phase = Phase(name="1", weights={"a": share, "b": 1 - share}, subjects={"a": int(got), "b": people - int(got)})
        found += p_value([phase]) < 0.001
    assert found >= 190


class World:
    """One simulated rollout: people come, calls fail, and the controller looks."""

    def __init__(self, rng: np.random.Generator, rollout: Rollout, *, people: int, rates: tuple[float, float]) -> None:
        self._rng = rng
        self.rollout = rollout
        self._people = people
        self._rates = rates

    def run(self, *, looks: int = LOOKS) -> str:
        """The state that it comes to, or where it still is after so many looks at one step."""
        while self.rollout.state == "running":
            step = self.rollout.step
            self._step(looks)
            if self.rollout.state == "running" and self.rollout.step == step:
                return f"waits at {step}"
        return self.rollout.state

    def _step(self, looks: int) -> None:
        share = self.rollout.share / 10_000
        people = [round(self._people * share), self._people - round(self._people * share)]
        counts, failed = [0, 0], [0, 0]
        for _ in range(looks):
            for which, rate in enumerate(self._rates):
                counts[which] += people[which]
                failed[which] += self._rng.binomial(people[which], rate)
            judged = looked(self.rollout, arm(counts[0], failed[0]), arm(counts[1], failed[1]))
            found = decide(self.rollout, judged.evidence, now_ms=NOW)
            if not isinstance(found, Wait):
                self.rollout = msgspec.structs.replace(found, since_ms=T0)
                return


RAMP = tuple(RolloutStep(share=share) for share in (100, 500, 2_500, 5_000, 10_000))


def ends(
    rates: tuple[float, float], *, runs: int, margin: float, people: int = 40_000, seed: int = 1
) -> dict[str, int]:
    """What so many rollouts of 1, 5, 25, 50 and 100 % came to; `people` come between two looks."""
    rng = np.random.default_rng(seed)
    measured = (Guardrail(measure="error_rate"),)
    ramp = up(steps=RAMP, guardrails=measured, success=(Success(measure="error_rate", margin=margin),))
    found: dict[str, int] = {}
    for _ in range(runs):
        end = World(rng, ramp, people=people, rates=rates).run()
        found[end] = found.get(end, 0) + 1
    print(rates, margin, found)  # noqa: T201
    return found


@pytest.mark.parametrize("rate", [0.002, 0.02, 0.2])
def test_a_candidate_that_is_no_worse_is_rolled_back_in_at_most_five_of_a_hundred_rollouts(rate: float) -> None:
    runs = 400
    found = ends((rate, rate), runs=runs, margin=max(rate / 2, 0.005))
    assert found.get("rolled_back", 0) <= 0.05 * runs
    assert found.get("completed", 0) >= 0.9 * runs


@pytest.mark.parametrize(("rates", "margin"), [((0.04, 0.02), 0.01), ((0.03, 0.02), 0.005)])
def test_a_harm_of_the_stated_size_is_rolled_back_in_ninety_five_of_a_hundred_rollouts(
    rates: tuple[float, float], margin: float
) -> None:
    runs = 400
    found = ends(rates, runs=runs, margin=margin)
    assert found.get("rolled_back", 0) >= 0.95 * runs
    assert found.get("completed", 0) == 0


@pytest.mark.parametrize(("rate", "least", "most"), [(0.03, 0.0, 0.05), (0.04, 0.95, 1.0)])
def test_a_guardrail_with_a_margin_takes_back_what_is_worse_than_it_and_not_what_is_as_bad(
    rate: float, least: float, most: float
) -> None:
    """2 % of the other arm's calls fail, and one more in a hundred is allowed."""
    rng, runs, back = np.random.default_rng(4), 300, 0
    unprovable = (Success(measure="error_rate"),)  # so that it stays on its first step
    ramp = up(steps=RAMP, guardrails=(Guardrail(measure="error_rate", margin=0.01),), success=unprovable)
    for _ in range(runs):
        back += World(rng, ramp, people=80_000, rates=(rate, 0.02)).run() == "rolled_back"
    print(rate, back / runs)  # noqa: T201
    assert least * runs <= back <= most * runs


def test_a_candidate_exactly_as_bad_as_its_margin_gets_past_a_step_in_at_most_five_of_a_hundred_rollouts() -> None:
    rng, runs, passed = np.random.default_rng(3), 400, 0
    ramp = up(steps=RAMP, guardrails=(), success=(Success(measure="error_rate", margin=0.01),))
    for _ in range(runs):
        world = World(rng, ramp, people=40_000, rates=(0.03, 0.02))
        passed += world.run() != "waits at 0"
    assert passed <= 0.05 * runs


def test_what_is_neither_proven_nor_refuted_stays_where_it_is() -> None:
    found = ends((0.02, 0.02), runs=50, margin=0.0005, people=10_000)
    assert found == {"waits at 0": 50}


def test_people_who_come_again_and_again_mislead_no_more_often() -> None:
    """The same 1,000 people in each arm make ever more calls, 200 times as many at the last look as at the first."""
    rng, runs, misled = np.random.default_rng(5), 150, 0
    rollout = up(steps=(RolloutStep(share=5_000), RolloutStep(share=10_000)), success=())
    for _ in range(runs):
        failed, made = np.zeros((2, 1_000)), np.zeros((2, 1_000))
        for look in range(30):
            calls = rng.poisson(1.2**look, (2, 1_000))
            failed += rng.binomial(calls, 0.05)
            made += calls
            arms = [
                arm(1_000, sums={"error_rate": Sums.of(y, denominators=d)}) for y, d in zip(failed, made, strict=True)
            ]
            if looked(rollout, *arms).evidence.harms[0]:
                misled += 1
                break
    assert misled <= 0.05 * runs


def latencies(slower: float) -> Draw:
    """A few calls a person, with heavy tails: some people's calls are slow, and some calls of everybody."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Values, Values, Values]:
        calls = np.asarray(1 + rng.poisson(2.0, shape), dtype=np.float64)
        return calls * 80 * slower * rng.lognormal(0, 0.8, shape), calls, np.zeros(shape)

    return draw


@pytest.mark.parametrize(("slower", "least", "most"), [(1.0, 0.0, 0.05), (1.3, 0.95, 1.0)])
def test_a_slower_candidate_is_taken_back_and_one_as_fast_is_not(slower: float, least: float, most: float) -> None:
    runs, sizes = 200, ([200] * LOOKS, [1_800] * LOOKS)
    arms = [arm_of(latencies(each), seed=n, sizes=sizes[n], runs=runs) for n, each in enumerate((slower, 1.0))]
    rollout, harmed = up(guardrails=(Guardrail(measure="latency_ms"),), success=()), 0
    for run in range(runs):
        counts = [
            [arm(each.subjects[look], sums={"latency_ms": each.at(run, look)}) for each in arms]
            for look in range(LOOKS)
        ]
        harmed += any(looked(rollout, *both).evidence.harms[0] for both in counts)
    assert least * runs <= harmed <= most * runs
