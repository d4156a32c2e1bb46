"""Gauges over OTLP that show what was told last, from a thread of their own."""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader

from gateway.instance import Instance
from gateway.metrics import EXPORT_EVERY_MS

T = TypeVar("T")


class Gauges(Generic[T]):
    """One gauge for each name in `gauges`, with what it observes of each thing that was told; each has the unit 1."""

    def __init__(
        self,
        instance: Instance,
        *,
        exporter: MetricExporter,
        gauges: Mapping[str, Callable[[T], Iterable[Observation]]],
    ) -> None:
        self._told: tuple[T, ...] = ()
        self._provider = MeterProvider(
            metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=EXPORT_EVERY_MS)],
            resource=instance.resource,
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter("pilote", instance.version)
        for name, observe in gauges.items():
            meter.create_observable_gauge(name, [self._each(observe)], unit="1")

    def tell(self, told: Iterable[T]) -> None:
        """Export these from now on; what is not among them is exported no more."""
        self._told = tuple(told)

    def close(self) -> None:
        """Export what was told last; blocks for some seconds at most where the collector does not answer."""
        self._provider.shutdown(timeout_millis=5_000)

    def _each(self, observe: Callable[[T], Iterable[Observation]]) -> Callable[[CallbackOptions], list[Observation]]:
        return lambda _options: [seen for each in self._told for seen in observe(each)]
