"""Looks for agents that try out where the limits are: see `services.insights.signals.traits` for what that looks like.

Each complete day of a tenant is one look, at the week that ends with it, at all its agents and three traits; the 7
looks of a week share the false alarms that are stated. Of what a customer's caps have counted the log keeps the one
with the least room, so of windows just below a limit these are looked at, each as it stood at the end of a day. Two
requests differ where channel, category, model or size do.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.findings.finding import MOST_DECISIONS, Seen
from services.insights.signals.alerts import FALSE_ALARMS, Alert
from services.insights.signals.probing import probing
from services.insights.signals.traits import TRAITS, Trait, near, swept, varied
from services.workbench.columns.source import Source
from services.workbench.looks.spans import DAY_MS, ID, SUBJECT, Span
from services.workbench.looks.telling import OWN, PAST_DAYS, REFUSED, Which, told

DAYS: Final = 7
LOOKS: Final = 7
"""In a week: every day the days before it."""
WEEKS: Final = PAST_DAYS // DAYS
"""Before, that it is compared with."""
WITHIN_MS: Final = 600_000
"""After a refusal, until when a call is one that follows it."""
_CALLS: Final = f"""SELECT leaf, at_ms, tenant, agent, {REFUSED} AS refused,
 coalesce(CAST(hash(subject) >> 1 AS BIGINT), -1) AS subject,
 CAST(hash(method, subject) >> 1 AS BIGINT) AS target,
 CAST(hash(channel, category, model, request_bytes) >> 1 AS BIGINT) AS parameters
 FROM admitted WHERE {OWN} ORDER BY leaf"""  # noqa: S608 - our own names
_WINDOWS: Final = f"""SELECT max(leaf) AS leaf, max(at_ms) AS at_ms, tenant, arg_max(agent, leaf) AS agent,
 arg_max(cap_used, leaf) AS used, arg_max(cap_capacity, leaf) AS capacity,
 bool_or(verdict <> 'ALLOW' AND rule = cap) AS refused
 FROM admitted WHERE {OWN} AND cap <> '' AND subject IS NOT NULL
 GROUP BY tenant, subject, cap, at_ms // {DAY_MS} ORDER BY leaf"""  # noqa: S608
_ROWS: Final = f"""SELECT {ID} AS id, method, {SUBJECT} AS subject
 FROM admitted WHERE leaf IN (SELECT unnest($leaves)) ORDER BY leaf"""  # noqa: S608
_Table = Mapping[str, NDArray[Any]]


class ProbingLook:
    """See `services.workbench.looking.Look`."""

    kind = "probing"

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """The agents of the week that ends with the last complete day."""
        end_ms = now_ms // DAY_MS * DAY_MS
        span = Span(end_ms - DAYS * DAY_MS, end_ms)
        values = {"start_ms": span.start_ms - PAST_DAYS * DAY_MS, "end_ms": end_ms}
        calls, windows = (columns.asked(each, values) for each in (_CALLS, _WINDOWS))
        tenants = sorted(set(calls["tenant"].tolist()))
        return [each for tenant in tenants for each in _in_tenant(columns, tenant, calls, windows, span=span)]


def _in_tenant(columns: Source, tenant: str, calls: _Table, windows: _Table, *, span: Span) -> Iterator[Seen]:
    mine, ends = (_picked(each, each["tenant"] == tenant) for each in (calls, windows))
    names, codes = np.unique(mine["agent"].astype(np.str_), return_inverse=True)
    mine = _coded(mine, codes)
    ends = _coded(ends, np.searchsorted(names, ends["agent"].astype(np.str_)))
    for place, (trait, table) in enumerate(zip(TRAITS, (ends, mine, mine), strict=True)):
        # Week by week: in a month an agent touches fewer customers only once than in each of its weeks.
        weeks = (table["at_ms"] - span.start_ms) // (DAYS * DAY_MS)
        now = _picked(table, weeks == 0)
        shown = _counted(trait, now, names.size)
        past = reduce(add, (_counted(trait, _picked(table, weeks == each), names.size) for each in range(-WEEKS, 0)))
        watch = probing(shown, past=past, trait=place, traits=len(TRAITS), false_alarms=FALSE_ALARMS / LOOKS)
        for alert in watch.alerts:
            rows = shown.rows[now["agent"][shown.rows] == alert.about[0]]
            yield _seen(columns, tenant, str(names[alert.about[0]]), trait, alert, leaves=now["leaf"][rows], span=span)


def _coded(table: _Table, agents: NDArray[np.int64]) -> _Table:
    """With codes of agents instead of their names: those are compared often."""
    return {name: each for name, each in table.items() if name != "tenant"} | {"agent": agents}


def _counted(trait: str, table: _Table, count: int) -> Trait:
    agents = table["agent"]
    if trait == "near":
        used, capacity = (table[name].astype(np.float64) for name in ("used", "capacity"))
        return near(agents, used=used, capacity=capacity, refused=table["refused"], agent_count=count)
    times, refused = table["at_ms"], table["refused"]
    if trait == "swept":
        subjects = table["subject"]
        return swept(agents, times_ms=times, subjects=subjects, refused=refused, within_ms=WITHIN_MS, agent_count=count)
    return varied(
        agents,
        times_ms=times,
        targets=table["target"],
        parameters=table["parameters"],
        refused=refused,
        within_ms=WITHIN_MS,
        agent_count=count,
    )


def _picked(table: _Table, wanted: NDArray[np.bool_]) -> _Table:
    return {name: each[wanted] for name, each in table.items()}


def _seen(
    columns: Source, tenant: str, agent: str, trait: str, alert: Alert, *, leaves: NDArray[np.int64], span: Span
) -> Seen:
    some = columns.asked(_ROWS, {"leaves": leaves[-MOST_DECISIONS:].tolist()})
    named = {name: tuple(sorted({str(each) for each in some[name] if each})) for name in ("method", "subject")}
    which = Which(
        tenant=tenant,
        span=span,
        having=(("agent", (agent,)), ("method", named["method"]), ("subject_ref", named["subject"])),
    )
    return told(
        alert,
        kind="probing",
        about=(("agent", agent), ("measure", trait)),
        which=which,
        decisions=[str(each) for each in some["id"]],
        looks=LOOKS,
        reach=int(alert.seen),
        shown={"share": alert.seen / alert.sample, "others": alert.expected / alert.sample},
    )
