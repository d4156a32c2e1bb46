"""Who was under how much pressure before what they did: people looked at again and again, cause before effect.

At each look a person's pressure is the number of contacts in the window that ends there, and what counts as its effect
comes in the horizon that begins there (landmarks: van Houwelingen, "Dynamic prediction by landmarking", 2007). Contacts
of the whole period would count backwards: who opts out early gets no more contacts, so those with few contacts would
seem to be the ones whom contacts drive away. For the same reason a person is no longer looked at after a first event.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

_NEVER: Final = np.iinfo(np.int64).max
_LONGEST_MS: Final = 2**60


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """When to look, in milliseconds since the epoch, ascending.

    Raises:
        ValueError: Times are not in order, a length is not above 0, or horizons overlap: events would count twice.
    """

    looks_ms: tuple[int, ...]
    window_ms: int
    """How far back contacts count; data of contacts must reach back so far before the first look."""
    horizon_ms: int
    """How long after a look events count."""

    def __post_init__(self) -> None:
        """Refuse looks that would count something twice."""
        if not (0 < self.window_ms <= _LONGEST_MS and 0 < self.horizon_ms <= _LONGEST_MS):
            raise ValueError("a window and a horizon are longer than 0 ms")
        if any(abs(each) > _LONGEST_MS for each in self.looks_ms) or any(
            later - earlier < self.horizon_ms for earlier, later in zip(self.looks_ms, self.looks_ms[1:], strict=False)
        ):
            raise ValueError("looks are in order, and each begins after the horizon of the one before")


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to whom and when, an entry each, in any order."""

    person: NDArray[np.int64]
    """From 0, the person's place in every array with one entry a person."""
    at_ms: NDArray[np.int64]

    @classmethod
    def of(cls, person: ArrayLike, at_ms: ArrayLike) -> "Moments":
        """Take whole numbers only.

        Raises:
            ValueError: The arrays are not equally long rows of whole numbers, or a time is beyond 2^60.
        """
        given = tuple(np.asarray(each) if np.size(each) else np.zeros(0, dtype=np.int64) for each in (person, at_ms))
        if any(each.ndim != 1 or each.dtype.kind not in "iu" for each in given) or given[0].size != given[1].size:
            raise ValueError("give each moment one person and one time, both as whole numbers")
        if (np.abs(given[1].astype(np.float64)) > _LONGEST_MS).any():
            raise ValueError("times are milliseconds since the epoch")
        return cls(person=given[0].astype(np.int64), at_ms=given[1].astype(np.int64))


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """People by looks (rows by columns), for one kind of outcome."""

    pressure: NDArray[np.int64]
    """Contacts in the window before the look."""
    at_risk: NDArray[np.bool_]
    """Whether the person could still have a first event, and was known for a whole window."""
    event: NDArray[np.bool_]
    """Whether it came in the horizon after the look."""
    holdout: NDArray[np.bool_]
    """By person: whether they are left without contacts to compare with."""
    segment: NDArray[np.int64]
    """By person: a number for what they are like, so that only likes are compared."""


def watch(
    people: int,
    *,
    contacts: Moments,
    events: Moments,
    clock: Clock,
    asked: Moments | None = None,
    joined_ms: ArrayLike | None = None,
    left_ms: ArrayLike | None = None,
    holdout: ArrayLike | None = None,
    segment: ArrayLike | None = None,
) -> Watch:
    """Look at people, of whom there are so many.

    `asked`: moments at which a person answered a survey at all, where the event is one of the answers; only who
    answered in a horizon is counted there. `joined_ms`: since when each person is a customer; before a whole window has
    passed since, their pressure is not known. `left_ms`: when each opted out of contacts; for outcomes other than the
    opt-out itself it ends the watch, or people who get no contacts any more would pass for people under no pressure.
    An event before the first look takes a person out: leave out those that no longer count.

    Raises:
        ValueError: A moment names a person who is none of them, or an array has not one entry a person.
    """
    looks = np.array(clock.looks_ms, dtype=np.int64)
    first = np.full(people, _NEVER)
    np.minimum.at(first, _people(events, people), events.at_ms)
    joined = _column(joined_ms, people, default=-_LONGEST_MS * 2)
    left = _column(left_ms, people, default=_NEVER)
    event = (looks <= first[:, None]) & (first[:, None] - clock.horizon_ms < looks)
    at_risk = (looks <= np.minimum(first, left)[:, None]) & (joined[:, None] <= looks - clock.window_ms)
    if asked is not None:
        at_risk &= event | (_counts(asked, people, starts=looks, length_ms=clock.horizon_ms) > 0)
    return Watch(
        pressure=_counts(contacts, people, starts=looks - clock.window_ms, length_ms=clock.window_ms),
        at_risk=at_risk,
        event=event & at_risk,
        holdout=_column(holdout, people, default=0).astype(bool),
        segment=_column(segment, people, default=0),
    )


def _counts(moments: Moments, people: int, *, starts: NDArray[np.int64], length_ms: int) -> NDArray[np.int64]:
    """How many moments each person has from each start, for so long."""
    who = _people(moments, people)
    counts = np.zeros((people, starts.size), dtype=np.int64)
    for column, start in enumerate(starts):
        inside = (moments.at_ms >= start) & (moments.at_ms < start + length_ms)
        counts[:, column] = np.bincount(who[inside], minlength=people)
    return counts


def _people(moments: Moments, people: int) -> NDArray[np.int64]:
    if moments.person.size and not (moments.person.min() >= 0 and moments.person.max() < people):
        raise ValueError("a moment names a person who is none of those that are watched")
    return moments.person


def _column(given: ArrayLike | None, people: int, *, default: int) -> NDArray[np.int64]:
    column = np.full(people, default, dtype=np.int64) if given is None else np.asarray(given)
    if column.shape != (people,) or column.dtype.kind not in "iub":
        raise ValueError("give one whole number for each person")
    return column.astype(np.int64)
