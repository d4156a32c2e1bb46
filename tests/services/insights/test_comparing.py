"""What a comparison says, and does not say, of arms with little or odd in them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.comparing import Comparison, Effect, Interval, compare
from services.insights.estimating import Pair
from services.insights.sums import Sums
from services.insights.verdicts import Verdict, judge, proven_not_worse, proven_worse

ALPHA = 0.05


def failures(count: int, *, of: int) -> Sums:
    return Sums.of([1.0] * count + [0.0] * (of - count))


def difference(*phases: Pair, share: bool = True) -> Effect:
    found = compare(phases, share=share).difference
    assert found is not None
    return found


def comparison(value: float, error: float, *, lift: Effect | None = None, subjects: int = 5000) -> Comparison:
    return Comparison(
        treatment_subjects=subjects,
        control_subjects=subjects,
        min_sample=1000,
        difference=Effect(value=value, standard_error=error, subjects=2 * subjects),
        lift=lift,
    )


@pytest.mark.parametrize("phases", [(), (Pair(Sums(), Sums()),), (Pair(failures(1, of=1), failures(5, of=900)),)])
def test_nothing_is_said_where_an_arm_has_nobody_or_one(phases: tuple[Pair, ...]) -> None:
    found = compare(phases, share=True)
    assert found.difference is None is found.lift
    assert found.too_few
    assert judge(found, "error_rate", alpha=ALPHA) is Verdict.TOO_FEW


def test_nothing_is_said_of_contacts_where_nobody_was_contacted() -> None:
    silent = Sums.of(np.zeros(2000), denominators=np.zeros(2000))
    assert compare([Pair(silent, silent)], share=True).too_few


def test_nothing_is_said_before_both_arms_have_the_least_sample() -> None:
    pair = Pair(failures(900, of=999), failures(0, of=5000))
    assert judge(compare([pair], share=True, min_sample=1000), "error_rate", alpha=ALPHA) is Verdict.TOO_FEW
    assert judge(compare([pair], share=True, min_sample=999), "error_rate", alpha=ALPHA) is Verdict.WORSE


def test_no_failure_in_either_arm_proves_little_of_few_and_more_of_many() -> None:
    """The upper end is c^2 / n where nothing happened, so three to four times the rule of three for a single look."""
    few, many = (difference(Pair(failures(0, of=size), failures(0, of=size))) for size in (1000, 20_000))
    assert few.interval(ALPHA).high == pytest.approx(0.0100, abs=0.001) == -few.interval(ALPHA).low
    assert many.interval(ALPHA).high < 0.001
    assert few.p_value(ALPHA) == 1.0


def test_no_revenue_in_either_arm_proves_nothing() -> None:
    nothing = Sums.of(np.zeros(5000))
    found = compare([Pair(nothing, nothing)], share=False)
    assert difference(Pair(nothing, nothing), share=False).interval(ALPHA) == Interval(-math.inf, math.inf)
    assert judge(found, "revenue_cents", alpha=ALPHA, margin=1e6) is Verdict.INCONCLUSIVE


def test_there_is_no_lift_over_a_control_that_is_hardly_above_nothing() -> None:
    assert compare([Pair(failures(60, of=2000), failures(20, of=2000))], share=True).lift is None
    assert compare([Pair(failures(60, of=2000), failures(30, of=2000))], share=True).lift is not None


@given(st.integers(0, 400), st.integers(0, 400), st.floats(0.001, 0.4))
def test_the_p_value_says_what_the_interval_says(one: int, other: int, alpha: float) -> None:
    effect = difference(Pair(failures(one, of=400), failures(other, of=400)))
    interval = effect.interval(alpha)
    edge = min(abs(interval.low), abs(interval.high))
    if edge > 1e-9:
        assert (effect.p_value(alpha) < alpha) == (not interval.low <= 0 <= interval.high)


@given(st.integers(0, 300), st.integers(0, 300))
def test_swapping_the_arms_turns_the_interval_around(one: int, other: int) -> None:
    pair = Pair(failures(one, of=300), failures(other, of=300))
    interval, swapped = (difference(each).interval(ALPHA) for each in (pair, Pair(pair.control, pair.treatment)))
    assert (swapped.low, swapped.high) == pytest.approx((-interval.high, -interval.low), abs=1e-12)


@given(st.integers(0, 300), st.integers(0, 500))
def test_counting_what_succeeded_turns_the_interval_around(one: int, other: int) -> None:
    failed = difference(Pair(failures(one, of=300), failures(other, of=500))).interval(ALPHA)
    succeeded = difference(Pair(failures(300 - one, of=300), failures(500 - other, of=500))).interval(ALPHA)
    assert (succeeded.low, succeeded.high) == pytest.approx((-failed.high, -failed.low), abs=1e-9)


@given(st.floats(0.01, 100), st.integers(0, 10_000))
def test_another_currency_changes_nothing_but_the_unit(factor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.lognormal(1, 1, 200), rng.lognormal(1, 1, 300)
    plain = difference(Pair(Sums.of(one), Sums.of(other)), share=False).interval(ALPHA)
    scaled = difference(Pair(Sums.of(factor * one), Sums.of(factor * other)), share=False).interval(ALPHA)
    assert (scaled.low, scaled.high) == pytest.approx((factor * plain.low, factor * plain.high), rel=1e-6)


def test_phases_alike_say_the_same_as_one() -> None:
    pair = Pair(failures(30, of=1000), failures(90, of=4000))
    whole = Pair(failures(60, of=2000), failures(180, of=8000))
    apart, together = difference(pair, pair), difference(whole)
    assert apart.value == pytest.approx(together.value, rel=1e-12)
    assert apart.subjects == together.subjects
    assert apart.standard_error == pytest.approx(together.standard_error, rel=1e-3)


def test_a_phase_without_a_control_is_left_out() -> None:
    pair = Pair(failures(30, of=1000), failures(90, of=4000))
    assert difference(pair, Pair(failures(500, of=1000), Sums())) == difference(pair)


def test_a_covariate_that_is_the_same_for_all_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    one, other = rng.normal(10, 3, 500), rng.normal(11, 3, 500)
    same = [Sums.of(each, covariates=np.full(500, 0.1)) for each in (one, other)]
    found = compare([Pair(*same)], share=False)
    plain = compare([Pair(Sums.of(one), Sums.of(other))], share=False)
    assert (found.difference, found.variance_reduction) == (plain.difference, 0.0)


@pytest.mark.parametrize(
    ("measure", "value", "margin", "wanted"),
    [
        ("error_rate", -0.02, 0.0, Verdict.BETTER),
        ("error_rate", 0.02, 0.0, Verdict.WORSE),
        ("conversion_rate", 0.02, 0.0, Verdict.BETTER),
        ("conversion_rate", -0.02, 0.0, Verdict.WORSE),
        ("error_rate", 0.001, 0.0, Verdict.INCONCLUSIVE),
        ("error_rate", 0.001, 0.01, Verdict.NOT_WORSE),
        ("conversion_rate", -0.001, 0.01, Verdict.NOT_WORSE),
        # It is worse, and as surely by less than the margin.
        ("error_rate", 0.02, 0.05, Verdict.NOT_WORSE),
        ("error_rate", 0.02, 0.02, Verdict.INCONCLUSIVE),
        ("error_rate", 0.06, 0.02, Verdict.WORSE),
        ("error_rate", -0.02, 0.02, Verdict.BETTER),
    ],
)
def test_verdicts_know_which_direction_is_harmful(measure: str, value: float, margin: float, wanted: Verdict) -> None:
    assert judge(comparison(value, 0.002), measure, alpha=ALPHA, margin=margin) is wanted  # type: ignore[arg-type]


def test_a_relative_margin_is_held_against_the_lift() -> None:
    lift = Effect(value=0.02, standard_error=0.01, subjects=10_000)
    found = comparison(0.5, 0.01, lift=lift)
    assert judge(found, "latency_ms", alpha=ALPHA, margin=0.1, relative=True) is Verdict.NOT_WORSE
    assert judge(found, "latency_ms", alpha=ALPHA, margin=0.1) is Verdict.WORSE
    unknown = comparison(0.5, 0.01)
    assert judge(unknown, "latency_ms", alpha=ALPHA, margin=0.1, relative=True) is Verdict.INCONCLUSIVE


@given(st.floats(-0.1, 0.1), st.floats(1e-4, 0.05), st.floats(0, 0.05), st.sampled_from(["error_rate", "open_rate"]))
def test_nothing_is_proven_worse_and_not_worse_and_verdicts_agree(
    value: float, error: float, margin: float, measure: str
) -> None:
    found = comparison(value, error)
    worse = proven_worse(found, measure, alpha=ALPHA, margin=margin)  # type: ignore[arg-type]
    fine = proven_not_worse(found, measure, alpha=ALPHA, margin=margin)  # type: ignore[arg-type]
    verdict = judge(found, measure, alpha=ALPHA, margin=margin)  # type: ignore[arg-type]
    assert not (worse and fine)
    assert worse or verdict is not Verdict.WORSE
    assert fine or verdict not in {Verdict.NOT_WORSE, Verdict.BETTER}


def test_too_few_subjects_prove_nothing_in_either_direction() -> None:
    for value in (-0.5, 0.5):
        found = comparison(value, 0.001, subjects=999)
        assert not proven_worse(found, "error_rate", alpha=ALPHA)
        assert not proven_not_worse(found, "error_rate", alpha=ALPHA, margin=0.1)
