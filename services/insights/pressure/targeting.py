"""Which segments are contacted too much, or never, compared with everybody else; and who or what brings that about.

*Too much* is a customer of a segment who had more contacts within any seven days than 95 % of all others had at most
(its `ceiling`); *never* is one who had none, though calls were about them. Shares of both are held against those of all
others: the ratio with its score interval (Koopman), and an exact test (Fisher), whose 5 % are parted over all segments
and both questions. So of tenants where segments do not matter about one in twenty has any segment that is told.

That the ceiling is taken from the others does not spoil the test: where nothing differs, how many of the segment come
above their k-th largest is what the test's own distribution says (the precedence test).
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.fairness.intervals import fisher, koopman
from services.insights.pressure.attribution import Sent, beyond
from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate, clustered_share, moved, share

WEEK_MS: Final = 7 * 86_400_000
ALPHA: Final = 0.05
NOBODY: Final = ""
"""In place of a refusal: no agent tried."""


class Seen(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The customers of a tenant in some weeks; people are numbered from 0."""

    people: int
    sent: Sent
    """Contacts that were made, each with its agent."""
    campaign: NDArray[np.int64]
    """Of each contact, a place in `campaigns`."""
    campaigns: tuple[str, ...]
    segments: Mapping[str, NDArray[np.int64]]
    """Who is in them."""
    refused: Mapping[str, NDArray[np.int64]]
    """By what refused, how many contacts of each customer it did."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What brings it about most."""

    name: str
    """An agent, or what refused; `NOBODY`: no agent tried."""
    campaign: str = ""
    """Of most of these contacts of the agent."""
    part: int
    """How many of `whole` are its doing: contacts beyond the ceiling, or customers who were never contacted."""
    whole: int
    share: Estimate | None
    """`part` of `whole`, at 95 % by itself; `None` of fewer than 30 customers."""


class Skew(msgspec.Struct, frozen=True, kw_only=True):
    """One segment by one question, against everybody else."""

    segment: str
    question: str
    """"much" or "never"."""
    events: int
    people: int
    other_events: int
    other_people: int
    ratio: float | None
    """How many times as often as among all others; `None` where none of those is."""
    low: float
    high: float | None
    """`None`: nothing is known of that side."""
    level: float
    p_value: float
    standing: str
    """"MORE", "LESS", "NOT_PROVEN"; or "TOO_FEW" people in it, or in all others."""
    ceiling: int
    """Contacts within seven days that 95 % of all others did not exceed."""
    cause: Cause | None
    """Of "MORE"."""


class Targeting(msgspec.Struct, frozen=True, kw_only=True):
    """All segments."""

    people: int
    skews: tuple[Skew, ...]


def targeting(seen: Seen, *, alpha: float = ALPHA) -> Targeting:
    """What can be said, the surest first."""
    most, own = _most_in_a_week(seen), alpha / max(1, 2 * len(seen.segments))
    skews: list[Skew] = []
    for name in sorted(seen.segments):
        inside = np.zeros(seen.people, dtype=np.bool_)
        inside[seen.segments[name]] = True
        ceiling = _ceiling(most[~inside])
        for question, events in (("much", most > ceiling), ("never", most == 0)):
            skews.append(_skew(seen, name, question, inside, events, ceiling=ceiling, alpha=own))
    skews.sort(key=lambda each: (_ORDER[each.standing], each.p_value, each.segment, each.question))
    return Targeting(people=seen.people, skews=tuple(skews))


_ORDER: Final = {"MORE": 0, "LESS": 1, "NOT_PROVEN": 2, "TOO_FEW": 3}


