"""Objectives as metrics over OTLP: how fast each error budget burns, what is left, and whether somebody must look.

Labels are names of routes, kinds of objectives, windows and severities: all bounded by the policy.
"""

from collections.abc import Callable, Iterable
from typing import Final

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from gateway.core.objectives import PAIRS, Standing
from gateway.metrics import EXPORT_EVERY_MS

_UNITS_MS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))


class ObjectiveMetrics:
    """Exports what it was told last, from a thread of its own; an objective that is gone is exported no more."""

    def __init__(self, *, service: str, version: str, exporter: MetricExporter) -> None:
        self._standings: tuple[Standing, ...] = ()
        self._provider = MeterProvider(
            metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=EXPORT_EVERY_MS)],
            resource=Resource.create({"service.name": service, "service.version": version}),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter("pilote", version)
        meter.create_observable_gauge("pilote.objective.burn_rate", [self._each(_burn_rates)], unit="1")
        meter.create_observable_gauge("pilote.objective.budget_left", [self._each(_budgets)], unit="1")
        meter.create_observable_gauge("pilote.objective.alert", [self._each(_alerts)], unit="1")

    def tell(self, standings: Iterable[Standing]) -> None:
        """Export these from now on."""
        self._standings = tuple(standings)

    def close(self) -> None:
        """Export what was told last; blocks for some seconds at most where the collector does not answer."""
        self._provider.shutdown(timeout_millis=5_000)

    def _each(
        self, observe: Callable[[Standing], Iterable[Observation]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _options: [seen for standing in self._standings for seen in observe(standing)]


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
