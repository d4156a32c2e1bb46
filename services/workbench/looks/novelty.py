"""Looks for values that an agent never had before: methods, channels, categories and models.

Each complete day of a tenant is one look, at all its agents; 7 of them a week share the false alarms that are stated. A
customer counts once a day, and of calls without one those of an hour: what comes in bunches tells less. It is held
against up to twelve weeks; a field that brings new values by itself in more than one week of five is not judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from services.findings.finding import Seen
from services.insights.signals.alerts import FALSE_ALARMS, Alert, Ints
from services.insights.signals.novelty import Field, novelty
from services.workbench.columns.source import Source
from services.workbench.looks.spans import DAY_MS, HOUR_MS, Span
from services.workbench.looks.telling import FIRST, Which, told

FIELDS: Final = ("method", "channel", "category", "model")
WEEKS: Final = 12
"""What a day is compared with: so many weeks before it."""
LEAST_DAYS: Final = 14
"""Of those, before a value can be new: what comes on one day of the week has come twice by then."""
LOOKS: Final = 7
"""In a week."""
_MOST_VALUES: Final = 20
"""That a filter names."""
_ASKED: Final = f"""WITH {FIRST}, held AS (
  SELECT admitted.tenant AS tenant, agent, subject, at_ms,
   unnest([{", ".join(f"'{each}'" for each in FIELDS)}]) AS field, unnest([{", ".join(FIELDS)}]) AS value
  FROM admitted JOIN first ON first.tenant = admitted.tenant
  WHERE agent <> '' AND NOT standby AND NOT repeats
   AND at_ms >= greatest($start_ms, first_ms) AND at_ms < $end_ms AND first_ms <= $since_ms)
 SELECT tenant, agent, field, value, at_ms // {DAY_MS} AS day,
  count(DISTINCT hash(coalesce(CAST(subject AS VARCHAR), CAST(at_ms // {HOUR_MS} AS VARCHAR)))) AS n, count(*) AS calls
 FROM held WHERE value <> '' GROUP BY ALL ORDER BY ALL"""  # noqa: S608 - our own names


class _Values(msgspec.Struct, frozen=True, eq=False):
    """What one field of one agent held."""

    agent: str
    field: str
    names: tuple[str, ...]
    before: Ints
    """By week and value."""
    now: Ints
    calls: Ints
    """Of the day, by value."""


class NoveltyLook:
    """See `services.workbench.looking.Look`."""

    kind = "novelty"

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """The new values of the last complete day."""
        day = now_ms // DAY_MS - 1
        fields: dict[str, list[_Values]] = {}
        for tenant, values in _values_of(columns, day=day):
            fields.setdefault(tenant, []).append(values)
        seen: list[Seen] = []
        for tenant, its in sorted(fields.items()):
            asked = [Field(before=each.before, now=each.now) for each in its]
            watch = novelty(asked, false_alarms=FALSE_ALARMS / LOOKS)
            seen += [_seen(columns, tenant, its[each.about[0]], each, day=day) for each in watch.alerts]
        return seen


def _values_of(columns: Source, *, day: int) -> Iterator[tuple[str, _Values]]:
    start = day - 7 * WEEKS
    found = columns.asked(
        _ASKED,
        {"start_ms": start * DAY_MS, "end_ms": (day + 1) * DAY_MS, "since_ms": (day - LEAST_DAYS) * DAY_MS},
    )
    rows: dict[tuple[str, str, str], list[tuple[str, int, int, int]]] = {}
    names = ("tenant", "agent", "field", "value", "day", "n", "calls")
    for tenant, agent, field, *row in zip(*(found[name].tolist() for name in names), strict=True):
        rows.setdefault((tenant, agent, field), []).append(tuple(row))
    for (tenant, agent, field), its in rows.items():
        yield tenant, _table(agent, field, its, start=start, day=day)


def _table(agent: str, field: str, rows: Sequence[tuple[str, int, int, int]], *, start: int, day: int) -> _Values:
    at = {name: place for place, name in enumerate(sorted({row[0] for row in rows}))}
    before = np.zeros((WEEKS, len(at)), dtype=np.int64)
    now, calls = np.zeros(len(at), dtype=np.int64), np.zeros(len(at), dtype=np.int64)
    for value, when, n, count in rows:
        if when == day:
            now[at[value]], calls[at[value]] = n, count
        else:
            before[(when - start) // 7, at[value]] += n
    return _Values(agent, field, tuple(at), before, now, calls)


def _seen(columns: Source, tenant: str, values: _Values, alert: Alert, *, day: int) -> Seen:
    value = alert.about[1]
    new = [value] if value >= 0 else _once(values)
    some = tuple(values.names[each] for each in new)
    about: Mapping[str, str] = {values.field: some[0]} if value >= 0 else {"field": values.field}
    which = Which(
        tenant=tenant,
        span=Span.of_day(day),
        having=(("agent", (values.agent,)), (values.field, some[:_MOST_VALUES])),
    )
    return told(
        alert,
        kind="novelty",
        about=(("agent", values.agent), *about.items()),
        which=which,
        decisions=which.ids(columns),
        looks=LOOKS,
        reach=int(values.calls[new].sum()),
        shown={"field": values.field, "values": list(some[:_MOST_VALUES])},
    )


def _once(values: _Values) -> list[int]:
    """Values that had never been there, and were there once."""
    fresh = (values.before.sum(axis=0) == 0) & (values.now == 1)
    found: list[int] = np.flatnonzero(fresh).tolist()
    return found
