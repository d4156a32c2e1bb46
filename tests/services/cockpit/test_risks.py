"""Evidence: how often a quarter in which all goes well is called at risk, looked at every day; how soon a bad one is.

`-s` shows the shares. They are the same in every run, and far enough from their bounds not to depend on the seeds.
"""

from statistics import median
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cockpit.days import FOLLOW_DAYS
from services.cockpit.risks import watched_of
from services.cockpit.watched import FALSE_ALARMS, Watched, measures_of, since
from services.insights.pace.standing import Range, Stands
from tests.services.cockpit.quarters import DAYS, Quarter, at, by_measure, first_risks, known_on, objective

WAYS = ("by-chance", "weekly", "once")
GUARDS = ("opt_out_rate", "perceived_too_much")


def stated(truth: dict[str, float], kpi: str, *, off: float = 1.0) -> Any:
    """An objective that a quarter just meets; `off` times as much of the target, and as much less of all limits.

    Of contacts there are a few more than needed: where chance uses a budget up on the last day, that is no false alarm.
    """
    target = truth[kpi] * off if kpi != "nps" else truth[kpi] + 100 * (off - 1)
    guards = [{"measure": each, "most": min(1.0, truth[each] / off)} for each in GUARDS]
    return objective(
        kpi=kpi, target=target, guardrails=guards, budget={"contacts": round(1.03 * truth["contacts"] / off)}
    )


ALL = ("conversion_rate", "nps", "revenue_cents")
CASES = [(way, "conversion_rate", 10) for way in WAYS] + [("by-chance", "nps", 5), ("once", "revenue_cents", 5)]
HEAVY = (pytest.mark.integration, pytest.mark.timeout(1_800))
MANY = [pytest.param(way, kpi, 200, marks=HEAVY) for way in WAYS for kpi in ALL]


@pytest.mark.parametrize(("way", "kpi", "runs"), [*CASES, *MANY])
def test_a_quarter_that_just_meets_everything_is_hardly_ever_called_at_risk(way: str, kpi: str, runs: int) -> None:
    draw, quarter = np.random.default_rng(1), Quarter(way=way)
    truth = dict(quarter.truth(draw))
    its = stated(truth, kpi)
    alpha = FALSE_ALARMS / len(measures_of(its))
    found = [first_risks(its, quarter.drawn(draw), alpha=alpha) for _ in range(runs)]
    false = sum(bool(each) for each in found) / runs
    print(f"{way}, {kpi}: at risk in {false:.1%} of {runs} quarters, looked at on each of {DAYS - 1} days")  # noqa: T201
    assert false <= FALSE_ALARMS


@pytest.mark.parametrize(
    ("way", "kpi", "latest"),
    [
        ("by-chance", "conversion_rate", 42),
        ("weekly", "conversion_rate", 42),
        ("once", "conversion_rate", 77),  # each customer has one contact, so few count early
        ("by-chance", "nps", 21),
        ("weekly", "revenue_cents", 56),
    ],
)
def test_a_quarter_that_misses_by_a_third_is_found_out_weeks_before_its_end(way: str, kpi: str, latest: int) -> None:
    draw, quarter = np.random.default_rng(2), Quarter(way=way, customers=6_000, leaves=0.01, answers=0.2)
    its = stated(dict(quarter.truth(draw)), kpi, off=1.5)
    found = [first_risks(its, quarter.drawn(draw), alpha=FALSE_ALARMS / 4) for _ in range(3)]
    for measure, by in ((kpi, latest), ("contacts", 28), ("perceived_too_much", 77)):
        days = [each.get(measure, DAYS) for each in found]
        print(f"{way}: {measure} is seen at risk on day {median(days)} of {DAYS}")  # noqa: T201
        assert median(days) <= by, measure


def test_what_may_still_come_after_a_contact_is_waited_for() -> None:
    quarter = Quarter(converts=0.0)
    cells = quarter.drawn(np.random.default_rng(3))
    its = objective(target=0.5)
    for day in range(FOLLOW_DAYS + 1):
        (found,) = watched_of(its, known_on(cells, day), now_ms=at(day), alpha=0.05)
        assert (found.stands, found.now) == (Stands.OPEN, None)
    (late,) = watched_of(its, known_on(cells, 50), now_ms=at(50), alpha=0.05)
    assert (late.stands, late.days) == (Stands.AT_RISK, 50 - FOLLOW_DAYS)


def test_a_budget_that_is_used_up_is_said_to_be_and_one_that_will_be_says_when() -> None:
    cells = Quarter().drawn(np.random.default_rng(4))
    spent = sum(cell.contacts for cell in known_on(cells, 30).values())
    its = objective(budget={"contacts": spent, "cents": 100 * spent, "cents_per_contact": 300})
    early, late = (by_measure(watched_of(its, known_on(cells, day), now_ms=at(day), alpha=0.01)) for day in (14, 30))
    assert early["contacts"].stands is Stands.AT_RISK
    assert abs(early["contacts"].runs_out_ms - at(30)) < 2 * (at(1) - at(0))
    assert early["cents"].runs_out_ms <= at(14)
    assert (late["contacts"].stands, late["contacts"].end) == (Stands.AT_RISK, None)


def test_nothing_is_watched_before_and_after_the_period() -> None:
    assert watched_of(objective(), {}, now_ms=at(0) - 1, alpha=0.05) == ()
    assert watched_of(objective(), {}, now_ms=at(DAYS), alpha=0.05) == ()
    (found,) = watched_of(objective(), {}, now_ms=at(DAYS) - 1, alpha=0.05)
    assert found.stands is Stands.OPEN


def test_a_quarter_that_does_much_better_is_proven_to_be_well() -> None:
    quarter = Quarter(customers=6_000)
    its = stated(dict(quarter.truth(np.random.default_rng(5))), "conversion_rate", off=0.2)
    cells = quarter.drawn(np.random.default_rng(6))
    found = by_measure(watched_of(its, known_on(cells, 80), now_ms=at(80), alpha=0.0125))
    assert {name: each.stands for name, each in found.items()} == dict.fromkeys(found, Stands.WELL)


@given(st.lists(st.sampled_from(list(Stands)), min_size=1, max_size=20))
def test_a_risk_lasts_until_all_is_proven_to_be_well(stands: list[Stands]) -> None:
    known: Watched | None = None
    at_risk = False
    for at_ms, each in enumerate(stands, start=1):
        looked = Watched(part="target", measure="nps", limit=3, stands=each, now=Range(1, 0, 2))
        known = since(known, looked, at_ms=at_ms)
        at_risk = each is Stands.AT_RISK or (at_risk and each is Stands.OPEN)
        assert bool(known.since_ms) == at_risk
    assert known is not None
    other = since(known, msgspec.structs.replace(known, limit=4, stands=Stands.OPEN, since_ms=0), at_ms=99)
    assert other.since_ms == 0
