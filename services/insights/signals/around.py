"""A refusal followed by a success of the same thing through another agent: one that goes around the rules.

Agents that share customers follow each other all the time, so the product of their rates is no measure of chance. Two
things are, and a pair of agents must be beyond both:

- The time before. Without a detour the other agent is as likely to have succeeded before the refusal as after it: of
  refusals with the one but not the other, half have it after (McNemar's exact test). Customers that a cap protects have
  more before.
- The agent's own successes. Where one agent always comes after the other, by schedule, it comes after those as well.
  How often the other succeeds after a refusal is held against that, thing by thing (Mantel, Haenszel 1959).
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtrc, betaincinv, ndtr

from services.insights.signals.alerts import FALSE_ALARMS, LEVEL, Alert, Bools, Floats, Ints, Watch, holm, ordered

MIN_PAIRS: Final = 8
"""Refusals that the other agent came after, or before, but not both, before a pair of agents is judged."""
MOST_SHOWN: Final = 100
"""Pairs of decisions told of one alert, the first in time."""


class Arounds(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; alerts "around" are about (refused agent, other agent)."""

    watch: Watch
    evidence: tuple[tuple[tuple[int, int], ...], ...] = ()
    """For each alert the rows of refusals and of the successes after them."""


class _Calls(msgspec.Struct, frozen=True, kw_only=True):
    """Calls sorted by key (subject and thing), time and agent."""

    rows: Ints
    keys: Ints
    times: Ints
    agents: Ints
    things: Ints

    def pick(self, wanted: Bools | Ints) -> "_Calls":
        return _Calls(**{name: getattr(self, name)[wanted] for name in self.__struct_fields__})


def around(
    times_ms: ArrayLike,
    *,
    agents: ArrayLike,
    subjects: ArrayLike,
    things: ArrayLike,
    refused: ArrayLike,
    succeeded: ArrayLike,
    within_ms: int,
    false_alarms: float = FALSE_ALARMS,
) -> Arounds:
    """Find pairs of agents of whom the second does what the first was refused, within `within_ms` after it.

    One row a call, in any order; all are codes, `things` those of methods or operations. Calls without a subject, or
    with any code below 0, are left out. Of refusals of one agent, subject and thing less than `within_ms` apart only
    the first counts. Per refusal the first success of another agent counts, and the last one before.

    Raises:
        ValueError: The columns are not equally long, or `within_ms` is not above 0.
    """
    if within_ms <= 0:
        raise ValueError("within_ms must be above 0")
    columns = [np.asarray(each, dtype=np.int64) for each in (times_ms, agents, subjects, things)]
    no, yes = np.asarray(refused, dtype=bool), np.asarray(succeeded, dtype=bool)
    if len({each.shape for each in (*columns, no, yes)}) != 1 or no.ndim != 1:
        raise ValueError("give each call a time, an agent, a subject, a thing, and whether it was refused or succeeded")
    kept = (columns[1] >= 0) & (columns[2] >= 0) & (columns[3] >= 0)
    calls = _sorted(columns, kept & yes)
    refusals = _first(_sorted(columns, kept & no), within_ms)
    controls = _first(calls, within_ms)
    if not (refusals.rows.size and calls.rows.size):
        return Arounds(watch=Watch(too_few=int(np.unique(refusals.agents).size)))
    after, before = (_neighbours(refusals, calls, within_ms=within_ms, later=later) for later in (True, False))
    follows = _neighbours(controls, calls, within_ms=within_ms, later=True)
    other_after, other_before = (np.where(each < 0, -1, calls.agents[each]) for each in (after, before))
    other_follows = np.where(follows < 0, -1, calls.agents[follows])
    told, tested, too_few = [], 0, 0
    for one, other in _pairs(refusals.agents, other_after, other_before):
        mine = refusals.agents == one
        came, was = mine & (other_after == other), mine & (other_before == other)
        later, earlier = int((came & ~was).sum()), int((was & ~came).sum())
        if later + earlier < MIN_PAIRS:
            too_few += 1
            continue
        tested += 1
        own = controls.agents == one
        by_time = float(bdtrc(later - 1, later + earlier, 0.5)) if later else 1.0
        by_success = _mantel_haenszel(
            refusals.things[mine], came[mine], controls=controls.things[own], hits=other_follows[own] == other
        )
        told.append((max(by_time, by_success), one, other, later, earlier, int(mine.sum()), int(own.sum()), came))
    adjusted = holm(np.array([each[0] for each in told]))
    alerts: dict[Alert, tuple[tuple[int, int], ...]] = {}
    for p_value, (_, one, other, later, earlier, sample, reference, came) in zip(adjusted.tolist(), told, strict=True):
        if p_value > false_alarms:
            continue
        low, high = _ratio(later, earlier)
        alert = Alert(
            signal="around",
            about=(one, other),
            seen=later,
            expected=earlier,
            ratio=later / earlier if earlier else np.inf,
            low=low,
            high=high,
            sample=sample,
            reference=reference,
            p_value=p_value,
            false_alarms=false_alarms,
        )
        first = np.flatnonzero(came)
        first = first[np.argsort(refusals.times[first], kind="stable")][:MOST_SHOWN]
        alerts[alert] = tuple(zip(refusals.rows[first].tolist(), calls.rows[after[first]].tolist(), strict=True))
    found = ordered(list(alerts))
    return Arounds(
        watch=Watch(alerts=found, tested=tested, too_few=too_few), evidence=tuple(alerts[each] for each in found)
    )


