"""Looks for rules that apply to far fewer calls than before, or to far more: those that have stopped matching.

Each complete day of a tenant is one look, at all its rules; 7 of them a week share the false alarms that are stated. A
rule is held against the calls of methods that it has applied to before. A rule that somebody has changed or taken out
is seen as well: `shown` says under which revisions it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from services.findings.finding import Seen
from services.insights.signals.alerts import FALSE_ALARMS, Alert, Ints
from services.insights.signals.silence import silence
from services.workbench.columns.source import Source
from services.workbench.looks.spans import DAY_MS, Span
from services.workbench.looks.telling import FIRST, PAST_DAYS, Which, told

LOOKS: Final = 7
"""In a week."""
_MOST_METHODS: Final = 8
"""That a filter names: of a rule that applies to more of them it names none."""
_TABLES: Final = {"matches": "matches", "calls": "calls", "revisions": "revision"}
_ASKED: Final = f"""WITH {FIRST}, counted AS (
  SELECT admitted.tenant, method, at_ms // {DAY_MS} AS day, concat_ws(' ', rules, watched) AS rules, count(*) AS n,
   max(revision) AS revision
  FROM admitted JOIN first ON first.tenant = admitted.tenant
  WHERE operation <> '' AND NOT standby AND NOT repeats
   AND at_ms >= greatest($start_ms, first_ms) AND at_ms < $end_ms GROUP BY ALL),
 calls AS (SELECT tenant, method, day, sum(n) AS calls, max(revision) AS revision FROM counted GROUP BY ALL),
 matched AS (SELECT tenant, method, day, rule, sum(n) AS n FROM (
   SELECT tenant, method, day, n, unnest(list_distinct(string_split(rules, ' '))) AS rule FROM counted)
  WHERE rule <> '' GROUP BY ALL),
 bound AS (SELECT DISTINCT tenant, rule, method FROM matched WHERE day < $today)
 SELECT bound.tenant, bound.rule, calls.day, sum(calls.calls) AS calls, sum(coalesce(matched.n, 0)) AS matches,
  max(calls.revision) AS revision, string_agg(DISTINCT bound.method, ' ' ORDER BY bound.method) AS methods
 FROM bound JOIN calls ON calls.tenant = bound.tenant AND calls.method = bound.method
  LEFT JOIN matched ON matched.tenant = bound.tenant AND matched.method = bound.method AND matched.rule = bound.rule
   AND matched.day = calls.day
 GROUP BY ALL ORDER BY bound.tenant, bound.rule, calls.day"""  # noqa: S608 - our own names


class _Rules(msgspec.Struct, frozen=True, eq=False):
    """A tenant's rules, by day: of the past, and last of the day that is looked at."""

    tenant: str
    names: tuple[str, ...]
    matches: Ints
    calls: Ints
    revisions: Ints
    methods: Mapping[str, tuple[str, ...]]
    """Where each one has applied before, and there were calls on the day."""


class SilenceLook:
    """See `services.workbench.looking.Look`."""

    kind = "silence"

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """The rules of the last complete day."""
        day = now_ms // DAY_MS - 1
        seen: list[Seen] = []
        for rules in _rules_of(columns, day=day):
            since = np.where((rules.matches[:, :-1] > 0).any(axis=1), (rules.matches > 0).argmax(axis=1), 0)
            # A rule that came later has no past before it did, and none on the day on which it came.
            absent = (np.arange(PAST_DAYS) <= since[:, None]) & (since > _first_day(rules.calls))[:, None]
            before, among = np.where(absent, 0, rules.matches[:, :-1]), np.where(absent, 0, rules.calls[:, :-1])
            watch = silence(
                rules.matches[:, -1],
                rules.calls[:, -1],
                past_matches=before,
                past_calls=among,
                false_alarms=FALSE_ALARMS / LOOKS,
            )
            seen += [_seen(columns, rules, each, day=day) for each in watch.alerts]
        return seen


def _rules_of(columns: Source, *, day: int) -> Iterator[_Rules]:
    start = day - PAST_DAYS
    found = columns.asked(_ASKED, {"start_ms": start * DAY_MS, "end_ms": (day + 1) * DAY_MS, "today": day})
    for tenant in np.unique(found["tenant"].astype(np.str_)).tolist():
        its = found["tenant"] == tenant
        its_rules, its_days = found["rule"][its], found["day"][its]
        names = sorted(set(its_rules.tolist()))
        places = (np.searchsorted(names, its_rules.astype(np.str_)), its_days - start)
        tables = {name: np.zeros((len(names), PAST_DAYS + 1), dtype=np.int64) for name in _TABLES}
        for name, column in _TABLES.items():
            tables[name][places] = found[column][its].astype(np.int64)
        today = its_days == day
        methods = zip(its_rules[today].tolist(), found["methods"][its][today].tolist(), strict=True)
        yield _Rules(tenant, tuple(names), methods={rule: tuple(some.split()) for rule, some in methods}, **tables)


def _first_day(calls: Ints) -> Ints:
    """Of each rule, the first day with calls that it could have applied to."""
    found: Ints = (calls > 0).argmax(axis=1)
    return found


def _seen(columns: Source, rules: _Rules, alert: Alert, *, day: int) -> Seen:
    at, silent = alert.about[0], alert.signal == "silence"
    rule = rules.names[at]
    methods = rules.methods.get(rule, ())
    which = Which(
        tenant=rules.tenant,
        span=Span.of_day(day),
        having=(("method", methods if len(methods) <= _MOST_METHODS else ()),) if silent else (("rule", (rule,)),),
        without=rule if silent else "",
    )
    days = zip(range(day - PAST_DAYS, day + 1), rules.matches[at].tolist(), rules.calls[at].tolist(), strict=True)
    revisions = rules.revisions[at]
    shown: dict[str, Any] = {
        "signal": alert.signal,
        "days": [{"at_ms": when * DAY_MS, "matches": n, "calls": calls} for when, n, calls in days if calls],
        "revisions": {"before": int(revisions[:-1].max()), "now": int(revisions[-1])},
    }
    return told(
        alert,
        kind="silence",
        about=(("rule", rule),),
        which=which,
        decisions=which.ids(columns),
        looks=LOOKS,
        reach=round(alert.expected - alert.seen) if silent else int(alert.seen),
        shown=shown,
    )
