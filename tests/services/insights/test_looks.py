"""Evidence: how often 28 looks at many simulated experiments mislead, and how often they find what is there.

`-s` shows the shares. They are the same in every run, and far enough from their bounds not to depend on the seeds.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
import pytest
from scipy import stats

from services.insights.comparing import Comparison
from services.insights.verdicts import Verdict, judge, proven_not_worse, proven_worse
from tests.services.insights.simulating import (
    ALPHA,
    LOOKS,
    RUNS,
    Arm,
    Draw,
    Values,
    arm,
    bernoulli,
    difference,
    excludes,
    incautious,
    looks,
)

Runs = list[list[Comparison]]

EVEN: Final = ([500] * LOOKS, [500] * LOOKS)
CANARY: Final = ([200] * LOOKS, [19_800] * LOOKS)
"""Of 20,000 subjects between two looks the treatment gets 1 %."""
_SHARES: Final = [share for share in (0.01, 0.05, 0.25, 0.5) for _ in range(LOOKS // 4)]
RAMP: Final = ([int(20_000 * share) for share in _SHARES], [int(20_000 * (1 - share)) for share in _SHARES])
RAMP_ENDS: Final = (6, 13, 20)

HEAVY: Final = pytest.mark.integration


def normal(mean: float, deviation: float) -> Draw:
    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Values, Values, Values]:
        return rng.normal(mean, deviation, shape), np.ones(shape), np.zeros(shape)

    return draw


def cost_per_call(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Values, Values, Values]:
    """Few or many calls a subject, and heavy tails: a cost's standard deviation is 4.5 times its mean."""
    calls = np.asarray(1 + rng.poisson(rng.gamma(1.0, 3.0, shape)), dtype=np.float64)
    return calls * rng.lognormal(0, 1.75, shape), calls, np.zeros(shape)


