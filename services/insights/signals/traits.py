"""What probing looks like, counted by agent: each trait among what a busy agent has more of as well.

So only the share tells:

- "near": windows of a bucket that end just below its capacity without a refusal, among all that end above half of it.
- "varied": refusals after which the agent soon tries the same thing for the same customer with other parameters.
- "swept": calls soon after a refusal that touch a customer whom the agent touches at no other time.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from services.insights.signals.alerts import Bools, Ints

TRAITS: Final = ("near", "varied", "swept")
_NEAR: Final = 0.9
"""Of the capacity: from here on it is just below."""


class Trait(msgspec.Struct, frozen=True, kw_only=True):
    """How often each agent showed one trait. Counts of times add up, but compare those of equally long ones only."""

    shown: Ints
    """By agent."""
    chances: Ints
    """By agent: among how many."""
    rows: Ints = msgspec.field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Which of the given rows showed it, ascending; of a sum none, since rows of different times are not one table."""

    def __add__(self, other: "Trait") -> "Trait":
        """Both times together, of the same agents."""
        return Trait(shown=self.shown + other.shown, chances=self.chances + other.chances)


def near(agents: ArrayLike, *, used: ArrayLike, capacity: ArrayLike, refused: ArrayLike, agent_count: int) -> Trait:
    """Count windows that end just below a limit, from one row for each window of each bucket.

    `used` is what had been taken when the window ended, and `refused` whether it refused a call. Windows without a
    capacity above 0 are left out.
    """
    who, full, taken = np.asarray(agents), np.asarray(capacity, dtype=np.float64), np.asarray(used, dtype=np.float64)
    no = np.asarray(refused, dtype=bool)
    share = np.divide(taken, full, out=np.zeros_like(taken), where=full > 0)
    return _trait(
        who,
        chances=(share > 0.5) | (no & (full > 0)),
        shown=(share >= _NEAR) & ~no,
        rows=np.arange(who.size),
        count=agent_count,
    )


def varied(
    agents: ArrayLike,
    *,
    times_ms: ArrayLike,
    targets: ArrayLike,
    parameters: ArrayLike,
    refused: ArrayLike,
    within_ms: int,
    agent_count: int,
) -> Trait:
    """Count refusals that are tried again with other parameters, from one row a call, in any order.

    `targets` are codes of method and customer, `parameters` codes of everything else in the request. Give refusals by
    rules and limits only as `refused`: after an invalid argument one should try again.
    """
    who, when, what, how, no = _columns(agents, times_ms, targets, parameters, refused)
    order = np.lexsort((no, how, when, what, who))
    who, when, what, how, no = (each[order] for each in (who, when, what, how, no))
    same = np.zeros(who.size, dtype=bool)
    same[:-1] = (who[1:] == who[:-1]) & (what[1:] == what[:-1]) & (when[1:] - when[:-1] <= within_ms)
    same[:-1] &= how[1:] != how[:-1]
    return _trait(who, chances=no.astype(bool), shown=same, rows=order, count=agent_count)


def swept(
    agents: ArrayLike,
    *,
    times_ms: ArrayLike,
    subjects: ArrayLike,
    refused: ArrayLike,
    within_ms: int,
    agent_count: int,
) -> Trait:
    """Count customers touched only once, soon after a refusal, from one row a call, in any order."""
    columns = _columns(agents, times_ms, subjects, refused)
    known = np.flatnonzero(columns[0] >= 0)
    who, when, whom, no = (each[known] for each in columns)
    order = np.lexsort((whom, no, when, who))
    who, when, whom, no = (each[order] for each in (who, when, whom, no))
    first = np.flatnonzero(np.diff(who, prepend=-1))
    last = np.maximum.accumulate(np.where(no > 0, np.arange(who.size), -1)) if who.size else who
    last = np.concatenate([[-1], last[:-1]]) if who.size else last
    started = np.repeat(first, np.diff(np.append(first, who.size)))
    soon = (last >= started) & (when - when[np.maximum(last, 0)] <= within_ms)
    return _trait(who, chances=soon & (whom >= 0), shown=_alone(who, whom), rows=known[order], count=agent_count)


def _alone(who: Ints, whom: Ints) -> Bools:
    """Of each row whether no other has the same two numbers; pairs as such numpy sorts far more slowly than numbers."""
    order = np.lexsort((whom, who))
    new = np.ones(who.size + 1, dtype=bool)
    new[1:-1] = (np.diff(who[order]) != 0) | (np.diff(whom[order]) != 0)
    alone = np.zeros(who.size, dtype=bool)
    alone[order] = new[:-1] & new[1:]
    return alone


def _trait(agents: ArrayLike, *, chances: Bools, shown: Bools, rows: Ints, count: int) -> Trait:
    """`rows` is where each entry stands in the given table."""
    who = np.asarray(agents, dtype=np.int64)
    known = who >= 0
    return Trait(
        shown=np.bincount(who[known & chances & shown], minlength=count).astype(np.int64),
        chances=np.bincount(who[known & chances], minlength=count).astype(np.int64),
        rows=np.sort(rows[known & chances & shown]),
    )


def _columns(*columns: ArrayLike) -> list[Ints]:
    found = [np.asarray(each, dtype=np.int64) for each in columns]
    if len({each.shape for each in found}) != 1 or found[0].ndim != 1:
        raise ValueError("the columns must be equally long")
    return found
