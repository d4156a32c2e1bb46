"""How the audit service gets on as metrics: what it stores, what waits, and what it has signed."""

import time
from collections.abc import Callable

from opentelemetry.metrics import Observation

from gateway.watching.meters import Meters
from services.audit.progress import Progress
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.store import DecisionStore


class WritingMetrics:
    """Exports them whenever somebody asks. `clock_ms` gives milliseconds since the epoch."""

    def __init__(
        self,
        meters: Meters,
        progress: Progress,
        *,
        checkpoints: Checkpoints,
        store: DecisionStore,
        clock_ms: Callable[[], int],
    ) -> None:
        counter, gauge = meters.meter.create_observable_counter, meters.meter.create_observable_gauge
        taken, quarantined = _seen(lambda: progress.taken), _seen(lambda: progress.quarantined)
        counter("pilote.audit.entries", [taken], "{entry}", "Entries stored, of what gateways write of calls.")
        counter("pilote.audit.quarantined", [quarantined], "{entry}", "Entries that cannot be stored, set aside.")
        failing = _seen(lambda: int(progress.failing or progress.stalled(time.monotonic())))
        gauge("pilote.audit.failing", [failing], "", "1 while nothing can be stored, else 0: entries wait in Redis.")
        gauge("pilote.stream.lag", [_seen(lambda: progress.lag.entries)], "{entry}", "Entries that wait to be stored.")

        def waiting_s() -> float:
            oldest_ms = progress.lag.oldest_ms
            return 0.0 if oldest_ms is None else max(0, clock_ms() - oldest_ms) / 1000

        gauge("pilote.stream.lag.time", [_seen(waiting_s)], "s", "How long the oldest of them has waited.")
        gauge("pilote.log.size", [_seen(lambda: checkpoints.size)], "{entry}", "Entries that are signed.")

        def unsigned_s() -> float:
            return max(0, clock_ms() - checkpoints.whole_ms) / 1000

        gauge("pilote.log.checkpoint.age", [_seen(unsigned_s)], "s", "Since when not all of the log is signed.")
        lost = _seen(lambda: len(store.unreadable))
        gauge("pilote.audit.segments.unreadable", [lost], "{segment}", "Hours of decisions that cannot be read.")
        meters.include(progress.latency.metric)


def _seen(look: Callable[[], float]) -> Callable[[object], list[Observation]]:
    return lambda _: [Observation(look())]