def _most_in_a_week(seen: Seen) -> NDArray[np.int64]:
    """By customer, the most contacts within any seven days."""
    person, at_ms = seen.sent.moments.person, seen.sent.moments.at_ms
    found = np.zeros(seen.people, dtype=np.int64)
    if not person.size:
        return found
    order = np.lexsort((at_ms, person))
    person, at_ms = person[order], at_ms[order]
    start = int(at_ms.min())
    line = person * (int(at_ms.max()) - start + 2 * WEEK_MS) + (at_ms - start)
    counts = np.arange(line.size) - np.searchsorted(line, line - WEEK_MS, side="right") + 1
    np.maximum.at(found, person, counts)
    return found


def _ceiling(most: NDArray[np.int64]) -> int:
    return max(1, int(np.quantile(most, 0.95, method="inverted_cdf"))) if most.size else 1


def _skew(
    seen: Seen,
    segment: str,
    question: str,
    inside: NDArray[np.bool_],
    events: NDArray[np.bool_],
    *,
    ceiling: int,
    alpha: float,
) -> Skew:
    x, n = int((events & inside).sum()), int(inside.sum())
    x0, n0 = int((events & ~inside).sum()), int((~inside).sum())
    few = min(n, n0) < LEAST_PEOPLE
    counts = tuple(np.array([float(each)]) for each in (x, n, x0, n0))
    p_value = 1.0 if few else float(fisher(*counts)[0])
    low, high = (0.0, np.inf) if few else (float(each[0]) for each in koopman(*counts, alpha=np.array([alpha])))
    more = n > 0 and n0 > 0 and x / n > x0 / n0
    standing = "TOO_FEW" if few else "NOT_PROVEN" if p_value > alpha else "MORE" if more else "LESS"
    cause = None
    if standing == "MORE":
        cause = _senders(seen, inside & events, ceiling) if question == "much" else _refusals(seen, inside & events)
    return Skew(
        segment=segment,
        question=question,
        events=x,
        people=n,
        other_events=x0,
        other_people=n0,
        ratio=None if few or not x0 else (x / n) / (x0 / n0),
        low=low,
        high=float(high) if np.isfinite(high) else None,
        level=1 - alpha,
        p_value=p_value,
        standing=standing,
        ceiling=ceiling,
        cause=cause,
    )


def _senders(seen: Seen, who: NDArray[np.bool_], ceiling: int) -> Cause | None:
    """The agent of most contacts that came on top of the ceiling, of these customers."""
    sent = seen.sent
    its = beyond(sent, allowed=ceiling, window_ms=WEEK_MS) & who[sent.moments.person]
    if not its.any():
        return None
    agent = int(np.bincount(sent.by[its], minlength=len(sent.names)).argmax())
    own = its & (sent.by == agent)
    campaign = int(np.bincount(seen.campaign[own], minlength=len(seen.campaigns)).argmax())
    all_, part = (np.bincount(sent.moments.person[each], minlength=seen.people)[who] for each in (its, own))
    value = float(own.sum() / its.sum())
    moves = moved(part.astype(np.float64), all_.astype(np.float64))
    return Cause(
        name=sent.names[agent],
        campaign=seen.campaigns[campaign],
        part=int(own.sum()),
        whole=int(its.sum()),
        share=clustered_share(value, variance=float((moves**2).sum()), units=int((all_ > 0).sum()), alpha=ALPHA),
    )


def _refusals(seen: Seen, who: NDArray[np.bool_]) -> Cause:
    """What refused most of these customers, each counted by what refused them most often."""
    names, whole = (*sorted(seen.refused), NOBODY), int(who.sum())
    table = np.stack([*(seen.refused[name][who] for name in names[:-1]), np.zeros(whole, dtype=np.int64)])
    firsts = np.where(table.sum(axis=0) > 0, table.argmax(axis=0), len(names) - 1)
    counts = np.bincount(firsts, minlength=len(names))
    top = int(counts.argmax())
    found = share(float(counts[top]), float(whole), alpha=ALPHA) if whole >= LEAST_PEOPLE else None
    return Cause(name=names[top], part=int(counts[top]), whole=whole, share=found)
