"""Looks for channels that are saturated: of whose customers most have no room left under their caps.

Every complete week (ISO, UTC) of a tenant is one look, at all its channels: that half of them or fewer are at 90 % of a
cap or more, or what settings say, must be excluded by an exact test, whose 5 % are parted over the channels.
"""

from collections.abc import Sequence
from typing import Final

from services.findings.finding import MOST_DECISIONS, Seen
from services.insights.pressure.segments import Standing, Target
from services.workbench.columns.source import Source
from services.workbench.looks.pressure_contacts import WEEK_MS, week_of
from services.workbench.looks.pressure_evidence import estimated
from services.workbench.looks.spans import ID, Span, quoted
from services.workbench.looks.standings import TARGET, Channel, full_of, standings

ALPHA: Final = 0.05
"""Of weeks in which no channel of a tenant is saturated at most this share has any finding."""
_NAMED: Final = """SELECT {id} AS id FROM admitted
 WHERE tenant = $tenant AND channel = $channel AND operation = 'CONTACT' AND cap <> '' AND NOT standby AND NOT repeats
  AND at_ms >= $start_ms AND at_ms < $end_ms AND 100 * cap_used >= {full} * cap_capacity
 ORDER BY admitted.id LIMIT {most}"""


class SaturationLook:
    """See `services.workbench.looking.Look`."""

    kind = "saturation"

    def __init__(self, target: Target = TARGET) -> None:
        self._target = target

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """The saturated channels of the last complete week."""
        week_ms = week_of(now_ms) - WEEK_MS
        span = Span(week_ms, week_ms + WEEK_MS)
        seen: list[Seen] = []
        for tenant in columns.tenants():
            channels = standings(columns, tenant, week_ms=week_ms, alpha=ALPHA, target=self._target)
            seen += [
                _seen(columns, tenant, each, span=span, channels=len(channels), beyond=full_of(self._target))
                for each in channels.values()
                if each.segment.standing is Standing.SATURATED
            ]
        return seen


def _seen(columns: Source, tenant: str, channel: Channel, *, span: Span, channels: int, beyond: int) -> Seen:
    segment = channel.segment
    full = segment.above
    assert full is not None  # noqa: S101 - who is judged has one
    values = {"tenant": tenant, "channel": segment.name, "start_ms": span.start_ms, "end_ms": span.end_ms}
    found = columns.asked(_NAMED.format(id=ID, full=beyond, most=MOST_DECISIONS), values)
    parts = (f"tenant = {quoted(tenant)}", f"channel = {quoted(segment.name)}", "operation = CONTACT", span.filter)
    return Seen(
        kind="saturation",
        tenant=tenant,
        about=(("channel", segment.name),),
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        size=full.low,
        reach=round(full.value * segment.people),
        of="people",
        certainty=1 - min(1.0, channel.p_value * channels),
        value=full.value,
        low=full.low,
        high=full.high,
        level=full.level,
        n=segment.people,
        false_alarms=ALPHA,
        filter=" AND ".join(parts),
        decisions=tuple(str(each) for each in found["id"]),
        shown={"full": beyond, "typical": estimated(segment.typical)},
    )
