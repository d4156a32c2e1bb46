"""Agents that probe where the limits are, told from agents that are merely busy.

`traits` counts what probing looks like. An agent's share of a trait is held against those of the other agents and,
where it has enough of a past, against its own: both must be exceeded. Shares of agents differ, so both are
beta-binomial, with the variation between the other agents.
"""

from typing import Final

import numpy as np
from scipy.special import betaincc, betaincinv, betaln

from services.insights.signals.alerts import FALSE_ALARMS, LEVEL, Alert, Ints, Watch, holm, ordered
from services.insights.signals.traits import Trait

MIN_CHANCES: Final = 20
"""Windows, refusals or calls among which a trait is counted, before an agent is judged."""
MIN_OTHERS: Final = 8
"""Other agents with as many, before an agent is judged."""
_CAUTION: Final = 1.645
_LARGE: Final = 5000


def probing(now: Trait, *, past: Trait, trait: int = 0, traits: int = 1, false_alarms: float = FALSE_ALARMS) -> Watch:
    """Agents whose share of a trait neither others nor their own past explain; alerts are about (agent, trait).

    `past` is of the same agents. `traits` is how many traits share the stated false alarms; with it, and `trait` as the
    index of this one in `traits.TRAITS`, the alerts of all three may be put together. `expected` is what the other
    agents would show, and the interval is that of the agent's share over theirs.

    Raises:
        ValueError: The agents are not the same, or more is shown than there are chances.
    """
    if not now.shown.shape == now.chances.shape == past.shown.shape == past.chances.shape:
        raise ValueError("give the same agents now and before")
    for each in (now, past):
        if (each.shown < 0).any() or (each.shown > each.chances).any():
            raise ValueError("no trait may be shown more often than there are chances, or less often than never")
    whole, told, too_few = now + past, [], 0
    for agent in np.flatnonzero(now.chances > 0).tolist():
        others = whole.chances >= MIN_CHANCES
        others[agent] = False
        if now.chances[agent] < MIN_CHANCES or others.sum() < MIN_OTHERS:
            too_few += 1
            continue
        rate, alike = _between(whole.shown[others], chances=whole.chances[others])
        k, n = int(now.shown[agent]), int(now.chances[agent])
        p_value = _tail(k, n=n, rate=rate, alike=alike)
        if past.chances[agent] >= MIN_CHANCES:
            own = (float(past.shown[agent]) + 1) / (float(past.chances[agent]) + 2)
            p_value = max(p_value, _tail(k, n=n, rate=own, alike=min(alike, float(past.chances[agent]) / 2)))
        told.append((p_value, agent, k, n, rate, alike, int(whole.chances[others].sum())))
    adjusted = np.minimum(1.0, holm(np.array([each[0] for each in told])) * traits)
    alerts = []
    for p_value, (_, agent, k, n, rate, alike, reference) in zip(adjusted.tolist(), told, strict=True):
        if p_value > false_alarms:
            continue
        tail = (1 - LEVEL) / 2
        a, b = _widened(n, rate=rate, alike=alike)
        least, most = (n * float(betaincinv(a, b, each)) for each in (tail, 1 - tail))
        alerts.append(
            Alert(
                signal="probing",
                about=(agent, trait),
                seen=k,
                expected=n * rate,
                ratio=k / (n * rate),
                low=k / most if most else np.inf,
                high=k / least if least else np.inf,
                sample=n,
                reference=reference,
                p_value=p_value,
                false_alarms=false_alarms,
            )
        )
    return Watch(alerts=ordered(alerts), tested=len(told), too_few=too_few)


def _between(shown: Ints, *, chances: Ints) -> tuple[float, float]:
    """The others' share, and how alike they are: the sum of the beta distribution's parameters, a lower limit.

    By moments, each agent counts the same (Kleinman 1973). The variance of J shares is known to a factor of about 1 +-
    sqrt(2 / (J - 1)), and is taken as that much larger.
    """
    shares = (shown + 0.5) / (chances + 1)
    rate, size = float(shares.mean()), shares.size
    variance = float(shares.var(ddof=1)) * (1 + _CAUTION * np.sqrt(2 / (size - 1)))
    by_chance = rate * (1 - rate) * float((1 / chances).mean())
    between = max(variance - by_chance, variance / 10, 1e-9) * (1 + 1 / size)
    return rate, max(rate * (1 - rate) / between - 1, 0.1)


def _tail(k: int, *, n: int, rate: float, alike: float) -> float:
    """P(K >= k): the beta-binomial distribution, and its smooth limit where n is large."""
    if n > _LARGE:
        a, b = _widened(n, rate=rate, alike=alike)
        return float(betaincc(a, b, max(k - 0.5, 0.0) / n))
    a, b, at = rate * alike, (1 - rate) * alike, np.arange(k, n + 1)
    choose = -np.log(n + 1) - betaln(at + 1, n - at + 1)
    return min(1.0, float(np.exp(choose + betaln(at + a, n - at + b) - betaln(a, b)).sum()))


def _widened(n: int, *, rate: float, alike: float) -> tuple[float, float]:
    """The beta distribution with the mean and the variance of a beta-binomial share of n."""
    size = n / (1 + (n - 1) / (alike + 1)) - 1
    return rate * max(size, 1e-3), (1 - rate) * max(size, 1e-3)
