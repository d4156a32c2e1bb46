"""What was refused is valued by comparable contacts, strata apart, and its interval holds."""

import numpy as np
import pytest

from services.insights.kpis.money import Spending
from services.insights.kpis.refused import LEAST_COMPARABLE, LEAST_REFUSED, Made, refused

WORTH = Spending(n=10_000, spenders=1000, total=10_000_000, squares=10**11)


def test_each_refused_contact_is_worth_the_mean_of_its_own_stratum() -> None:
    made = {
        "a": Made(n=1000, sold=100, total=100_000, squares=10**9, left=20),
        "b": Made(n=2000, sold=20, total=20_000, squares=10**8, left=0),
    }
    found = refused({"a": 50, "b": 10}, made, worth=WORTH)
    assert (found.contacts, found.incomparable) == (60, 0)
    assert found.blocked.value == 50 * 100 + 10 * 10
    assert found.protected.value == 50 * 0.02 * 1000
    for each in (found.blocked, found.protected):
        assert each.low is not None
        assert each.high is not None
        assert each.value is not None
        assert each.low < each.value < each.high


def test_what_is_like_nothing_that_was_made_is_counted_and_not_valued() -> None:
    made = {
        "a": Made(n=1000, sold=100, total=100_000, squares=10**9, left=20),
        "few": Made(n=LEAST_COMPARABLE - 1, sold=50, total=5000, squares=10**7, left=50),
    }
    found = refused({"a": 50, "few": 30, "none": 20}, made, worth=WORTH)
    assert (found.contacts, found.incomparable, found.blocked.value) == (100, 50, 5000)


@pytest.mark.parametrize(
    ("count", "made", "worth"),
    [
        (LEAST_REFUSED - 1, Made(n=1000, sold=100, total=1, squares=1, left=20), WORTH),
        (50, Made(n=1000, sold=9, total=1, squares=1, left=9), WORTH),
        (0, Made(), Spending()),
    ],
)
def test_too_little_to_compare_with_is_told_as_such(count: int, made: Made, worth: Spending) -> None:
    found = refused({"a": count}, {"a": made}, worth=worth)
    assert (found.blocked.sufficient, found.protected.sufficient) == (False, False)
    assert found.contacts == count


def test_customers_that_nothing_is_known_of_are_worth_nothing_that_could_be_told() -> None:
    made = {"a": Made(n=1000, sold=100, total=100_000, squares=10**9, left=20)}
    found = refused({"a": 50}, made, worth=Spending())
    assert (found.blocked.sufficient, found.protected.sufficient) == (True, False)


def test_what_they_would_have_brought_is_in_the_interval_as_often_as_is_said() -> None:
    draw, held, replays = np.random.default_rng(3), 0, 1000

    def brought(n: int, buys: float) -> list[int]:
        came = np.where(draw.random(n) < buys, np.rint(np.exp(draw.normal(8, 0.6, n))), 0)
        return [int(each) for each in came]

    for _ in range(replays):
        counts, made, would = {"a": 200, "b": 400}, {}, 0
        for name, n, buys in (("a", 2000, 0.08), ("b", 1500, 0.04)):
            came = brought(n, buys)
            made[name] = Made(
                n=n, sold=sum(each > 0 for each in came), total=sum(came), squares=sum(each * each for each in came)
            )
            would += sum(brought(counts[name], buys))
        found = refused(counts, made, worth=WORTH).blocked
        assert found.low is not None
        assert found.high is not None
        held += found.low <= would <= found.high
    assert 0.93 <= held / replays <= 0.975
