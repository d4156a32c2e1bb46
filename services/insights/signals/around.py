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
from services.insights.signals.following import Calls, first_calls, neighbours, sorted_calls

MIN_PAIRS: Final = 8
"""Refusals that the other agent came after, or before, but not both, before a pair of agents is judged."""
MOST_SHOWN: Final = 100
"""Pairs of decisions told of one alert, the first in time."""


class Arounds(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; alerts "around" are about (refused agent, other agent)."""

    watch: Watch
    evidence: tuple[tuple[tuple[int, int], ...], ...] = ()
    """For each alert the rows of refusals and of the successes after them."""


class _Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two agents, of whom the first was refused."""

    p_value: float
    agents: tuple[int, int]
    later: int
    """Refusals that the other came after but not before."""
    earlier: int
    refusals: int
    controls: int
    """The first agent's own successes."""
    evidence: tuple[tuple[int, int], ...]


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
    calls = sorted_calls(columns, kept & yes)
    refusals = first_calls(sorted_calls(columns, kept & no), within_ms)
    if not (refusals.rows.size and calls.rows.size):
        return Arounds(watch=Watch(too_few=int(np.unique(refusals.agents).size)))
    pairs, too_few = _judged(refusals, calls, within_ms=within_ms)
    adjusted = holm(np.array([each.p_value for each in pairs]))
    found = {
        _alert(pair, p_value=p_value, false_alarms=false_alarms): pair.evidence
        for pair, p_value in zip(pairs, adjusted.tolist(), strict=True)
        if p_value <= false_alarms
    }
    alerts = ordered(list(found))
    return Arounds(
        watch=Watch(alerts=alerts, tested=len(pairs), too_few=too_few), evidence=tuple(found[each] for each in alerts)
    )


def _judged(refusals: Calls, calls: Calls, *, within_ms: int) -> tuple[list[_Pair], int]:
    """Each pair of agents with enough refusals that tell, and how many have too few."""
    controls = first_calls(calls, within_ms)
    after, before = (neighbours(refusals, calls, within_ms=within_ms, later=later) for later in (True, False))
    follows = neighbours(controls, calls, within_ms=within_ms, later=True)
    other_after, other_before, other_follows = (
        np.where(each < 0, -1, calls.agents[each]) for each in (after, before, follows)
    )
    found, too_few, owned = [], 0, _by_agent(controls.agents)
    for one, mine in _by_agent(refusals.agents).items():
        own = owned.get(one, mine[:0])
        others = np.concatenate([other_after[mine], other_before[mine]])
        for other in np.unique(others[others >= 0]).tolist():
            came, was = other_after[mine] == other, other_before[mine] == other
            later, earlier = int((came & ~was).sum()), int((was & ~came).sum())
            if later + earlier < MIN_PAIRS:
                too_few += 1
                continue
            by_time = float(bdtrc(later - 1, later + earlier, 0.5)) if later else 1.0
            by_success = _mantel_haenszel(
                refusals.things[mine], came, controls=controls.things[own], hits=other_follows[own] == other
            )
            first = mine[came][np.argsort(refusals.times[mine[came]], kind="stable")][:MOST_SHOWN]
            rows = zip(refusals.rows[first].tolist(), calls.rows[after[first]].tolist(), strict=True)
            found.append(
                _Pair(
                    p_value=max(by_time, by_success),
                    agents=(one, other),
                    later=later,
                    earlier=earlier,
                    refusals=mine.size,
                    controls=own.size,
                    evidence=tuple(rows),
                )
            )
    return found, too_few


def _alert(pair: _Pair, *, p_value: float, false_alarms: float) -> Alert:
    low, high = _ratio(pair.later, pair.earlier)
    return Alert(
        signal="around",
        about=pair.agents,
        seen=pair.later,
        expected=pair.earlier,
        ratio=pair.later / pair.earlier if pair.earlier else np.inf,
        low=low,
        high=high,
        sample=pair.refusals,
        reference=pair.controls,
        p_value=p_value,
        false_alarms=false_alarms,
    )


def _by_agent(agents: Ints) -> dict[int, Ints]:
    """The places of each agent's calls."""
    order = np.argsort(agents, kind="stable")
    names, first = np.unique(agents[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, first[1:]), strict=True)) if names.size else {}


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
