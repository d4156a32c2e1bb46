"""Reviews of a sample tell the error rate of all decisions, however it was drawn; and anybody can draw it again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.insights.review.sampling import ErrorRate, Rates, Sums, drawn, error_rate, probabilities
from services.insights.signals.alerts import Bools, Floats

SIZE, REPLAYS = 5000, 400
IDS = np.array([f"{number:032x}" for number in range(SIZE)], dtype=np.bytes_)
RATES = Rates(random=0.04, risk=0.3, disagreement=0.5)


def decisions(rng: np.random.Generator, *, wrong: float) -> tuple[Bools, Floats]:
    """Wrong ones are riskier and disagree more often; about one in five of them looks harmless."""
    bad = rng.random(SIZE) < wrong
    risk = np.where(bad, rng.beta(2, 2, SIZE), rng.beta(1, 6, SIZE))
    disagrees = rng.random(SIZE) < np.where(bad, 0.4, 0.05)
    return bad, probabilities(risk, disagrees, rates=RATES)


def reviewed(bad: Bools, chances: Floats, *, seed: int) -> Sums:
    picked = drawn(IDS, chances, seed=seed)
    return Sums.of(bad[picked], probabilities=chances[picked])


def estimated(sums: Sums) -> ErrorRate:
    found = error_rate(sums, decisions=SIZE)
    assert found is not None
    return found


@pytest.mark.parametrize("wrong", [0.0, 0.004, 0.05, 0.5])
def test_the_error_rate_of_all_is_estimated_without_bias_and_covered(wrong: float) -> None:
    rng = np.random.default_rng(71)
    bad, chances = decisions(rng, wrong=wrong)
    sums = [reviewed(bad, chances, seed=seed) for seed in range(REPLAYS)]
    found = [estimated(each) for each in sums]
    truth, values = float(bad.mean()), np.array([each.value for each in found])
    covered = np.mean([each.low <= truth <= each.high for each in found])
    naive = np.mean([each.wrong / each.reviewed for each in sums])
    print(f"{truth:.2%}: {values.mean():.2%}, covered {covered:.1%}; share of reviewed {naive:.1%}")  # noqa: T201
    assert abs(values.mean() - truth) <= 4 * values.std() / np.sqrt(REPLAYS)
    assert covered >= 0.95
    if 0 < wrong < 0.1:
        assert naive >= 2 * truth


def test_rarely_drawn_decisions_that_looked_fine_do_not_make_the_rate_look_known() -> None:
    """1,000 risky ones all reviewed, 10,000 others by one in a hundred: 3 % of those may well be wrong."""
    sums = Sums.of([True] * 50 + [False] * 1050, probabilities=[1.0] * 1000 + [0.01] * 100)
    found = error_rate(sums, decisions=11_000)
    assert found is not None
    assert found.value == pytest.approx(50 / 11_000)
    assert found.high >= 0.03
    assert 0.003 <= found.low <= found.value


def test_evenly_drawn_decisions_have_the_interval_of_clopper_and_pearson() -> None:
    found = error_rate(Sums.of([True] * 3 + [False] * 197, probabilities=[1e-9] * 200), decisions=200 * 10**9)
    wanted = stats.binomtest(3, 200).proportion_ci(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=0.03)
    nothing = error_rate(Sums.of([False] * 200, probabilities=[1e-9] * 200), decisions=200 * 10**9)
    assert nothing is not None
    assert nothing.low == 0
    assert nothing.high == pytest.approx(stats.binomtest(0, 200).proportion_ci(0.95).high)


@pytest.mark.parametrize("chance", [1 - 2**-53, 1 - 2**-51, 1 - 2**-45, 1 - 2**-40])
def test_wrong_ones_that_were_all_but_surely_reviewed_leave_nothing_below_them(chance: float) -> None:
    found = error_rate(Sums.of([True] + [False] * 9, probabilities=[chance] + [1.0] * 9), decisions=20)
    assert found is not None
    assert found.low == pytest.approx(0.05, rel=1e-5)
    assert found.low <= found.value <= found.high


def test_all_reviewed_is_known_and_few_say_nothing() -> None:
    found = error_rate(Sums.of([True] + [False] * 9, probabilities=[1.0] * 10), decisions=10)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.1, 0.1, 0.1)
    assert error_rate(Sums.of([True] * 9, probabilities=[0.5] * 9), decisions=100) is None
    assert error_rate(Sums(), decisions=0) is None


def test_numbers_of_decisions_are_even_and_differ_by_seed() -> None:
    for seed in (0, 1, 2**64):
        picked = [drawn(IDS, np.full(SIZE, share), seed=seed) for share in (0.1, 0.5, 0.9)]
        for share, each in zip((0.1, 0.5, 0.9), picked, strict=True):
            assert abs(each.mean() - share) <= 4 * np.sqrt(share * (1 - share) / SIZE)
        assert (picked[0] <= picked[1]).all()
    one, other = (drawn(IDS, np.full(SIZE, 0.5), seed=seed) for seed in (3, 4))
    assert abs((one & other).mean() - 0.25) <= 0.03


@given(st.lists(st.text("abcdef0123456789-", min_size=1, max_size=40), min_size=1, max_size=30), st.integers(0, 2**64))
def test_a_decision_is_drawn_or_not_whatever_else_is_there(ids: list[str], seed: int) -> None:
    together = drawn(ids, np.full(len(ids), 0.5), seed=seed)
    assert together.tolist() == [bool(drawn([each], [0.5], seed=seed)[0]) for each in ids]
    assert drawn(ids[::-1], np.full(len(ids), 0.5), seed=seed).tolist() == together[::-1].tolist()


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 1)), min_size=10, max_size=40), st.integers(0, 40))
def test_sums_add_up_and_the_interval_holds_the_estimate(rows: list[tuple[bool, float]], cut: int) -> None:
    def part(some: list[tuple[bool, float]]) -> Sums:
        return Sums.of([bad for bad, _ in some], probabilities=[chance for _, chance in some])

    whole, added = part(rows), part(rows[cut:]) + part(rows[:cut])
    assert added.weights == pytest.approx(whole.weights)
    assert added.wrong_squares == pytest.approx(whole.wrong_squares)
    found = error_rate(whole, decisions=int(whole.weights) + len(rows))
    assert found is not None
    assert 0 <= found.low <= min(found.value, 1) <= found.high + 1e-9


def test_what_cannot_be_is_refused() -> None:
    for chance in (0.0, 1.1, np.nan):
        with pytest.raises(ValueError, match="probability"):
            Sums.of([True], probabilities=[chance])
    with pytest.raises(ValueError, match="above 0"):
        probabilities([0.5], [False], rates=Rates(random=0.0))
    with pytest.raises(ValueError, match="all that could"):
        error_rate(Sums.of([True] * 20, probabilities=[0.5] * 20), decisions=19)
    assert probabilities([np.nan, 5.0, -1.0], [False, False, True], rates=RATES).tolist() == [0.3, 0.3, 0.5]
