"""Estimates and standard errors are those of statsmodels and tea-tasting, where the formula is the same."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import tea_tasting
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import test_proportions_2indep as proportions_test
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from tea_tasting.aggr import Aggregates

from services.insights.comparing import Comparison, Effect, compare
from services.insights.estimating import Pair
from services.insights.mismatch import Phase, mismatch
from services.insights.sums import Sums

CLOSE = 1e-9
Values = NDArray[np.float64]


def arm(seed: int, size: int, *, effect: float) -> SimpleNamespace:
    """Subjects with calls, failures that depend on the subject, and what was known of them before."""
    rng = np.random.default_rng(seed)
    taste = rng.gamma(2.0, 0.5, size)
    calls = 1.0 + rng.poisson(4 * taste)
    spent = rng.lognormal(np.log(20 * taste) + effect, 0.8)
    return SimpleNamespace(
        calls=calls,
        failed=rng.binomial(calls.astype(int), 0.1 * (1 + effect)).astype(float),
        spent=spent,
        before=rng.poisson(10 * taste).astype(float),
        bought=(rng.random(size) < 0.3 * (1 + effect)).astype(float),
    )


TREATMENT, CONTROL = arm(1, 4000, effect=0.05), arm(2, 6000, effect=0.0)


def compared(measure: str, *, per: str | None = None, before: bool = False, share: bool = False) -> Comparison:
    treatment, control = (
        Sums.of(
            getattr(each, measure),
            denominators=getattr(each, per) if per else None,
            covariates=each.before if before else None,
        )
        for each in (TREATMENT, CONTROL)
    )
    return compare([Pair(treatment, control)], share=share)


def effects(found: Comparison) -> tuple[Effect, Effect]:
    assert found.difference is not None
    assert found.lift is not None
    return found.difference, found.lift


def aggregates(subjects: SimpleNamespace, names: Sequence[str]) -> Aggregates:
    values = {name: getattr(subjects, name) for name in names}
    return Aggregates(
        count_=len(subjects.calls),
        mean_={name: float(np.mean(each)) for name, each in values.items()},
        var_={name: float(np.var(each, ddof=1)) for name, each in values.items()},
        cov_={
            (one, other): float(np.cov(values[one], values[other])[0, 1])
            for position, one in enumerate(names)
            for other in names[position + 1 :]
        },
    )


def agree_with_tea_tasting(found: Comparison, metric: tea_tasting.RatioOfMeans, names: Sequence[str]) -> None:
    theirs = metric.analyze_aggregates(aggregates(CONTROL, names), aggregates(TREATMENT, names))
    difference, lift = effects(found)
    assert found.treatment == pytest.approx(theirs.treatment, rel=CLOSE)
    assert found.control == pytest.approx(theirs.control, rel=CLOSE)
    assert difference.value == pytest.approx(theirs.effect_size, rel=CLOSE)
    assert difference.value / difference.standard_error == pytest.approx(theirs.statistic, rel=CLOSE)
    assert lift.value == pytest.approx(theirs.rel_effect_size, rel=CLOSE)
    # Theirs is symmetric for the logarithm of the ratio, whose standard error is that of the lift over the ratio.
    quantile = stats.norm.ppf(0.975)
    logarithmic = np.log((1 + theirs.rel_effect_size_ci_upper) / (1 + theirs.rel_effect_size)) / quantile
    assert lift.standard_error / (1 + lift.value) == pytest.approx(logarithmic, rel=CLOSE)


def test_means_agree_with_statsmodels() -> None:
    difference, _ = effects(compared("spent"))
    theirs = CompareMeans(DescrStatsW(TREATMENT.spent), DescrStatsW(CONTROL.spent))
    assert difference.standard_error == pytest.approx(theirs.std_meandiff_separatevar, rel=CLOSE)
    statistic, _, _ = theirs.ttest_ind(usevar="unequal")
    assert difference.value / difference.standard_error == pytest.approx(statistic, rel=CLOSE)
    statistic, p_value = theirs.ztest_ind(usevar="unequal")
    assert 2 * stats.norm.sf(abs(difference.value / difference.standard_error)) == pytest.approx(p_value, rel=1e-8)


def test_proportions_agree_with_statsmodels() -> None:
    """Theirs divides by n what we divide by n - 1."""
    size = 4000
    arms = [Sums.of(each.bought[:size]) for each in (TREATMENT, CONTROL)]
    difference, _ = effects(compare([Pair(*arms)], share=True))
    theirs = proportions_test(arms[0].y, size, arms[1].y, size, method="wald", correction=False)
    assert difference.value == pytest.approx(theirs.diff, rel=CLOSE)
    assert difference.standard_error**2 * (size - 1) / size == pytest.approx(theirs.variance, rel=CLOSE)


def test_ratios_agree_with_statsmodels_on_what_each_subject_adds_to_them() -> None:
    difference, _ = effects(compared("failed", per="calls", share=True))
    variances = []
    for each in (TREATMENT, CONTROL):
        ratio = each.failed.sum() / each.calls.sum()
        variances.append(
            DescrStatsW((each.failed - ratio * each.calls) / each.calls.mean(), ddof=1).var / len(each.calls)
        )
    assert difference.standard_error**2 == pytest.approx(sum(variances), rel=CLOSE)


def test_means_agree_with_tea_tasting() -> None:
    agree_with_tea_tasting(compared("spent"), tea_tasting.Mean("spent", use_t=False), ["spent"])


def test_ratios_agree_with_tea_tasting() -> None:
    metric = tea_tasting.RatioOfMeans("failed", "calls", use_t=False)
    agree_with_tea_tasting(compared("failed", per="calls", share=True), metric, ["failed", "calls"])


def test_means_adjusted_by_a_covariate_agree_with_tea_tasting() -> None:
    found = compared("spent", before=True)
    agree_with_tea_tasting(found, tea_tasting.Mean("spent", "before", use_t=False), ["spent", "before"])
    assert found.variance_reduction == pytest.approx(
        1 - (effects(found)[0].standard_error / effects(compared("spent"))[0].standard_error) ** 2, rel=1e-6
    )
    assert found.variance_reduction > 0.2


def test_ratios_adjusted_by_a_covariate_agree_with_tea_tasting() -> None:
    found = compared("failed", per="calls", before=True, share=True)
    metric = tea_tasting.RatioOfMeans("failed", "calls", "before", use_t=False)
    agree_with_tea_tasting(found, metric, ["failed", "calls", "before"])


def test_sample_ratios_agree_with_scipy_and_tea_tasting() -> None:
    counted = {"control": 5150, "treatment": 4850}
    found = mismatch([Phase(name="1", weights={"control": 1, "treatment": 1}, subjects=counted)])
    assert found.p_value == pytest.approx(stats.chisquare([5150, 4850]).pvalue, rel=CLOSE)
    metric = tea_tasting.SampleRatio(method="norm", correction=False)
    theirs = metric.analyze({name: Aggregates(count_=count) for name, count in counted.items()}, "control", "treatment")
    assert found.p_value == pytest.approx(theirs.pvalue, rel=CLOSE)


def test_three_arms_with_unequal_weights_agree_with_scipy() -> None:
    counted = {"a": 812, "b": 2450, "c": 6801}
    found = mismatch([Phase(name="1", weights={"a": 800, "b": 2500, "c": 6700}, subjects=counted)])
    expected = np.array([800, 2500, 6700]) / 10_000 * sum(counted.values())
    theirs = stats.chisquare(list(counted.values()), expected)
    assert found.phases[0].statistic == pytest.approx(theirs.statistic, rel=CLOSE)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=CLOSE)
