"""Objectives as metrics: how fast each error budget burns, what is left, and whether somebody must look.

Labels are names of routes, kinds of objectives, windows and severities: all bounded by the policy.
"""

from collections.abc import Iterable
from typing import Final

from opentelemetry.metrics import Observation

from gateway.core.service_objectives import PAIRS, Standing
from gateway.watching.gauges import Gauge, Gauges
from gateway.watching.meters import Meters

_UNITS_MS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))


class ObjectiveMetrics(Gauges[Standing]):
    """Exports the objectives that it was told last."""

    def __init__(self, meters: Meters) -> None:
        super().__init__(meters, gauges=_GAUGES)


def _burn_rates(standing: Standing) -> Iterable[Observation]:
    for window in standing.windows:
        if window.burn_rate is not None:  # no traffic is no burn rate of 0
            yield Observation(window.burn_rate, {**_labels(standing), "pilote.window": _name(window.length_ms)})


def _budgets(standing: Standing) -> Iterable[Observation]:
    if standing.budget_left is not None:
        yield Observation(standing.budget_left, _labels(standing))


def _alerts(standing: Standing) -> Iterable[Observation]:
    """1 while somebody must look, else 0."""
    for severity in dict.fromkeys(pair.severity for pair in PAIRS):
        raised = any(pair.severity == severity for pair in standing.alerts)
        yield Observation(int(raised), {**_labels(standing), "pilote.severity": severity})


def _labels(standing: Standing) -> dict[str, str]:
    return {"pilote.route": standing.route, "pilote.objective": standing.kind}


def _name(length_ms: int) -> str:
    """A window as people write it: "5m", "3d"."""
    unit, size = next((unit, size) for unit, size in _UNITS_MS if length_ms % size == 0)
    return f"{length_ms // size}{unit}"


_GAUGES: Final = {
    "pilote.objective.burn_rate": Gauge(
        _burn_rates, "1", "How fast a route uses up its error budget; at 1 it lasts exactly as long as it should."
    ),
    "pilote.objective.budget_left": Gauge(_budgets, "1", "Share of a route's error budget that is left."),
    "pilote.objective.alert": Gauge(_alerts, "", "1 while somebody must look at a route, else 0."),
}
