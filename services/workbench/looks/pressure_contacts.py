"""Contacts of one tenant's channel with what customers did after them, out of the columns, as arrays."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.pressure.intervals import LEAST_PEOPLE
from services.workbench.columns.source import Source
from services.workbench.looks.spans import CARRIED_OUT, DAY_MS

WEEK_MS: Final = 7 * DAY_MS
_MONDAY_MS: Final = 4 * DAY_MS
"""The first one after the epoch."""
FOLLOW_MS: Final = WEEK_MS
"""How long after a contact what a customer does counts: as long for an early contact of a week as for a late one."""
CARRIED: Final = f"""operation = 'CONTACT' AND NOT standby AND NOT repeats AND subject IS NOT NULL AND channel <> ''
 AND tenant NOT IN ('', '_') AND {CARRIED_OUT}"""
"""Which decisions are contacts that were carried out, or may have been."""
_HELD: Final = """operation = 'CONTACT' AND held_out AND NOT standby AND NOT repeats AND subject IS NOT NULL
 AND channel <> '' AND tenant NOT IN ('', '_')"""
_SERIES: Final = f"""SELECT tenant, channel FROM admitted LEFT JOIN settled ON settled.id = admitted.id
 WHERE admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms AND {CARRIED}
 GROUP BY ALL HAVING count(DISTINCT subject) >= {LEAST_PEOPLE} ORDER BY ALL"""  # noqa: S608 - our own texts
_ASKED: Final = f"""WITH known AS (
  SELECT subject, min(at_ms) AS since_ms FROM admitted
  WHERE tenant = $tenant AND channel = $channel AND operation = 'CONTACT' GROUP BY subject),
 told AS (
  SELECT followed.id,
   min(followed.at_ms) FILTER (type = 'unsubscribed') AS unsubscribed_ms,
   min(followed.at_ms) FILTER (type = 'complained') AS complained_ms,
   min(followed.at_ms) FILTER (type = 'answered' AND question = 'pressure') AS answered_ms,
   min(followed.at_ms) FILTER (type = 'answered' AND question = 'pressure' AND answer = 'much_too_much') AS much_ms
  FROM followed WHERE tenant = $tenant AND reported_ms < $reported_ms GROUP BY followed.id)
 SELECT dense_rank() OVER (ORDER BY subject) - 1 AS person, admitted.at_ms AS at_ms, leaf, agent, held_out,
  since_ms, unsubscribed_ms - admitted.at_ms AS unsubscribed, complained_ms - admitted.at_ms AS complained,
  answered_ms - admitted.at_ms AS answered, much_ms - admitted.at_ms AS much
 FROM (SELECT admitted.* FROM admitted LEFT JOIN settled ON settled.id = admitted.id
   WHERE tenant = $tenant AND channel = $channel AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms
    AND (({CARRIED}) OR ({_HELD}))) AS admitted
  JOIN known USING (subject) LEFT JOIN told ON told.id = admitted.id
 ORDER BY at_ms, leaf"""  # noqa: S608 - our own texts


class Sending(msgspec.Struct, frozen=True, order=True):
    """One channel of a tenant."""

    tenant: str
    channel: str


class Contacts(msgspec.Struct, frozen=True, eq=False):
    """An entry each, ascending in time: contacts that were carried out, and those that a holdout has held back."""

    person: NDArray[np.int64]
    """From 0."""
    at_ms: NDArray[np.int64]
    leaf: NDArray[np.int64]
    """Its decision's index in the log."""
    agent: NDArray[np.int64]
    """A place in `agents`."""
    agents: tuple[str, ...]
    held: NDArray[np.bool_]
    since_ms: NDArray[np.int64]
    """Since when the person is known on this channel."""
    unsubscribed: NDArray[np.bool_]
    """Whether the customer did so within `FOLLOW_MS`; likewise the next."""
    complained: NDArray[np.bool_]
    answered: NDArray[np.bool_]
    """Whether they said how much it is, and that it is much too much."""
    much: NDArray[np.bool_]

    @property
    def people(self) -> int:
        """How many people they went to, or should have."""
        return int(self.person.max()) + 1 if self.person.size else 0


def week_of(at_ms: int) -> int:
    """When the week began that a time lies in: Monday, 00:00 UTC, milliseconds since the epoch."""
    return (at_ms - _MONDAY_MS) // WEEK_MS * WEEK_MS + _MONDAY_MS


def sendings(columns: Source, *, start_ms: int, end_ms: int) -> Sequence[Sending]:
    """Channels by which enough people were contacted for anything to be said."""
    found = columns.asked(_SERIES, {"start_ms": start_ms, "end_ms": end_ms})
    return [Sending(str(one), str(other)) for one, other in zip(found["tenant"], found["channel"], strict=True)]


def contacts_of(columns: Source, sending: Sending, *, start_ms: int, end_ms: int, reported_ms: int) -> Contacts:
    """Contacts of a time, and what was reported of them before `reported_ms`."""
    span = {"start_ms": start_ms, "end_ms": end_ms, "reported_ms": reported_ms}
    found = columns.asked(_ASKED, msgspec.structs.asdict(sending) | span)
    agents, places = np.unique(np.asarray(found["agent"], dtype=np.str_), return_inverse=True)
    numbers = {name: np.asarray(found[name], dtype=np.int64) for name in ("person", "at_ms", "leaf", "since_ms")}
    return Contacts(
        **numbers,
        agent=places.astype(np.int64),
        agents=tuple(agents.tolist()),
        held=np.asarray(found["held_out"], dtype=np.bool_),
        unsubscribed=_within(found["unsubscribed"]),
        complained=_within(found["complained"]),
        answered=_within(found["answered"]),
        much=_within(found["much"]),
    )


def _within(after_ms: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether something came so long after a contact that it counts; masked where it never came."""
    waits = np.ma.filled(np.ma.asarray(after_ms).astype(np.float64), np.inf)
    found: NDArray[np.bool_] = (waits >= 0) & (waits < FOLLOW_MS)
    return found
