"""How the workbench does, as metrics. Labels are grades of findings: three."""

import time
from collections.abc import Iterable
from typing import Final, NamedTuple

from opentelemetry.metrics import Observation

from gateway.watching.gauges import Gauge, Gauges
from gateway.watching.meters import Meters
from services.findings.finding import CLOSED, Finding, Grade


class Seen(NamedTuple):
    """What is known after a round."""

    read: int
    """Entries of the log that have been looked at."""
    ended_s: float
    """When it ended, by the monotonic clock."""
    findings: tuple[Finding, ...]


class WorkbenchMetrics(Gauges[Seen]):
    """Exports what it was told last."""

    def __init__(self, meters: Meters) -> None:
        super().__init__(meters, gauges=_GAUGES)


def _read(seen: Seen) -> Iterable[Observation]:
    yield Observation(seen.read)


def _late(seen: Seen) -> Iterable[Observation]:
    yield Observation(max(0.0, time.monotonic() - seen.ended_s))


def _open(seen: Seen) -> Iterable[Observation]:
    opened = [each for each in seen.findings if each.state not in CLOSED]
    for grade in Grade:
        yield Observation(sum(each.grade is grade for each in opened), {"pilote.finding.grade": grade.value})


_GAUGES: Final = {
    "pilote.insights.read": Gauge(_read, "", "Entries of the log that moderators' statistics have looked at."),
    "pilote.insights.late": Gauge(_late, "s", "How long ago all of it was looked at."),
    "pilote.insights.findings": Gauge(_open, "", "Findings that are open, by how urgent they are."),
}
