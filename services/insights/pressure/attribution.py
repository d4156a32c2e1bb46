"""Which agents, or channels, add the pressure: whose contacts come on top of what a person already has.

Whoever sends last is to blame for what goes beyond, so these shares speak of order and amount. `shapley` beside them
speaks of amount alone.
"""

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate, clustered_share, moved
from services.insights.pressure.watching import Moments

LEAST_SENT_TO: Final = 100
"""People a sender must have written to for `Adding.more`: of 30, too often none of those with most contacts is one."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts, an entry each, in any order."""

    moments: Moments
    by: NDArray[np.int64]
    """Who sent it, or through which channel: a place in `names`."""
    names: tuple[str, ...]

    @classmethod
    def of(cls, moments: Moments, by: ArrayLike, names: tuple[str, ...]) -> "Sent":
        """Take contacts of known senders only.

        Raises:
            ValueError: `by` has not one place in `names` for each moment, or a name comes twice.
        """
        places = np.asarray(by) if np.size(by) else np.zeros(0, dtype=np.int64)
        if places.shape != moments.person.shape or places.dtype.kind not in "iu":
            raise ValueError("give each contact one sender, as a whole number")
        if places.size and not (places.min() >= 0 and places.max() < len(names)):
            raise ValueError("a contact has a sender who is not among the names")
        if len(set(names)) < len(names):
            raise ValueError("give each sender one name")
        return cls(moments=moments, by=places.astype(np.int64), names=names)


class Adding(msgspec.Struct, frozen=True, kw_only=True):
    """What one sender adds. The intervals of all senders hold together; None of contacts beyond for too few people."""

    name: str
    contacts: int
    beyond: int
    """Those that came on top of as many as a person may have."""
    of_contacts: Estimate | None
    """Share of all contacts."""
    of_beyond: Estimate | None
    """Share of all those that came on top."""
    more: Estimate | None
    """`of_beyond` less `of_contacts`: above 0 where the sender adds more of the pressure than of the contacts. None of
    a sender who wrote to fewer than `LEAST_SENT_TO` people, too."""
    false_alarms: float
    """Where who sends has nothing to do with what a person has had, at most such a share of periods has a sender whose
    `more` is wholly above or below 0."""


def beyond(sent: Sent, *, allowed: int, window_ms: int) -> NDArray[np.bool_]:
    """Which contacts are a person's (`allowed` + 1)-th or later within the window that ends with them.

    `allowed` is 0 or more, the window longer than 0. Of contacts in the same millisecond, the sender who comes first in
    `names` counts as first.

    Raises:
        ValueError: `allowed` is below 0 or the window is empty.
    """
    if allowed < 0 or window_ms <= 0:
        raise ValueError("a person may have 0 contacts or more, in a window longer than 0 ms")
    person, at_ms = sent.moments.person, sent.moments.at_ms
    found = np.ones(person.size, dtype=bool)
    if allowed == 0:
        return found
    order = np.lexsort((sent.by, at_ms, person))
    person, at_ms = person[order], at_ms[order]
    found[order[:allowed]] = False
    found[order[allowed:]] = (person[allowed:] == person[:-allowed]) & (at_ms[allowed:] - at_ms[:-allowed] < window_ms)
    return found


def adding(
    sent: Sent, *, allowed: int, window_ms: int, alpha: float = 0.05, since_ms: int | None = None
) -> tuple[Adding, ...]:
    """What each sender adds, in the order of the names.

    Contacts of one person go together, so the variances are taken over people (jackknife) and nothing is said
    where fewer than `LEAST_PEOPLE` have contacts beyond. Each interval has the level 1 - `alpha` / senders
    (Bonferroni). With `since_ms` contacts from then on count; what was before says only which of them are beyond.

    Raises:
        ValueError: `allowed` is below 0 or the window is empty.
    """
    too_many = beyond(sent, allowed=allowed, window_ms=window_ms).astype(np.float64)
    person, sender = sent.moments.person, sent.by
    if since_ms is not None:
        late = sent.moments.at_ms >= since_ms
        person, sender, too_many = person[late], sender[late], too_many[late]
    people, who = np.unique(person, return_inverse=True)
    totals = (
        np.bincount(who, minlength=people.size).astype(np.float64),
        np.bincount(who, too_many, people.size).astype(np.float64),
    )
    pairs, pair = np.unique(who * max(1, len(sent.names)) + sender, return_inverse=True)
    counts = (
        np.bincount(pair, minlength=pairs.size).astype(np.float64),
        np.bincount(pair, too_many, pairs.size).astype(np.float64),
    )
    of_person, by = np.divmod(pairs, max(1, len(sent.names)))
    own = alpha / max(1, len(sent.names))
    return tuple(
        _adding(
            name,
            counts=(counts[0][by == place], counts[1][by == place]),
            of_person=of_person[by == place],
            totals=totals,
            alphas=(own, alpha),
        )
        for place, name in enumerate(sent.names)
    )


_Both = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of all contacts, and of those beyond."""


def _adding(
    name: str, *, counts: _Both, of_person: NDArray[np.int64], totals: _Both, alphas: tuple[float, float]
) -> Adding:
    """`counts` are the sender's, for each of the people `of_person` that it sent to; `totals` those of everybody."""
    own, alpha = alphas
    sums, amounts = [float(each.sum()) for each in counts], [float(each.sum()) for each in totals]
    units = [int((each > 0).sum()) for each in totals]
    enough = units[1] >= LEAST_PEOPLE and of_person.size >= LEAST_SENT_TO
    values = [part / whole if whole else 0.0 for part, whole in zip(sums, amounts, strict=True)]
    moves = [
        moved(np.bincount(of_person, part, minlength=all_.size).astype(np.float64), all_)
        for part, all_ in zip(counts, totals, strict=True)
    ]
    shares = [
        clustered_share(value, variance=float((move**2).sum()), units=unit, alpha=own)
        for value, move, unit in zip(values, moves, units, strict=True)
    ]
    more, reach = values[1] - values[0], _reach(moves[1] - moves[0], alpha=own)
    return Adding(
        name=name,
        contacts=int(sums[0]),
        beyond=int(sums[1]),
        of_contacts=shares[0],
        of_beyond=shares[1],
        more=Estimate(value=more, low=more - reach, high=more + reach, level=1 - own, n=units[1]) if enough else None,
        false_alarms=alpha,
    )


def _reach(moves: NDArray[np.float64], *, alpha: float) -> float:
    """Half of the width of an interval for a sum of what people move.

    A few people with most of the contacts make the variance uncertain: Student's distribution takes as many degrees of
    freedom as a variance has that is known as badly (Satterthwaite), by the kurtosis of the moves.
    """
    squares = moves**2
    variance = float(squares.sum())
    if not variance > 0:
        return 0.0
    uncertain = float((squares**2).sum()) / variance**2 - 1 / moves.size
    freedom = max(1.0, min(2 / uncertain if uncertain > 0 else math.inf, moves.size - 1))
    return float(stdtrit(freedom, 1 - alpha / 2)) * math.sqrt(variance)
