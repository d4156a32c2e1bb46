"""Rules that have stopped matching, and rules that suddenly match much more.

A rule matches a share of the calls it is bound to. From the calls of a period, such as a day, and the share of earlier
periods follows how many matches to expect; `counts` says with which distribution. Both directions are tested.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from services.insights.signals.alerts import FALSE_ALARMS, Alert, Floats, Watch, holm, ordered
from services.insights.signals.counts import Past, by_logarithms, ratio_interval

MIN_PERIODS: Final = 7
"""Earlier periods with calls before anything is said of a rule."""
MIN_EXPECTED: Final = 10.0
"""Matches that must be expected before silence means anything; of more matches, how many there must be."""


def silence(
    matches: ArrayLike,
    calls: ArrayLike,
    *,
    past_matches: ArrayLike,
    past_calls: ArrayLike,
    false_alarms: float = FALSE_ALARMS,
) -> Watch:
    """Compare each rule's matches in this period with its past; alerts "silence" and "surge" are about (rule,).

    `matches` and `calls` are by rule, those of the past by rule and period, of about this period's length. Only calls
    that the rule was bound to count. Too few are so by the negative binomial distribution, too many also by a
    log-normal one: simulated for Poisson counts, and for days that differ by log-normal factors with deviations of 0.3
    and 0.6.

    Raises:
        ValueError: Counts are negative or not finite, or the shapes differ.
    """
    seen, among = np.asarray(matches, dtype=np.float64), np.asarray(calls, dtype=np.float64)
    past = Past.of(past_matches, exposure=past_calls)
    if seen.ndim != 1 or not seen.shape == among.shape == past.events.shape:
        raise ValueError("give matches and calls by rule, and the past of the same rules")
    if not (np.isfinite(seen).all() and np.isfinite(among).all() and (seen >= 0).all() and (among >= 0).all()):
        raise ValueError("counts must be finite and not negative")
    fewest, most = past.expected(among, extra=0.0), past.expected(among)
    known = ((np.asarray(past_calls) > 0).sum(axis=1) >= MIN_PERIODS) & (among > 0)
    low = np.where(known & (fewest.mean >= MIN_EXPECTED), fewest.at_most(seen), np.nan)
    too_many = np.maximum(most.at_least(seen), _too_many(seen, among, past_matches=past_matches, past_calls=past_calls))
    high = np.where(known & (np.maximum(seen, most.mean) >= MIN_EXPECTED), too_many, np.nan)
    p_values = np.concatenate([low, high])
    told = ~np.isnan(p_values)
    adjusted = np.ones_like(p_values)
    adjusted[told] = holm(p_values[told])
    alerts = []
    for at in np.flatnonzero(told & (adjusted <= false_alarms)).tolist():
        rule, side = at % seen.size, fewest if at < seen.size else most
        mean = float(side.mean[rule])
        ratio, least, greatest = ratio_interval(float(seen[rule]), expected=mean, shape=float(side.shape[rule]))
        alerts.append(
            Alert(
                signal="silence" if at < seen.size else "surge",
                about=(rule,),
                seen=float(seen[rule]),
                expected=mean,
                ratio=ratio,
                low=least,
                high=greatest,
                sample=int(among[rule]),
                reference=int(past.exposure[rule]),
                p_value=float(adjusted[at]),
                false_alarms=false_alarms,
            )
        )
    judged = told.reshape(2, -1).any(axis=0)
    return Watch(alerts=ordered(alerts), tested=int(told.sum()), too_few=int((~judged).sum()))


def _too_many(seen: Floats, among: Floats, *, past_matches: ArrayLike, past_calls: ArrayLike) -> Floats:
    """P-values of the shares' logarithms; an event is added to each count, as some periods have none."""
    before = (np.asarray(past_matches, dtype=np.float64) + 1) / np.maximum(np.asarray(past_calls, dtype=np.float64), 1)
    before = np.where(np.asarray(past_calls) > 0, before, 0.0)
    found: Floats = by_logarithms(((seen + 1) / np.maximum(among, 1))[:, None], before)[:, 0]
    return found