def visits(factor: float) -> Draw:
    """Visits go with the subject's taste, and so did the visits before."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Values, Values, Values]:
        taste = rng.gamma(2, 0.5, shape)
        return rng.poisson(5 * factor * taste).astype(float), np.ones(shape), rng.poisson(20 * taste).astype(float)

    return draw


def shares(
    rate: float, other: float, *, sizes: tuple[list[int], list[int]] = EVEN, runs: int = RUNS, seed: int = 1
) -> tuple[Arm, Arm]:
    return (
        bernoulli([rate] * LOOKS, seed=seed, sizes=sizes[0], runs=runs),
        bernoulli([other] * LOOKS, seed=seed + 1, sizes=sizes[1], runs=runs),
    )


def share_of_runs(runs: Runs, seen: Callable[[Comparison], bool]) -> float:
    """In how many some look sees it."""
    return sum(any(seen(look) for look in run) for run in runs) / len(runs)


def misses(runs: Runs, truth: float) -> float:
    return share_of_runs(runs, lambda each: excludes(difference(each), truth))


def misses_lift(runs: Runs, truth: float) -> float:
    return share_of_runs(runs, lambda each: each.lift is not None and excludes(each.lift, truth))


@cache
def quantile(freedom: int) -> float:
    return float(stats.t.ppf(1 - ALPHA / 2, freedom))


def t_test_alarms(comparison: Comparison) -> bool:
    effect = difference(comparison)
    freedom = comparison.treatment_subjects + comparison.control_subjects - 2
    return abs(effect.value) > quantile(freedom) * effect.standard_error


def twice(draw: Draw, *, size: int) -> tuple[Arm, Arm]:
    return arm(draw, seed=1, sizes=[size] * LOOKS), arm(draw, seed=2, sizes=[size] * LOOKS)


AA: Final[dict[str, tuple[Callable[[], tuple[Arm, Arm]], bool]]] = {
    "normal": (lambda: twice(normal(10, 3), size=100), False),
    "one in a hundred": (lambda: shares(0.01, 0.01), True),
    "ratio with heavy tails": (lambda: twice(cost_per_call, size=250), False),
    "canary of 1 %": (lambda: shares(0.01, 0.01, sizes=CANARY), True),
}


@pytest.mark.parametrize("outcome", AA)
def test_twenty_eight_looks_at_two_equal_arms_raise_at_most_five_in_a_hundred_alarms(outcome: str) -> None:
    arms, share = AA[outcome]
    runs = list(looks(*arms(), share=share, min_sample=500))
    sequence, t_test = misses(runs, 0.0), share_of_runs(runs, t_test_alarms)
    careless = share_of_runs(runs, lambda each: excludes(incautious(difference(each)), 0.0))
    print(f"{outcome}: {sequence:.1%}, without caution {careless:.1%}, a t-test at each look {t_test:.1%}")  # noqa: T201
    assert len(runs) == 2_000
    assert sequence <= 0.05
    assert misses_lift(runs, 0.0) <= 0.05
    assert t_test >= 0.2


@pytest.mark.parametrize("rate", [0.01, 0.001, 0.999])
def test_rare_events_in_a_small_canary_mislead_no_more_often_which_takes_caution(rate: float) -> None:
    runs = list(looks(*shares(rate, rate, sizes=CANARY, runs=1000), share=True, min_sample=500))
    as_published = share_of_runs(runs, lambda each: excludes(incautious(difference(each)), 0.0))
    assert misses(runs, 0.0) <= 0.02
    assert as_published >= (0.05 if rate == 0.01 else 0.3)


@pytest.mark.integration
@pytest.mark.parametrize("rate", [0.01, 0.0005])
def test_a_ramp_compared_phase_by_phase_misleads_no_more_often(rate: float) -> None:
    arms = shares(rate, rate, sizes=RAMP, runs=1000)
    assert misses(list(looks(*arms, share=True, min_sample=100, phase_ends=RAMP_ENDS)), 0.0) <= 0.03


def test_a_trend_in_time_is_taken_for_an_effect_unless_phases_are_kept_apart() -> None:
    trend = [rate for rate in (0.02, 0.03, 0.05, 0.08) for _ in range(LOOKS // 4)]
    arms = (bernoulli(trend, seed=1, sizes=RAMP[0], runs=500), bernoulli(trend, seed=2, sizes=RAMP[1], runs=500))
    apart = list(looks(*arms, share=True, min_sample=100, phase_ends=RAMP_ENDS))
    assert misses(apart, 0.0) <= 0.04
    assert misses_lift(apart, 0.0) <= 0.04
    assert misses(list(looks(*arms, share=True, min_sample=100)), 0.0) >= 0.99


@pytest.mark.integration
@pytest.mark.parametrize(("deviation", "other"), [(1, 4), (4, 1)])
@pytest.mark.parametrize("phase_ends", [(), RAMP_ENDS])
def test_unequal_variances_in_a_ramp_mislead_no_more_often(
    deviation: float, other: float, phase_ends: tuple[int, ...]
) -> None:
    sizes = [[each // 20 for each in sizes] for sizes in RAMP]
    arms = [
        arm(normal(10, each), seed=seed, sizes=sizes[seed], runs=1000) for seed, each in enumerate((deviation, other))
    ]
    assert misses(list(looks(*arms, share=False, min_sample=50, phase_ends=phase_ends)), 0.0) <= 0.035


@pytest.mark.parametrize("sizes", [EVEN, ([5000] * LOOKS, [100] * LOOKS)], ids=["even", "small control"])
@pytest.mark.parametrize("lift", [pytest.param(-0.3, marks=HEAVY), 0.5, pytest.param(2.0, marks=HEAVY)])
def test_a_true_lift_is_covered(lift: float, sizes: tuple[list[int], list[int]]) -> None:
    runs = list(looks(*shares(0.01 * (1 + lift), 0.01, sizes=sizes, runs=1000), share=True, min_sample=500))
    assert misses(runs, 0.01 * lift) <= 0.035
    assert misses_lift(runs, lift) <= 0.05
    assert sum(run[-1].lift is not None for run in runs) / len(runs) >= 0.7


@pytest.mark.parametrize("factor", [pytest.param(1.0, marks=HEAVY), 1.1])
def test_what_a_covariate_adjusts_is_covered_and_known_better(factor: float) -> None:
    arms = [arm(visits(each), seed=seed, sizes=[100] * LOOKS, runs=500) for seed, each in enumerate((factor, 1.0))]
    runs = list(looks(*arms, share=False, min_sample=100))
    assert misses(runs, 5 * (factor - 1)) <= 0.03
    assert misses_lift(runs, factor - 1) <= 0.03
    assert 0.6 < runs[0][-1].variance_reduction < 0.7


@pytest.mark.parametrize("sizes", [EVEN, CANARY], ids=["even", "canary"])
@pytest.mark.parametrize(
    ("rate", "margin"),
    [
        (0.0, 0.002),
        pytest.param(0.001, 0.001, marks=HEAVY),
        (0.01, 0.005),
        pytest.param(0.05, 0.01, marks=HEAVY),
    ],
)
def test_a_harm_as_large_as_the_margin_is_not_taken_for_a_smaller_or_larger_one(
    rate: float, margin: float, sizes: tuple[list[int], list[int]]
) -> None:
    runs = list(looks(*shares(rate + margin, rate, sizes=sizes, runs=1000), share=True, min_sample=500))

    def wrongly(prove: Callable[..., bool], margin: float, *, relative: bool) -> float:
        return share_of_runs(
            runs, lambda each: prove(each, "error_rate", alpha=ALPHA, margin=margin, relative=relative)
        )

    for prove in (proven_not_worse, proven_worse):
        assert wrongly(prove, margin, relative=False) <= 0.05
        assert not rate or wrongly(prove, margin / rate, relative=True) <= 0.05


def test_a_harm_of_the_stated_size_is_found_and_a_like_candidate_is_let_through() -> None:
    """Error rates of 3 % against 2 %, 10,000 subjects in each arm, and a margin of half that harm."""
    sizes = ([10_000 // LOOKS] * LOOKS, [10_000 // LOOKS] * LOOKS)
    harmful = list(looks(*shares(0.03, 0.02, sizes=sizes, runs=1000), share=True, min_sample=500))
    assert share_of_runs(harmful, lambda each: proven_worse(each, "error_rate", alpha=ALPHA)) >= 0.95
    assert share_of_runs(harmful, lambda each: judge(each, "error_rate", alpha=ALPHA) is Verdict.WORSE) >= 0.9
    assert share_of_runs(harmful, lambda each: proven_not_worse(each, "error_rate", alpha=ALPHA, margin=0.005)) == 0

    alike = list(looks(*shares(0.02, 0.02, sizes=sizes, runs=1000), share=True, min_sample=500))
    assert share_of_runs(alike, lambda each: proven_not_worse(each, "error_rate", alpha=ALPHA, margin=0.01)) >= 0.98
    assert share_of_runs(alike, lambda each: proven_worse(each, "error_rate", alpha=ALPHA)) <= ALPHA


def test_a_canary_of_one_percent_finds_a_doubled_error_rate_within_a_week_of_looks() -> None:
    """4 % against 2 %, 200 new subjects of the candidate between looks."""
    runs = list(looks(*shares(0.04, 0.02, sizes=CANARY, runs=1000), share=True, min_sample=500))
    found = [
        next((each.treatment_subjects for each in run if proven_worse(each, "error_rate", alpha=ALPHA)), None)
        for run in runs
    ]
    assert sum(each is not None and each <= 3_000 for each in found) >= 900
