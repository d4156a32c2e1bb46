"""Weeks of many series without drift or with some, drawn as counts of cells."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from scipy import stats

from services.insights.drift.histograms import Floats, Grid, Histogram
from services.insights.drift.seasons import Reference
from services.insights.drift.watching import Plan, Series, Window

CYCLE: Final = 6
"""Parts of a day, to have fewer than 24 hours."""
DAYS: Final = 7
_VOLUME: Final = np.array([20, 80, 500, 700, 500, 200])
"""Calls in each part: nights have few."""

Draw = Callable[[np.random.Generator, int, float], dict[int, Histogram]]
"""Histograms of so many parts of days, from the first one on, with a shift in standard deviations."""


def numbers(distribution: Callable[[float], stats.rv_continuous], grid: Grid, *, low: float, high: float) -> Draw:
    cells = np.arange(grid.cells(np.array([low]))[0], grid.cells(np.array([high]))[0] + 1)
    borders = (grid.centres(cells)[1:] + grid.centres(cells)[:-1]) / 2

    @cache
    def shares(shift: float) -> Floats:
        return np.diff(np.concatenate([[0.0], distribution(shift).cdf(borders), [1.0]]))

    def draw(rng: np.random.Generator, parts: int, shift: float) -> dict[int, Histogram]:
        return _parts(rng, parts, shares(shift), grid, cells)

    return draw


def names(shares: Floats) -> Draw:
    keys = np.sort(np.array([f"name-{each}" for each in range(shares.size)]))

    def draw(rng: np.random.Generator, parts: int, shift: float) -> dict[int, Histogram]:
        return _parts(rng, parts, shares / shares.sum(), None, keys)

    return draw


def _parts(
    rng: np.random.Generator, parts: int, shares: Floats, grid: Grid | None, keys: np.ndarray
) -> dict[int, Histogram]:
    sizes = rng.poisson(np.resize(_VOLUME, parts))
    counts = rng.multinomial(sizes, shares).astype(np.float64)
    return {part: Histogram(grid, keys, each) for part, each in enumerate(counts)}


FAMILIES: Final[dict[str, Draw]] = {
    "normal": numbers(lambda shift: stats.norm(shift, 1), Grid(0.1), low=-4, high=4),
    "latency": numbers(lambda _shift: stats.lognorm(1.5), Grid(0.1, logarithmic=True), low=0.01, high=1000),
    "score": numbers(lambda _shift: stats.beta(2, 5), Grid(0.02), low=0.0, high=0.99),
    "verdicts": names(np.array([0.9, 0.07, 0.02, 0.008, 0.002])),
    "rare names": names(1 / np.arange(1.0, 200.0) ** 1.3),
}


def week(rng: np.random.Generator, draw: Draw, *, name: str, days: int = DAYS, shift: float = 0.0) -> list[Window]:
    """A series' windows of a day each, after a week of reference; `shift` is there on all days."""
    reference = Reference.of(draw(rng, CYCLE * 7, 0.0), cycle_hours=CYCLE)
    windows = []
    for day in range(7, 7 + days):
        parts = draw(rng, CYCLE, shift)
        current = {day * CYCLE + part: each for part, each in parts.items()}
        windows.append(Window(Series("agent", "1", "all", name), reference, current, (day + 1) * CYCLE))
    return windows


def replay(seed: int, *, series: int = 40) -> tuple[list[Window], Plan]:
    """A week of so many series of mixed measures, without drift."""
    rng, families = np.random.default_rng(seed), list(FAMILIES.items())
    windows = []
    for number in range(series):
        family, draw = families[number % len(families)]
        windows += week(rng, draw, name=f"{family} {number}")
    return windows, Plan(series, DAYS)
