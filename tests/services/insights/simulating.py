"""Many experiments at once, each looked at again and again, drawn from seeds: always the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.comparing import Comparison, Effect, compare
from services.insights.estimating import Pair
from services.insights.sums import Sums

RUNS = 2_000
LOOKS = 28
ALPHA = 0.05
FIELDS = ("y", "d", "x", "yy", "dd", "xx", "yd", "yx", "dx")

Values = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], tuple[Values, Values, Values]]
"""Numerators, denominators and covariates of subjects, of the wanted shape: runs by subjects."""


@dataclass(slots=True)
class Arm:
    """What came in of one arm by each look: cumulative sums, by run and look."""

    subjects: list[int]
    sums: dict[str, list[list[float]]]

    def at(self, run: int, look: int) -> Sums:
        return Sums(n=self.subjects[look], **{name: each[run][look] for name, each in self.sums.items()})


def arm(draw: Draw, *, seed: int, sizes: Sequence[int], runs: int = RUNS) -> Arm:
    """Draw `sizes` new subjects before each look."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Values]] = {name: [] for name in FIELDS}
    for size in sizes:
        y, d, x = draw(rng, (runs, size))
        for name, each in zip(FIELDS, (y, d, x, y * y, d * d, x * x, y * d, y * x, d * x), strict=True):
            found[name].append(each.sum(axis=1))
    return _arm(found, sizes)


def bernoulli(rates: Sequence[float], *, seed: int, sizes: Sequence[int], runs: int = RUNS) -> Arm:
    """Subjects with one call each, of which a share fails: drawn as counts, so arms may be as large as they like."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Values]] = {name: [] for name in FIELDS}
    for size, rate in zip(sizes, rates, strict=True):
        events = rng.binomial(size, rate, runs).astype(float)
        everybody, none = np.full(runs, float(size)), np.zeros(runs)
        for name in FIELDS:
            found[name].append(none if "x" in name else everybody if name in {"d", "dd"} else events)
    return _arm(found, sizes)


def _arm(found: dict[str, list[Values]], sizes: Sequence[int]) -> Arm:
    return Arm(
        subjects=[int(each) for each in np.cumsum(sizes)],
        sums={name: np.stack(each, axis=1).cumsum(axis=1).tolist() for name, each in found.items()},
    )


def looks(
    treatment: Arm, control: Arm, *, share: bool, min_sample: int, phase_ends: Sequence[int] = ()
) -> Iterator[list[Comparison]]:
    """Of each run what is seen at each look that has enough subjects.

    `phase_ends` are the looks with which phases end, before the last: each phase is then compared for itself.
    """
    wanted = [
        look
        for look, (one, other) in enumerate(zip(treatment.subjects, control.subjects, strict=True))
        if min(one, other) >= min_sample
    ]
    for run in range(len(treatment.sums["y"])):
        yield [
            compare(list(_phases(treatment, control, run=run, look=look, ends=phase_ends)), share=share)
            for look in wanted
        ]


def _phases(treatment: Arm, control: Arm, *, run: int, look: int, ends: Sequence[int]) -> Iterator[Pair]:
    before = (Sums(), Sums())
    for last in (*(each for each in ends if each < look), look):
        so_far = (treatment.at(run, last), control.at(run, last))
        yield Pair(_less(so_far[0], before[0]), _less(so_far[1], before[1]))
        before = so_far


def _less(whole: Sums, part: Sums) -> Sums:
    return Sums(**{name: getattr(whole, name) - getattr(part, name) for name in ("n", *FIELDS)})


def excludes(effect: Effect, truth: float) -> bool:
    interval = effect.interval(ALPHA)
    return not interval.low <= truth <= interval.high


def incautious(effect: Effect) -> Effect:
    """As published, without caution about rare events."""
    return msgspec.structs.replace(effect, caution_up=0.0, caution_down=0.0)


def difference(comparison: Comparison) -> Effect:
    assert comparison.difference is not None
    return comparison.difference


def lift(comparison: Comparison) -> Effect:
    assert comparison.lift is not None
    return comparison.lift
