"""How webhooks do, as metrics. Labels are ids of endpoints, which operators add, and how attempts ended."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from opentelemetry.metrics import Observation

from gateway.adapters.webhooks import Standing
from gateway.watching.gauges import Gauge, Gauges
from gateway.watching.meters import Meters


class Seen(NamedTuple):
    """How one endpoint does now."""

    endpoint: str
    standing: Standing
    now_ms: int


class WebhookMetrics:
    """Counts attempts, and exports the endpoints and the following that it was told last."""

    def __init__(self, meters: Meters) -> None:
        self._endpoints = Gauges[Seen](meters, gauges=_GAUGES)
        self._following = Gauges[bool](meters, gauges=_FOLLOWING)
        self._attempts = meters.meter.create_counter(
            "pilote.webhooks.attempts", "{attempt}", "Attempts to tell other systems of events, by how they ended."
        )

    def tell(self, seen: Iterable[Seen], *, follows: bool) -> None:
        """Export these from now on, and whether decisions are followed."""
        self._endpoints.tell(seen)
        self._following.tell((follows,))

    def count(self, endpoint: str, end: str) -> None:
        """Count an attempt that was "delivered", "failed" or, being the last, "dead"."""
        self._attempts.add(1, {"pilote.webhook": endpoint, "pilote.webhook.end": end})


def _waiting(seen: Seen) -> Iterable[Observation]:
    yield Observation(seen.standing.waiting, _labels(seen))


def _dead(seen: Seen) -> Iterable[Observation]:
    yield Observation(seen.standing.dead, _labels(seen))


def _left_out(seen: Seen) -> Iterable[Observation]:
    yield Observation(seen.standing.left_out, _labels(seen))


def _lag(seen: Seen) -> Iterable[Observation]:
    """In seconds."""
    due_ms = seen.standing.oldest_ms
    yield Observation(max(0, seen.now_ms - due_ms) / 1_000 if due_ms else 0, _labels(seen))


def _follows(follows: bool) -> Iterable[Observation]:  # noqa: FBT001 - a gauge observes one thing
    yield Observation(int(follows))


def _labels(seen: Seen) -> dict[str, str]:
    return {"pilote.webhook": seen.endpoint}


_GAUGES: Final = {
    "pilote.webhooks.waiting": Gauge(_waiting, "", "Events that wait to be sent to an endpoint."),
    "pilote.webhooks.dead": Gauge(_dead, "", "Events that did not arrive at an endpoint and are not tried any more."),
    "pilote.webhooks.left_out": Gauge(_left_out, "", "Events that found too much waiting, and are to be filled in."),
    "pilote.webhooks.lag": Gauge(_lag, "s", "How long the oldest event that is due has waited."),
}
_FOLLOWING: Final = {
    "pilote.webhooks.following": Gauge(_follows, "", "1 while decisions are followed; else they are told later."),
}