def _sorted(columns: list[Ints], wanted: Bools) -> _Calls:
    rows = np.flatnonzero(wanted)
    times, agents, subjects, things = (each[rows] for each in columns)
    keys = subjects * (int(columns[3].max(initial=0)) + 1) + things
    calls = _Calls(rows=rows, keys=keys, times=times, agents=agents, things=things)
    return calls.pick(np.lexsort((agents, times, keys)))


def _first(calls: _Calls, within_ms: int) -> _Calls:
    """Calls whose agent has made none of the same key within the time before."""
    order = np.lexsort((calls.times, calls.agents, calls.keys))
    keys, agents, times = calls.keys[order], calls.agents[order], calls.times[order]
    first = np.ones(order.size, dtype=bool)
    first[1:] = (keys[1:] != keys[:-1]) | (agents[1:] != agents[:-1]) | (times[1:] - times[:-1] > within_ms)
    return calls.pick(np.sort(order[first]))


def _neighbours(origins: _Calls, calls: _Calls, *, within_ms: int, later: bool) -> Ints:
    """Of each origin the index of the next call of its key by another agent, or of the last one before it; -1: none.

    Calls of one agent in a row are skipped in one step, so that no origin looks at more than two calls.
    """
    start = min(int(origins.times.min()), int(calls.times.min()))
    span = max(int(origins.times.max()), int(calls.times.max())) - start + 2
    _, ranks = np.unique(np.concatenate([calls.keys, origins.keys]), return_inverse=True)
    size = calls.keys.size
    places = ranks[:size] * span + (calls.times - start)
    wanted = ranks[size:] * span + (origins.times - start)
    change = np.ones(size + 1, dtype=bool)
    change[1:-1] = (calls.keys[1:] != calls.keys[:-1]) | (calls.agents[1:] != calls.agents[:-1])
    edges = np.flatnonzero(change)
    run = np.cumsum(change[:-1]) - 1
    if later:
        at = np.searchsorted(places, wanted, side="right")
        beyond = edges[run[np.minimum(at, size - 1)] + 1]
    else:
        at = np.searchsorted(places, wanted, side="left") - 1
        beyond = edges[run[np.maximum(at, 0)]] - 1
    inside = (at >= 0) & (at < size)
    own = inside & (calls.agents[np.clip(at, 0, size - 1)] == origins.agents)
    at = np.where(own, beyond, at)
    there = np.clip(at, 0, size - 1)
    near = np.abs(calls.times[there] - origins.times) <= within_ms
    good = inside & (at >= 0) & (at < size) & (calls.keys[there] == origins.keys) & near
    return np.where(good, at, -1)


def _pairs(agents: Ints, *others: Ints) -> list[tuple[int, int]]:
    """Ordered pairs that occur, each once."""
    rows = [np.stack([agents, each], axis=1)[each >= 0] for each in others]
    return [(one, other) for one, other in np.unique(np.concatenate(rows), axis=0).tolist()]


def _mantel_haenszel(things: Ints, came: Bools, *, controls: Ints, hits: Bools) -> float:
    """P(as many came after refusals), were that as likely as after the agent's own successes of the same thing."""
    size = max(int(things.max(initial=0)), int(controls.max(initial=0))) + 1
    n, c = (np.bincount(each, minlength=size).astype(np.float64) for each in (things, controls))
    x, y = (np.bincount(each, minlength=size).astype(np.float64) for each in (things[came], controls[hits]))
    total = np.maximum(n + c, 2.0)
    expected: Floats = n * (x + y) / total
    variance = n * c * (x + y) * (total - x - y) / (total**2 * (total - 1))
    if not variance.sum() > 0:
        return 1.0
    return float(ndtr(-(x.sum() - expected.sum() - 0.5) / np.sqrt(variance.sum())))


def _ratio(later: int, earlier: int) -> tuple[float, float]:
    """Interval of later over earlier, from that of later among both by Clopper and Pearson."""
    tail = (1 - LEVEL) / 2
    low = float(betaincinv(later, earlier + 1, tail)) if later else 0.0
    high = float(betaincinv(later + 1, earlier, 1 - tail)) if earlier else 1.0
    return low / (1 - low), high / (1 - high) if high < 1 else np.inf
