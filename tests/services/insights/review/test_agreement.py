"""Agreement of reviewers is that of statsmodels, and its interval holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa

from services.insights.review.agreement import Weights, agreement, confusion
from services.insights.signals.alerts import Floats

THEIRS = {Weights.NONE: None, Weights.LINEAR: "linear", Weights.QUADRATIC: "quadratic"}


def judged(rng: np.random.Generator, *, shares: tuple[float, ...], same: float, items: int) -> Floats:
    """Both give the right label with a probability, and else any by its share: kappa is `same`, on large samples."""
    one = rng.choice(len(shares), items, p=shares)
    other = np.where(rng.random(items) < same, one, rng.choice(len(shares), items, p=shares))
    return confusion(one, other, labels=len(shares))


@pytest.mark.parametrize("weights", Weights)
def test_kappa_and_its_interval_are_those_of_statsmodels(weights: Weights) -> None:
    rng = np.random.default_rng(81)
    for same in (0.1, 0.5, 0.9):
        table = judged(rng, shares=(0.6, 0.3, 0.1), same=same, items=200)
        found = agreement(table, weights=weights)
        theirs = cohens_kappa(table, wt=THEIRS[weights])
        assert found.kappa == pytest.approx(theirs.kappa, rel=1e-9)
        assert found.low == pytest.approx(theirs.kappa_low, rel=1e-6)
        assert found.high == pytest.approx(min(1.0, theirs.kappa_upp), rel=1e-6)


@pytest.mark.parametrize(("same", "shares"), [(0.3, (0.5, 0.5)), (0.6, (0.7, 0.2, 0.1)), (0.8, (0.85, 0.15))])
def test_intervals_of_two_hundred_items_hold_the_truth(same: float, shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(82)
    found = [agreement(judged(rng, shares=shares, same=same, items=200)) for _ in range(1000)]
    covered = sum(each.low <= same <= each.high for each in found) / 1000
    print(f"kappa {same}: covered {covered:.1%}")  # noqa: T201
    assert covered >= 0.92


def test_reviewers_who_nearly_always_say_yes_agree_though_kappa_is_low() -> None:
    found = agreement([[0, 5], [5, 190]])
    assert found.share == 0.95
    assert found.kappa is not None
    assert found.kappa < 0
    assert found.adjusted == pytest.approx(0.9)
    wanted = stats.binomtest(190, 200).proportion_ci(0.95)
    assert (found.share_low, found.share_high) == pytest.approx((wanted.low, wanted.high))


def test_one_label_few_items_and_none_have_defined_answers() -> None:
    assert agreement([[50, 0], [0, 0]]).kappa is None
    few = agreement([[10, 1], [1, 10]])
    assert (few.low, few.high) == (-1, 1)
    assert few.kappa == pytest.approx(20 / 22 * 2 - 1)
    none = agreement(confusion([-1, 0], [0, -1], labels=2))
    assert (none.items, none.share, none.kappa) == (0, None, None)
    assert agreement([[7]]).adjusted is None


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_tables_that_cannot_be_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not negative"):
        agreement([[wrong, 1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="labels are from 0 to 1"):
        confusion([2], [0], labels=2)


LABELS = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), max_size=60)


@given(LABELS, st.integers(0, 60), st.sampled_from(list(Weights)))
def test_tables_add_up_and_who_is_the_first_does_not_matter(
    pairs: list[tuple[int, int]], cut: int, weights: Weights
) -> None:
    one, other = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    table = confusion(one, other, labels=4)
    parts = confusion(one[cut:], other[cut:], labels=4) + confusion(one[:cut], other[:cut], labels=4)
    assert np.array_equal(table, parts)
    found, turned = agreement(table, weights=weights), agreement(table.T, weights=weights)
    assert found.items == sum(min(pair) >= 0 for pair in pairs)
    if found.kappa is not None:
        assert turned.kappa == pytest.approx(found.kappa)
        assert -1 - 1e-9 <= found.kappa <= 1 + 1e-9
        assert found.low - 1e-9 <= found.kappa <= found.high + 1e-9
