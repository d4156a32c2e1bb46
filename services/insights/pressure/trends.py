"""Whether what people do rises with the pressure before it: between people who are alike, and within each person.

Both are score tests with the score log2(1 + contacts), so that somebody with thousands of contacts is a few steps above
the others and not all of the result. Between people it is the trend test of Cochran and Armitage, extended by Mantel
(1963) to strata, which are a segment at one look: neither a season nor what a segment is like makes a trend. But within
a segment those who like the brand may get more contacts and opt out less; then the trend between people is about who
they are, and may point the wrong way. Within people, each is only compared with themselves at earlier looks
(case-crossover: Maclure 1991), so whatever a person always is cannot matter. What a change of their life does to both
contacts and opt-outs remains.
"""

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from services.insights.pressure.intervals import Estimate
from services.insights.pressure.watching import Watch

LEAST_EVENTS: Final = 20
"""First events below which nothing is said of a trend."""


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """How the chance of an event rises with pressure."""

    ratio: Estimate
    """Odds of the event, for each doubling of 1 + contacts: above 1 they rise. One step from the score test (Peto), so
    right near 1 and too near to it for strong effects. Of `n` people with an event that tells something."""
    p_value: float
    """That it rises as much without any effect; one-sided."""


def between(watch: Watch, *, alpha: float, score: NDArray[np.float64] | None = None) -> Trend | None:
    """The trend over all looks and people but the holdout; None of too few events, or where all pressure is the same.

    `alpha` is one-sided: without any trend the ratio's `low` is above 1 with such a probability, at most. A `score`
    takes the place of log2(1 + contacts): people by looks, and known at each look.
    """
    rows, look = np.nonzero(watch.at_risk & ~watch.holdout[:, None])
    event = watch.event[rows, look].astype(np.float64)
    stratum, sizes = _strata(watch, rows, look)
    centred = (_score(watch) if score is None else score)[rows, look]
    centred -= (np.bincount(stratum, centred) / sizes)[stratum]
    chance = np.bincount(stratum, event) / sizes
    # Every event takes its person out, so what comes at a look is as independent of earlier ones as a draw: the
    # hypergeometric variance is right for everybody of a stratum alike. People who differ add to it: see `_trend`.
    spread = np.bincount(stratum, centred**2) / np.maximum(sizes - 1, 1)
    model = float((chance * (1 - chance) * sizes * spread).sum())
    own = np.bincount(rows, (event - chance[stratum]) * centred, minlength=len(watch.holdout)).astype(np.float64)
    return _trend(own, model=model, events=int(event.sum()), alpha=alpha)


def within(watch: Watch, *, alpha: float) -> Trend | None:
    """The trend within people, from those with an event and with looks before it; None where they are too few.

    A look counts by how far the person's score is from the mean of their segment at that look, so that more contacts
    for everybody, year by year or before a feast, are no trend.
    """
    treated = watch.at_risk & ~watch.holdout[:, None]
    rows, look = np.nonzero(treated)
    stratum, sizes = _strata(watch, rows, look)
    score = _score(watch)
    centred = np.zeros_like(score)
    centred[rows, look] = score[rows, look] - (np.bincount(stratum, score[rows, look]) / sizes)[stratum]
    cases = (watch.event & treated).any(axis=1)
    at_risk, event, centred = treated[cases], (watch.event & treated)[cases], centred[cases]
    looks = np.maximum(at_risk.sum(axis=1), 1)
    away = np.where(at_risk, centred - (centred.sum(axis=1) / looks)[:, None], 0.0)
    spread = (away**2).sum(axis=1) / looks
    return _trend(
        (away * event).sum(axis=1), model=float(spread.sum()), events=int((spread > 1e-12).sum()), alpha=alpha
    )


def _trend(own: NDArray[np.float64], *, model: float, events: int, alpha: float) -> Trend | None:
    """The test from what each person adds to the score.

    The variance is the larger of the model's and the sum of people's squares. The latter is right where a person's
    looks go together, as windows that overlap do, and too small by chance where events are few.
    """
    if events < LEAST_EVENTS or model <= 1e-12:
        return None
    error = math.sqrt(max(model, float((own**2).sum())))
    score = float(own.sum())
    freedom = events - 1
    reach = float(stdtrit(freedom, 1 - alpha)) * error
    return Trend(
        ratio=Estimate(
            value=_odds(score / model),
            low=_odds((score - reach) / model),
            high=_odds((score + reach) / model),
            level=1 - 2 * alpha,
            n=events,
        ),
        p_value=float(stdtr(freedom, -score / error)),
    )


def _score(watch: Watch) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = np.log2(1.0 + watch.pressure)
    return scores


def _strata(watch: Watch, rows: NDArray[np.intp], look: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The number of each row's stratum, and the rows of each stratum."""
    _, segment = np.unique(watch.segment, return_inverse=True)
    _, stratum, sizes = np.unique(
        segment[rows] * watch.at_risk.shape[1] + look, return_inverse=True, return_counts=True
    )
    return stratum, sizes


def _odds(logarithm: float) -> float:
    return math.exp(min(max(logarithm, -700.0), 700.0))
