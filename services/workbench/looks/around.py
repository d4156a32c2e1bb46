"""Looks for agents of whom one does what another was refused: the same method for the same customer, within an hour.

Each complete day of a tenant is one look, at the week that ends with it, and at all pairs of its agents; the 7 looks of
a week share the false alarms that are stated. A refusal is what a rule, limit, cap or stop has said, or that no rule
allows the call: not that it was malformed or failed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.findings.finding import MOST_DECISIONS, Seen
from services.insights.signals.alerts import FALSE_ALARMS, Alert
from services.insights.signals.around import around
from services.workbench.columns.source import Source
from services.workbench.looks.spans import DAY_MS, HOUR_MS, ID, SUBJECT, Span
from services.workbench.looks.telling import OWN, REFUSED, Which, told

DAYS: Final = 7
LOOKS: Final = 7
"""In a week: every day the days before it."""
WITHIN_MS: Final = HOUR_MS
_NAMED: Final = f"""agents AS (SELECT tenant, agent, row_number() OVER (ORDER BY tenant, agent) - 1 AS code
 FROM (SELECT DISTINCT tenant, agent FROM admitted WHERE {OWN}))"""  # noqa: S608 - our own names
_AGENTS: Final = f"WITH {_NAMED} SELECT tenant, agent FROM agents ORDER BY code"  # noqa: S608
_CALLS: Final = f"""WITH {_NAMED}, subjects AS (SELECT subject, row_number() OVER (ORDER BY subject) - 1 AS code
  FROM (SELECT DISTINCT subject FROM admitted WHERE {OWN} AND subject IS NOT NULL)),
 methods AS (SELECT method, row_number() OVER (ORDER BY method) - 1 AS code
  FROM (SELECT DISTINCT method FROM admitted WHERE {OWN}))
 SELECT admitted.leaf, admitted.at_ms, agents.code AS agent, subjects.code AS subject, methods.code AS method,
  {REFUSED} AS refused, verdict = 'ALLOW' AND coalesce(settled.status, '') = 'OK' AS succeeded
 FROM admitted JOIN agents ON agents.tenant = admitted.tenant AND agents.agent = admitted.agent
  JOIN subjects ON subjects.subject = admitted.subject JOIN methods ON methods.method = admitted.method
  LEFT JOIN settled ON settled.id = admitted.id
 WHERE NOT standby AND NOT repeats AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms
 ORDER BY admitted.leaf"""  # noqa: S608
_ROWS: Final = f"""SELECT leaf, {ID} AS id, method, at_ms, {SUBJECT} AS subject
 FROM admitted WHERE leaf IN (SELECT unnest($leaves))"""  # noqa: S608


class _Call(msgspec.Struct, frozen=True):
    """A decision that shows it."""

    leaf: int
    id: str
    method: str
    at_ms: int
    subject: str


class AroundLook:
    """See `services.workbench.looking.Look`."""

    kind = "around"

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """The pairs of agents in the week that ends with the last complete day."""
        end_ms = now_ms // DAY_MS * DAY_MS
        span = Span(end_ms - DAYS * DAY_MS, end_ms)
        values = msgspec.structs.asdict(span)
        names, found = columns.asked(_AGENTS, values), columns.asked(_CALLS, values)
        tenants = names["tenant"].tolist()
        seen: list[Seen] = []
        for tenant in sorted(set(tenants)):
            first = tenants.index(tenant)
            its = (found["agent"] >= first) & (found["agent"] < first + tenants.count(tenant))
            seen += _in_tenant(columns, tenant, {name: each[its] for name, each in found.items()}, names, span)
        return seen


def _in_tenant(
    columns: Source, tenant: str, found: Mapping[str, NDArray[Any]], names: Mapping[str, NDArray[Any]], span: Span
) -> Iterator[Seen]:
    arounds = around(
        found["at_ms"],
        agents=found["agent"],
        subjects=found["subject"],
        things=found["method"],
        refused=found["refused"],
        succeeded=found["succeeded"],
        within_ms=WITHIN_MS,
        false_alarms=FALSE_ALARMS / LOOKS,
    )
    for alert, pairs in zip(arounds.watch.alerts, arounds.evidence, strict=True):
        some = found["leaf"][np.array(pairs[: MOST_DECISIONS // 2], dtype=np.int64).ravel()]
        agents = tuple(str(names["agent"][each]) for each in alert.about)
        yield _seen(tenant, alert, agents, _calls(columns, some.tolist()), span)


def _calls(columns: Source, leaves: Sequence[int]) -> list[_Call]:
    found = columns.asked(_ROWS, {"leaves": list(leaves)})
    known = {row[0]: _Call(*row) for row in zip(*(each.tolist() for each in found.values()), strict=True)}
    return [known[each] for each in leaves]


def _seen(tenant: str, alert: Alert, agents: tuple[str, ...], calls: Sequence[_Call], span: Span) -> Seen:
    which = Which(
        tenant=tenant,
        span=span,
        having=(
            ("agent", agents),
            ("method", tuple(sorted({each.method for each in calls}))),
            ("subject_ref", tuple(sorted({each.subject for each in calls}))),
        ),
    )
    pairs = zip(calls[::2], calls[1::2], strict=True)
    return told(
        alert,
        kind="around",
        about=(("agent", agents[0]), ("other-agent", agents[1])),
        which=which,
        decisions=[each.id for each in calls],
        looks=LOOKS,
        reach=int(alert.seen),
        shown={
            "within_ms": WITHIN_MS,
            "pairs": [{"refused": no.id, "done": yes.id, "after_ms": yes.at_ms - no.at_ms} for no, yes in pairs],
        },
    )
