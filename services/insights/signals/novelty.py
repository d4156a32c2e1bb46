"""Values never seen before, in a field that has few: a new one is a signal, one more of a long tail is not.

Where nothing has changed, calls of this period and of before are exchangeable. Of a value that occurs c times in all,
each occurrence is then in this period with the chance q = m / (n + m), so all of them are with at most q^c. So by
chance there are at most sum V(c') q^c' values (over c' >= c, with V(c') values that occur c' times) that are new and
occur so often: that bounds the p-value, exactly and without a model. A field with a long tail has many values that
occur once or twice, and nothing follows from new ones; in a field with few values a new one is told by its second or
third call. How often a call should bring a value never seen is told beside it: f1 / n (Good 1953), with f1 the values
that occurred once before.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, hypergeom

from services.insights.signals.alerts import FALSE_ALARMS, LEVEL, Alert, Floats, Ints, Watch, ordered

MIN_REFERENCE: Final = 200
"""Calls of before, with a value, before a value can be new."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """How often each value of one field occurred, by its code. Counts add up, where the codes are the same.

    Occurrences must not come in bunches: count a value once for each subject, not for each of a subject's calls.
    """

    before: ArrayLike
    """By period and value: at least one period. A value that never occurred has 0."""
    now: ArrayLike
    """By value, this period."""


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """How often a call brings a value never seen, by chance."""

    rate: float
    """Good-Turing: values that occurred once, over calls; from 0 to 1."""
    low: float
    high: float
    """Interval of the rate, by Clopper and Pearson."""
    calls: int


def tail(counts: ArrayLike) -> Tail:
    """The rate of new values after calls with these counts by value; from 0 to 1 without any."""
    seen = _counts(counts)
    once, calls = int((seen == 1).sum()), int(seen.sum())
    if not calls:
        return Tail(rate=1.0, low=0.0, high=1.0, calls=0)
    interval = binomtest(once, calls).proportion_ci(LEVEL)
    return Tail(rate=once / calls, low=float(interval.low), high=float(interval.high), calls=calls)


def novelty(fields: Sequence[Field], *, false_alarms: float = FALSE_ALARMS) -> Watch:
    """Find new values; alerts "novelty" are about (field, value), or (field, -1) for many that occur once.

    `expected` is how many of the calls should have a value never seen. A field that brought new values by itself
    before, in at least two of its periods and more than one in five, is not judged: names of campaigns are such.

    Raises:
        ValueError: Counts are negative or not finite, or a field's shapes differ.
    """
    found: list[tuple[float, int, int, int, Ints, Ints]] = []
    too_few = 0
    for number, field in enumerate(fields):
        before, now = np.atleast_2d(_counts(field.before)), _counts(field.now)
        if before.ndim != 2 or before.shape[1:] != now.shape:
            raise ValueError("give counts by period and value, and now by value")
        known = before.sum(axis=0)
        if known.sum() < MIN_REFERENCE or not now.sum() or _brings_new_values(before, false_alarms):
            too_few += 1
            continue
        found.extend((p_value, number, value, seen, known, now) for p_value, value, seen in _new_values(known, now))
    tested = 2 * (len(fields) - too_few)
    alerts = []
    for once, number, value, seen, known, now in found:
        p_value = min(1.0, once * tested)
        if p_value > false_alarms:
            continue
        chance, calls = tail(known), int(now.sum())
        expected = chance.rate * calls
        alerts.append(
            Alert(
                signal="novelty",
                about=(number, value),
                seen=seen,
                expected=expected,
                ratio=seen / expected if expected else np.inf,
                low=seen / (chance.high * calls),
                high=seen / (chance.low * calls) if chance.low else np.inf,
                sample=calls,
                reference=chance.calls,
                p_value=p_value,
                false_alarms=false_alarms,
            )
        )
    return Watch(alerts=ordered(alerts), tested=tested, too_few=too_few)


def _new_values(known: Ints, now: Ints) -> list[tuple[float, int, int]]:
    """P-value, value and count of each new value that tells something, and of those that occur once together as -1.

    The p-value of a single value bounds the whole family of a field's values, so there are two tests a field.
    """
    n, m, total = int(known.sum()), int(now.sum()), known + now
    share = m / (n + m)
    sizes, values = np.unique(total[total > 0], return_counts=True)
    bound: Floats = np.cumsum((values * share**sizes)[::-1])[::-1]
    new = np.flatnonzero((known == 0) & (now > 0))
    p_values = np.minimum(1.0, bound[np.searchsorted(sizes, now[new])])
    told = [(p_value, value, int(now[value])) for p_value, value in zip(p_values.tolist(), new.tolist(), strict=True)]
    once, fresh = int((total == 1).sum()), int((now[new] == 1).sum())
    told.append((float(hypergeom.sf(fresh - 1, n + m, once, m)), -1, fresh))
    return told


def _brings_new_values(before: Ints, false_alarms: float) -> bool:
    """Whether new values are how the field always was: each period against all before it."""
    judged = surprising = 0
    for period in range(1, before.shape[0]):
        known = before[:period].sum(axis=0)
        if known.sum() >= MIN_REFERENCE and before[period].sum():
            judged += 1
            surprising += any(each[0] <= false_alarms / 2 for each in _new_values(known, before[period]))
    return surprising >= 2 and surprising > judged / 5


def _counts(counts: ArrayLike) -> Ints:
    seen = np.asarray(counts, dtype=np.float64)
    if not (np.isfinite(seen).all() and (seen >= 0).all()):
        raise ValueError("counts must be finite and not negative")
    return seen.astype(np.int64)
