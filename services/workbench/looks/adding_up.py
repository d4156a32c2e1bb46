"""Looks for calls that are each allowed and add up, three ways of it.

An agent that reads far more customers than it ever did on a day; a customer whom more agents contact on a day than any
other; a customer for whom one method writes or deletes more often on a day than for any other. Each complete day of a
tenant is one look; 7 of them a week, and these three, share the false alarms that are stated.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from services.findings.finding import Seen
from services.insights.signals.adding_up import Crowds, gatherings, harvests
from services.insights.signals.alerts import FALSE_ALARMS
from services.workbench.columns.source import Source
from services.workbench.looks.spans import DAY_MS, Span
from services.workbench.looks.telling import FIRST, PAST_DAYS, Which, told

LOOKS: Final = 7
"""In a week."""
_WAYS: Final = 3
_LEAST_PAST: Final = 7
"""Days of the past before a customer's day can be more than usual."""
_CALLS: Final = f"""FROM admitted JOIN first ON first.tenant = admitted.tenant
 WHERE verdict = 'ALLOW' AND agent <> '' AND subject IS NOT NULL AND NOT standby AND NOT repeats
  AND at_ms >= greatest($start_ms, first_ms) AND at_ms < $end_ms
  AND first_ms <= $end_ms - {(_LEAST_PAST + 1) * DAY_MS}"""
_READ: Final = f"""WITH {FIRST} SELECT admitted.tenant, agent, at_ms // {DAY_MS} AS day, count(DISTINCT subject) AS n
 {_CALLS} AND operation = 'READ' GROUP BY ALL ORDER BY ALL"""
_COUNTED: Final = f"""WITH {FIRST}, counted AS (
  SELECT admitted.tenant, {{method}} AS method, subject, at_ms // {DAY_MS} AS day, {{n}} AS n {_CALLS} AND {{only}}
  GROUP BY ALL)"""
_BEFORE: Final = f"""{_COUNTED} SELECT tenant, method, n, count(*) AS often FROM counted WHERE day < $today
 GROUP BY ALL"""  # noqa: S608
_NOW: Final = f"""{_COUNTED} SELECT tenant, method, replace(CAST(subject AS VARCHAR), '-', '') AS subject, n
 FROM counted WHERE day = $today ORDER BY ALL"""  # noqa: S608
_AGENTS: Final = {"method": "''", "n": "count(DISTINCT agent)", "only": "operation = 'CONTACT'"}
_WRITES: Final = {"method": "method", "n": "count(*)", "only": "operation IN ('WRITE', 'DELETE')"}


class AddingUpLook:
    """See `services.workbench.looking.Look`."""

    kind = "adding-up"

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """What adds up on the last complete day."""
        day = now_ms // DAY_MS - 1
        return [
            *_harvests(columns, day=day),
            *_crowds(columns, day=day, measure="agents"),
            *_crowds(columns, day=day, measure="calls"),
        ]


def _span(day: int) -> dict[str, int]:
    return {"start_ms": (day - PAST_DAYS) * DAY_MS, "end_ms": (day + 1) * DAY_MS}


def _harvests(columns: Source, *, day: int) -> Iterator[Seen]:
    found = columns.asked(_READ, _span(day))
    for tenant in np.unique(found["tenant"].astype(np.str_)).tolist():
        its = found["tenant"] == tenant
        agents, places = np.unique(found["agent"][its].astype(np.str_), return_inverse=True)
        first = int(found["day"][its].min())  # before anybody read anything there is no past
        counts = np.zeros((agents.size, day - first + 1), dtype=np.int64)
        counts[places, found["day"][its] - first] = found["n"][its]
        watch = harvests(counts[:, -1:], past=counts[:, :-1], false_alarms=FALSE_ALARMS / LOOKS / _WAYS)
        for alert in watch.alerts:
            agent = str(agents[alert.about[0]])
            which = _which(tenant, (("agent", (agent,)), ("operation", ("READ",))), day=day)
            days = zip(range(first, day + 1), counts[alert.about[0]].tolist(), strict=True)
            yield told(
                alert,
                kind="adding-up",
                about=(("agent", agent), ("measure", "customers")),
                which=which,
                decisions=which.ids(columns),
                looks=LOOKS * _WAYS,
                reach=int(alert.seen),
                of="people",
                shown={"days": [{"at_ms": when * DAY_MS, "customers": n} for when, n in days if n]},
            )


def _crowds(columns: Source, *, day: int, measure: str) -> Iterator[Seen]:
    """Customers with more agents, or more calls of a method, than the largest number should be."""
    words = _AGENTS if measure == "agents" else _WRITES
    values = _span(day) | {"today": day}
    before = columns.asked(_BEFORE.format(**words), values)
    now = columns.asked(_NOW.format(**words), values | {"start_ms": day * DAY_MS})
    methods = sorted(set(zip(before["tenant"].tolist(), before["method"].tolist(), strict=True)))
    for tenant, method in methods:
        past, its = ((each["tenant"] == tenant) & (each["method"] == method) for each in (before, now))
        counts = now["n"][its].astype(np.int64)
        if not counts.size:
            continue
        often = np.zeros(int(before["n"][past].max()) + 1)
        often[before["n"][past]] = before["often"][past]
        parts = _WAYS * sum(each[0] == tenant for each in methods)
        watch = gatherings(
            Crowds(owners=np.arange(counts.size), windows=np.zeros(counts.size, dtype=np.int64), counts=counts),
            past=often,
            share=counts.size / float(often.sum()),  # a day with many customers is longer than one with few
            false_alarms=FALSE_ALARMS / LOOKS / parts,
        )
        for alert in watch.alerts:
            subject = str(now["subject"][its][alert.about[0]])
            having = (("operation", ("CONTACT",)),) if measure == "agents" else (("method", (method,)),)
            which = _which(tenant, (("subject_ref", (subject,)), *having), day=day)
            yield told(
                alert,
                kind="adding-up",
                about=(("subject", subject), *((("method", method),) if method else ()), ("measure", measure)),
                which=which,
                decisions=which.ids(columns),
                looks=LOOKS * parts,
                reach=int(alert.seen),
                shown={"largest_before": often.size - 1},
            )


def _which(tenant: str, having: tuple[tuple[str, tuple[str, ...]], ...], *, day: int) -> Which:
    span = Span.of_day(day)
    return Which(tenant=tenant, span=span, having=(*having, ("verdict", ("ALLOW",))))
