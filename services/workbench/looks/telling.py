"""From an alert of the statistics to what a look has seen: how grave it is, and which decisions show it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from services.findings.finding import MOST_DECISIONS, Seen
from services.insights.signals.alerts import FALSE_ALARMS, Alert
from services.workbench.columns.source import Source
from services.workbench.looks.spans import DAY_MS, ID, SUBJECT, Span, quoted

PAST_DAYS: Final = 28
"""What a day or an hour is compared with: so many days before its own."""
FIRST: Final = f"""first AS (SELECT tenant, (min(at_ms) + {DAY_MS - 1}) // {DAY_MS} * {DAY_MS} AS first_ms
 FROM admitted WHERE tenant NOT IN ('', '_') GROUP BY tenant)"""  # noqa: S608 - our own names
"""In SQL, when each tenant's first whole day began: an earlier time is no past, however quiet it looks."""
OWN: Final = """tenant NOT IN ('', '_') AND agent <> '' AND NOT standby AND NOT repeats
 AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms"""
"""In SQL, calls of their own in a time, of agents that somebody could identify."""
REASON: Final = "coalesce(nullif(admitted.reason, ''), settled.reason, '')"
"""In SQL, why a call did not succeed, as the field `reason` of filters has it."""
REFUSED: Final = "verdict <> 'ALLOW' AND (rule <> '' OR admitted.reason = 'POLICY_DENIED')"
"""In SQL, whether a rule, limit, cap or stop has refused a call: not that it was malformed or failed."""
_RULES: Final = "string_split(concat_ws(' ', admitted.rule, admitted.rules, admitted.watched), ' ')"
_PLAIN: Final = ("agent", "method", "operation", "verdict", "channel", "category", "model")
_IS: Final[Mapping[str, str]] = {
    **{name: f"admitted.{name}" for name in _PLAIN},
    "subject_ref": SUBJECT,
    "reason": REASON,
}
_SAMPLED: Final = """SELECT {id} AS id
 FROM admitted LEFT JOIN settled ON settled.id = admitted.id
 WHERE admitted.tenant = $tenant AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms{also}
 ORDER BY admitted.id LIMIT {most}"""


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions: those of a tenant in a time whose fields have one of some values."""

    tenant: str
    span: Span
    """In whole seconds."""
    having: tuple[tuple[str, tuple[str, ...]], ...]
    """Names of fields as filters have them, each with its values; none of an empty list is asked for."""
    without: str = ""
    """A rule that did not apply to them."""

    @property
    def filter(self) -> str:
        """As `pilote decisions list` takes it."""
        parts = [f"tenant = {quoted(self.tenant)}"]
        for name, values in self.having:
            either = " OR ".join(f"{name} = {quoted(each)}" for each in values)
            parts += [f"({either})" if len(values) > 1 else either] if values else []
        parts += [f"NOT rule = {quoted(self.without)}"] if self.without else []
        return " AND ".join([*parts, self.span.filter])

    def ids(self, columns: Source) -> tuple[str, ...]:
        """Ids of the first of them."""
        values: dict[str, object] = {"tenant": self.tenant} | msgspec.structs.asdict(self.span)
        also = ""
        for at, (name, some) in enumerate(each for each in self.having if each[1]):
            values[f"some_{at}"] = list(some)
            told = (
                f"list_has_any({_RULES}, $some_{at})" if name == "rule" else f"list_contains($some_{at}, {_IS[name]})"
            )
            also += f" AND {told}"
        if self.without:
            values["without"] = self.without
            also += f" AND NOT list_contains({_RULES}, $without)"
        found = columns.asked(_SAMPLED.format(id=ID, also=also, most=MOST_DECISIONS), values)
        return tuple(str(each) for each in found["id"])


def told(
    alert: Alert,
    *,
    kind: str,
    about: tuple[tuple[str, str], ...],
    which: Which,
    decisions: Sequence[str],
    looks: int,
    reach: int,
    of: str = "calls",
    shown: Mapping[str, Any],
) -> Seen:
    """What was seen. `looks` is how many of a week share the false alarms that are stated."""
    return Seen(
        kind=kind,
        tenant=which.tenant,
        about=about,
        start_ms=which.span.start_ms,
        end_ms=which.span.end_ms,
        size=gravity(alert.low, alert.high),
        reach=reach,
        of=of,
        certainty=1 - min(1.0, alert.p_value * looks),
        value=alert.ratio,
        low=alert.low,
        high=alert.high,
        level=alert.level,
        n=alert.sample,
        m=alert.reference,
        false_alarms=FALSE_ALARMS,
        filter=which.filter,
        decisions=tuple(decisions)[:MOST_DECISIONS],
        shown={"seen": alert.seen, "expected": alert.expected, **shown},
    )


def gravity(low: float, high: float) -> float:
    """How grave it is, 0 to 1: the share of what was seen that is surely beyond what was expected, or missing."""
    return 1 - 1 / low if low > 1 else max(0.0, 1 - high)
