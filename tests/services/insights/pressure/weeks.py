"""Simulated people who are contacted week by week, drawn from seeds: always the same."""

import numpy as np
from numpy.typing import NDArray

from services.insights.pressure.watching import Watch

Values = NDArray[np.float64]


def followed(
    rng: np.random.Generator,
    *,
    mean: Values,
    hazard: Values,
    fatigue: float = 1.0,
    doubling: float = 1.0,
) -> Watch:
    """People who get Poisson contacts of a `mean` (people by weeks), and leave with a `hazard` in the week after.

    More than 3 contacts multiply the hazard by `fatigue`, each doubling of 1 + contacts multiplies the odds by
    `doubling`. A tenth of people are the holdout and get no contacts.
    """
    people = len(mean)
    held = rng.random(people) < 0.1
    pressure = rng.poisson(mean) * ~held[:, None]
    odds = hazard / (1 - hazard) * np.where(pressure > 3, fatigue, 1.0) * doubling ** np.log2(1 + pressure)
    happens = rng.random(mean.shape) < odds / (1 + odds)
    before: NDArray[np.int64] = np.cumsum(happens, axis=1) - happens
    return Watch(
        pressure=pressure,
        at_risk=before == 0,
        event=happens & (before == 0),
        holdout=held,
        segment=np.zeros(people, dtype=np.int64),
    )


def alike(
    rng: np.random.Generator, people: int, *, weeks: int, hazard: float, fatigue: float = 1.0, doubling: float = 1.0
) -> Watch:
    """People who all leave alike; contacts differ by person, and by week."""
    mean = rng.gamma(2.0, 1.25, (people, 1)) * np.ones(weeks)
    return followed(rng, mean=mean, hazard=np.full(mean.shape, hazard), fatigue=fatigue, doubling=doubling)


def fans(rng: np.random.Generator, people: int, *, weeks: int, hazard: float, fatigue: float = 1.0) -> Watch:
    """Who likes the brand gets up to six times the contacts, and leaves up to twenty times less often."""
    liking = rng.random((people, 1))
    mean = (1 + 5 * liking) * np.ones(weeks)
    return followed(rng, mean=mean, hazard=hazard * np.exp(-3 * liking) * np.ones(weeks), fatigue=fatigue)


def seasons(rng: np.random.Generator, people: int, *, weeks: int, hazard: float, fatigue: float = 1.0) -> Watch:
    """Contacts and leaving both become four times as many over the weeks, for everybody."""
    rise = np.linspace(1, 4, weeks)
    mean = rng.gamma(4.0, 0.25, (people, 1)) * rise
    return followed(rng, mean=mean, hazard=hazard * rise * np.ones((people, 1)), fatigue=fatigue)
