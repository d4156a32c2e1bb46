"""How contacts are spread: right numbers, honest intervals, nothing of too few, and parts that add up to the whole."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.insights.pressure.intervals import Estimate
from services.insights.pressure.spread import Refused, Spread, Tally, gini, quantile, spread

COUNTS = st.lists(st.integers(0, 12) | st.integers(0, 100_000), max_size=80)


def tally(contacts: list[int]) -> Tally:
    refused = {"weekly": [each // 3 for each in contacts]}
    return Tally.of(
        np.array(contacts, dtype=np.int64),
        caps=[5.0 if each % 2 else math.nan for each in contacts],
        refused={name: np.array(each, dtype=np.int64) for name, each in refused.items()},
    )


@given(COUNTS, COUNTS)
def test_the_tallies_of_two_cells_add_up_to_that_of_all_people(one: list[int], other: list[int]) -> None:
    assert tally(one) + tally(other) == tally(one + other)


@given(COUNTS, st.randoms(use_true_random=False))
def test_the_order_of_people_does_not_matter(contacts: list[int], random: object) -> None:
    mixed = list(contacts)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert spread(tally(mixed)) == spread(tally(contacts))


@given(COUNTS)
def test_whatever_is_said_lies_inside_its_interval(contacts: list[int]) -> None:
    found = spread(tally(contacts))
    assert found.people == len(contacts)
    assert found.contacts == sum(contacts)
    said = [getattr(found, name) for name in ("p50", "p95", "p99", "gini", "over_cap", "never")]
    for each in [*said, *found.refused.values()]:
        assert each is None or each.low <= each.value <= each.high
    if len(contacts) < 30:
        assert said == [None] * 6
    assert msgspec.json.encode(found)


@pytest.mark.parametrize("wrong", [[-1], [0.5], [math.nan], [math.inf], [2e9], ["3"], [[1, 2]]])
def test_what_is_no_count_is_refused(wrong: list[object]) -> None:
    with pytest.raises(ValueError, match="counts"):
        Tally.of(np.array(wrong))


def test_a_cap_for_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="one cap"):
        Tally.of([1, 2], caps=[3.0])


def test_people_over_their_own_cap_are_counted_among_those_who_have_one() -> None:
    contacts = [6] * 30 + [5] * 70 + [900] * 100
    caps = [5.0] * 100 + [math.nan] * 50 + [math.inf] * 50
    found = Tally.of(contacts, caps=caps, refused={"weekly": [2] * 10 + [0] * 190})
    assert (found.capped, found.over) == (100, 30)
    assert found.refused == {"weekly": Refused(20, 10)}
    said = spread(found)
    assert said.over_cap is not None
    assert (said.over_cap.value, said.over_cap.n) == (0.3, 100)


@given(st.lists(st.integers(0, 20), min_size=30, max_size=60), st.floats(0.01, 0.99), st.integers(0, 21))
def test_a_quantile_s_interval_has_just_the_numbers_that_two_exact_tests_do_not_contradict(
    contacts: list[int], q: float, number: int
) -> None:
    found, alpha, n = quantile(Tally.of(contacts), q, alpha=0.1), 0.1, len(contacts)
    assert found is not None
    at_most, fewer = sum(each <= number for each in contacts), sum(each < number for each in contacts)
    too_low = stats.binom.cdf(at_most, n, q)
    too_high = stats.binom.sf(fewer - 1, n, q)
    if min(abs(too_low - alpha / 2), abs(too_high - alpha / 2)) > 1e-9:
        assert (found.low <= number <= found.high) == (too_low > alpha / 2 and too_high > alpha / 2)


def test_the_highest_percent_of_few_people_has_no_upper_end() -> None:
    low, high = (quantile(Tally.of(list(range(n))), 0.99, alpha=0.05) for n in (367, 368))
    assert low is not None
    assert high is not None
    assert (low.high, high.high) == (math.inf, 367)


@given(st.lists(st.integers(0, 30), min_size=20, max_size=26))
def test_the_gini_coefficient_is_half_the_relative_mean_difference_of_pairs(few: list[int]) -> None:
    contacts = few * 10
    found, values, n = gini(Tally.of(contacts), alpha=0.05), np.array(contacts), len(contacts)
    if len(set(contacts)) < 2:
        assert found is None
    else:
        assert found is not None
        pairs = np.abs(values[:, None] - values).sum() / (n * (n - 1))
        assert found.value == pytest.approx(pairs / 2 / values.mean(), abs=1e-9)


def test_inequality_is_unknown_where_all_are_alike_and_near_one_where_one_has_all() -> None:
    assert gini(Tally.of([3] * 500), alpha=0.05) is None is gini(Tally.of([0] * 500), alpha=0.05)
    alone = gini(Tally.of([0] * 499 + [10]), alpha=0.05)
    assert alone is not None
    assert alone.value > 0.999
    assert alone.low < 0.01


REPLAYS = 1000


def spreads(seed: int, people: int) -> list[Spread]:
    """Contacts of people with different tastes: 28 % get none, few get many."""
    rng = np.random.default_rng(seed)
    return [spread(Tally.of(each)) for each in rng.negative_binomial(0.8, 0.2, (REPLAYS, people))]


def share_that_holds(found: list[Estimate | None], truth: float) -> float:
    said = [each for each in found if each is not None]
    assert len(said) == REPLAYS
    return sum(each.low <= truth <= each.high for each in said) / REPLAYS


@pytest.mark.parametrize("people", [200, 1000])
def test_intervals_of_the_spread_hold_the_truth_in_95_of_100_replays(people: int) -> None:
    found, law = spreads(people, people), stats.nbinom(0.8, 0.2)
    levels = law.cdf(np.arange(400))
    truth = float((levels * (1 - levels)).sum() / law.mean())
    shares = {
        "p50": share_that_holds([each.p50 for each in found], law.ppf(0.50)),
        "p95": share_that_holds([each.p95 for each in found], law.ppf(0.95)),
        "p99": share_that_holds([each.p99 for each in found], law.ppf(0.99)),
        "never": share_that_holds([each.never for each in found], law.pmf(0)),
        "gini": share_that_holds([each.gini for each in found], truth),
    }
    print(people, shares)  # noqa: T201
    # The exact ones keep what they promise; the Gini coefficient's is one for large samples.
    assert min(each for name, each in shares.items() if name != "gini") >= 0.945
    assert shares["gini"] >= 0.93
