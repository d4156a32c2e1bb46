"""Looks for bursts: far more refusals and failures of one reason within minutes of an hour than at this hour before.

Each complete hour of a tenant is one look, at each agent's reasons and at those of all agents; 168 of them a week share
the false alarms that are stated. Where one agent makes most of a burst of all, it is a finding about that agent.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.findings.finding import Seen
from services.insights.signals.alerts import FALSE_ALARMS, Alert, Bools, Ints
from services.insights.signals.bursts import MIN_HOURS, Baseline, bursts
from services.workbench.columns.source import Source
from services.workbench.looks.spans import DAY_MS, HOUR_MS, Span
from services.workbench.looks.telling import FIRST, PAST_DAYS, REASON, Which, told

_DAY: Final = 24
LOOKED_HOURS: Final = _DAY
"""Complete hours that are looked at: a round that comes late misses none, and one that comes again sees the same."""
LOOKS: Final = 7 * _DAY
"""In a week."""
_AGENTS_SHOWN: Final = 5
_MINUTES: Final = f"""{FIRST}, minutes AS (SELECT tenant, agent, reason, minute, count(*) AS n FROM (
   SELECT admitted.tenant, agent, {REASON} AS reason, admitted.at_ms // 60000 AS minute
   FROM admitted JOIN first ON first.tenant = admitted.tenant LEFT JOIN settled ON settled.id = admitted.id
   WHERE NOT standby AND agent <> '' AND admitted.at_ms >= greatest($start_ms, first_ms) AND admitted.at_ms < $end_ms)
  WHERE reason <> '' GROUP BY GROUPING SETS ((tenant, agent, reason, minute), (tenant, reason, minute)))"""  # noqa: S608 - our own names
_NOW: Final = f"""WITH {_MINUTES}
 SELECT tenant, coalesce(agent, '') AS agent, reason, minute, n FROM minutes ORDER BY ALL"""  # noqa: S608
_PAST: Final = f"""WITH {_MINUTES}, hours AS (
  SELECT tenant, agent, reason, minute // 60 AS at_hour, sum(n) AS n, sum(n * n) AS squares FROM minutes GROUP BY ALL)
 SELECT tenant, coalesce(agent, '') AS agent, reason, at_hour % 24 AS slot,
  sum(n) AS events, sum(squares) AS minute_squares, sum(n * n) AS hour_squares FROM hours GROUP BY ALL ORDER BY ALL"""  # noqa: S608
_SINCE: Final = f"WITH {FIRST} SELECT tenant, first_ms FROM first ORDER BY tenant"  # noqa: S608


class _Groups(msgspec.Struct, frozen=True, eq=False):
    """A tenant's reasons, of each agent and of all (agent ""), on one day."""

    tenant: str
    names: tuple[tuple[str, str], ...]
    """Agent and reason."""
    past: Baseline
    now: Ints
    """By group, hour of the day and minute."""


class BurstsLook:
    """See `services.workbench.looking.Look`."""

    kind = "burst"

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """The bursts of hours that were complete in the last 24."""
        now_hour = now_ms // HOUR_MS
        begun = now_hour - LOOKED_HOURS
        seen: list[Seen] = []
        for day in range(begun // _DAY * _DAY, now_hour, _DAY):
            for groups in _groups_of(columns, day=day):
                for hour in range(max(day, begun), min(day + _DAY, now_hour)):
                    seen += _in_hour(columns, groups, day=day, hour=hour)
        return seen


def _groups_of(columns: Source, *, day: int) -> Iterator[_Groups]:
    start_ms, end_ms = (day - PAST_DAYS * _DAY) * HOUR_MS, day * HOUR_MS
    past = columns.asked(_PAST, {"start_ms": start_ms, "end_ms": end_ms})
    now = columns.asked(_NOW, {"start_ms": end_ms, "end_ms": end_ms + DAY_MS})
    since = columns.asked(_SINCE)
    for tenant, first_ms in zip(since["tenant"].tolist(), since["first_ms"].tolist(), strict=True):
        days = (end_ms - max(first_ms, start_ms)) // DAY_MS
        its, before = now["tenant"] == tenant, past["tenant"] == tenant
        if days < MIN_HOURS or not its.any():
            continue
        names = sorted({*_names(now, its), *_names(past, before)})
        at = {name: place for place, name in enumerate(names)}
        counts = np.zeros((len(names), _DAY, 60), dtype=np.int64)
        minutes = now["minute"][its] - day * 60
        np.add.at(counts, ([at[each] for each in _names(now, its)], minutes // 60, minutes % 60), now["n"][its])
        yield _Groups(tenant, tuple(names), _baseline(past, before, at, days=days), counts)


def _names(found: Mapping[str, NDArray[Any]], its: Bools) -> list[tuple[str, str]]:
    return list(zip(found["agent"][its].tolist(), found["reason"][its].tolist(), strict=True))


def _baseline(
    past: Mapping[str, NDArray[Any]], its: Bools, at: Mapping[tuple[str, str], int], *, days: int
) -> Baseline:
    places = ([at[each] for each in _names(past, its)], past["slot"][its].astype(np.int64))
    sums = {name: np.zeros((len(at), _DAY)) for name in ("events", "minute_squares", "hour_squares")}
    for name, table in sums.items():
        table[places] = past[name][its].astype(np.float64)
    return Baseline(hours=np.full(_DAY, days, dtype=np.int64), **sums)


def _in_hour(columns: Source, groups: _Groups, *, day: int, hour: int) -> Iterator[Seen]:
    counts = groups.now[:, hour - day : hour - day + 1]
    # What only comes later on the day has no say in this hour: another round would count it or not.
    known = (groups.past.events.sum(axis=1) > 0) | (counts.sum(axis=(1, 2)) > 0)
    past = msgspec.structs.replace(
        groups.past,
        **{name: getattr(groups.past, name)[known] for name in ("events", "minute_squares", "hour_squares")},
    )
    names = [name for name, there in zip(groups.names, known.tolist(), strict=True) if there]
    watch = bursts(counts[known], slots=np.array([hour - day]), baseline=past, false_alarms=FALSE_ALARMS / LOOKS)
    table = dict(zip(names, counts[known][:, 0], strict=True))
    for alert in _once({names[each.about[0]]: each for each in watch.alerts}, table):
        yield _seen(columns, groups.tenant, alert[0], alert[1], table=table, hour=hour)


def _once(
    alerts: Mapping[tuple[str, str], Alert], table: Mapping[tuple[str, str], Ints]
) -> list[tuple[tuple[str, str], Alert]]:
    """Of a burst of all and those of its agents what says where it comes from."""
    kept = dict(alerts)
    for (agent, reason), alert in alerts.items():
        if agent:
            continue
        part = _window(alert)
        shares = {name: table[name][part].sum() / alert.seen for name in table if name[0] and name[1] == reason}
        most = max(shares, key=lambda name: shares[name])
        if shares[most] > 0.5 and most in alerts:
            del kept[agent, reason]
        elif shares[most] <= 0.5:
            for name in shares:
                kept.pop(name, None)
    return sorted(kept.items())


def _window(alert: Alert) -> slice:
    """Its minutes of the hour."""
    return slice(alert.about[2], alert.about[2] + alert.about[3])


def _seen(
    columns: Source,
    tenant: str,
    name: tuple[str, str],
    alert: Alert,
    *,
    table: Mapping[tuple[str, str], Ints],
    hour: int,
) -> Seen:
    agent, reason = name
    start_ms = hour * HOUR_MS + alert.about[2] * 60_000
    span = Span(start_ms, start_ms + alert.about[3] * 60_000)
    having = (("agent", (agent,) if agent else ()), ("reason", (reason,)))
    which = Which(tenant=tenant, span=span, having=having)
    agents = [(int(each[_window(alert)].sum()), who) for (who, why), each in table.items() if who and why == reason]
    shown: dict[str, Any] = {"minutes": alert.about[3], "counts": table[name].tolist()}
    if not agent:
        some = sorted(agents, key=lambda each: (-each[0], each[1]))[:_AGENTS_SHOWN]
        shown["agents"] = [{"name": who, "count": count} for count, who in some if count]
    return told(
        alert,
        kind="burst",
        about=((("agent", agent),) if agent else ()) + (("reason", reason),),
        which=which,
        decisions=which.ids(columns),
        looks=LOOKS,
        reach=int(alert.seen),
        shown=shown,
    )
