"""Two policies tried on the same contacts differ by customer; arms say what they lose; money is in one currency."""

from fractions import Fraction

import msgspec
import numpy as np
import pytest

from gateway.core.simulating.calls import ALLOWED, Told
from gateway.core.simulating.course import Came
from services.insights.whatif.arms import touched
from services.insights.whatif.between import between
from services.insights.whatif.forecast import forecast, told
from services.insights.whatif.trial import Arm, Contacts, Trial
from services.insights.whatif.weighing import KPIS, Weighed, weighed
from tests.services.insights.whatif.test_forecast import CAP, HOUR_MS, call

ALPHA = 0.05
RATES = {"EUR": Fraction(1), "USD": Fraction(1, 2)}


def tried(most: int, *, persons: dict[str, int], seed: int = 1, people: int = 400) -> Contacts:
    """Contacts an hour apart, of whom each customer keeps so many; half are held out, some buy and some leave."""
    draw, trial, number = np.random.default_rng(seed), Trial(rates=RATES, persons=persons), 0
    for person in range(people):
        held = person % 2 == 1
        for turn in range(int(draw.integers(1, 6))):
            number += 1
            outcomes = []
            if draw.random() < 0.3:
                outcomes.append(Told("converted", 1, 1_000, "USD" if person % 3 else "EUR"))
            if draw.random() < 0.1 * turn:
                outcomes.append(Told("unsubscribed", 1))
            made = call(
                number, person, at_ms=HOUR_MS * turn + person, told=tuple(outcomes),
                was="DENY" if held else ALLOWED, by="HELD_OUT left-alone" if held else "",
            )  # fmt: skip
            made = msgspec.structs.replace(
                made, variations=(f"tone={'warm' if person % 4 else 'plain'}",), version="m@1"
            )
            came = Came("DENY", "HELD_OUT left-alone") if held else Came(ALLOWED) if turn < most else Came(*CAP)
            trial.add(made, came)
    return trial.contacts()


def pair(one: int, other: int) -> tuple[Weighed, Weighed]:
    persons: dict[str, int] = {}
    first, second = tried(one, persons=persons), tried(other, persons=persons)
    return weighed(first, alpha=ALPHA), weighed(second, alpha=ALPHA)


def test_every_kpi_is_told_of_enough_and_differences_are_narrower_than_what_they_are_of() -> None:
    one, other = pair(3, 2)
    apart = between(one, other, alpha=ALPHA)
    ones, others = told(one), told(other)
    assert (apart.refused, apart.allowed) == (ones.refused - others.refused, 0)
    for name in ("avoided", "affected", *KPIS):
        if name == "complaints":
            assert getattr(ones, name) is None
            assert getattr(apart, name) is None
            continue
        mine, theirs, found = getattr(ones, name), getattr(others, name), getattr(apart, name)
        assert found.value == pytest.approx(mine.value - theirs.value), name
        assert found.low <= found.value <= found.high
        apartly = np.hypot(mine.high - mine.low, theirs.high - theirs.low)
        assert found.high - found.low < apartly, name
    assert apart.avoided is not None
    assert apart.avoided.high < 0


def test_the_same_policy_twice_differs_by_nothing_for_sure() -> None:
    one, other = pair(2, 2)
    apart = between(one, other)
    for name in ("avoided", "affected", "opt_outs", "purchases", "cents", "blocked", "protected"):
        found = getattr(apart, name)
        assert (found.value, found.low, found.high) == (0, 0, 0), name


def test_revenue_is_told_in_one_currency_and_what_is_refused_blocks_what_came_after_it() -> None:
    trial = Trial(rates=RATES)
    for person in range(60):
        bought = (Told("converted", 1, 1_000, ("USD", "EUR", "XXX")[person % 3]),)
        trial.add(call(2 * person, person, at_ms=person, told=bought), Came(*CAP))
        trial.add(call(2 * person + 1, person, at_ms=HOUR_MS + person), Came(ALLOWED))
    found = forecast(trial.contacts())
    assert found.blocked is not None
    assert found.blocked.value == 20 * 500 + 20 * 1_000  # what has no rate counts nothing
    assert found.blocked.low < found.blocked.value < found.blocked.high
    assert found.protected is None  # nobody left


def test_arms_lose_what_is_refused_of_them_with_an_interval_by_customer() -> None:
    found = {each.arm: each for each in touched(tried(2, persons={}))}
    assert set(found) == {Arm("variation", "tone=plain"), Arm("variation", "tone=warm"), Arm("version", "m@1")}
    whole = found[Arm("version", "m@1")]
    parts = [each for arm, each in found.items() if arm.kind == "variation"]
    assert whole.refused == sum(each.refused for each in parts)
    assert whole.contacts == sum(each.contacts for each in parts)
    assert whole.share is not None
    assert whole.share.low < whole.refused / whole.contacts < whole.share.high
    few = touched(tried(2, persons={}, people=20))
    assert {each.share for each in few} == {None}


def test_customers_whom_only_one_trial_knows_count_nothing_in_the_other() -> None:
    persons: dict[str, int] = {}
    first = weighed(tried(2, persons=persons, people=300), alpha=ALPHA)
    second = weighed(tried(2, persons=persons, people=400), alpha=ALPHA)
    apart = between(first, second)
    assert apart.refused == first.refused - second.refused
    assert apart.affected is not None
    assert first.affected is not None
    assert second.affected is not None
    assert apart.affected.value == first.affected.value - second.affected.value
