"""What was taken, as metrics. Labels are names of sources and kinds of events: all bounded."""

from gateway.watching.meters import Meters


class IntakeMetrics:
    """Counts events by how they ended: accepted, repeated, anonymous or rejected."""

    def __init__(self, meters: Meters) -> None:
        self._events = meters.meter.create_counter(
            "pilote.intake.events", "{event}", "Events that other systems have sent, by how they ended."
        )

    def count(self, source: str, kind: str, end: str, count: int) -> None:
        """Count so many events; `kind` is empty for those that are none."""
        labels = {"pilote.source": source, "pilote.intake.kind": kind, "pilote.intake.end": end}
        self._events.add(count, {name: value for name, value in labels.items() if value})
