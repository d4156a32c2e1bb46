"""All metrics of one process: what the SDK counts and what we count ourselves, over OTLP and to be read here."""

import dataclasses
from collections.abc import Callable
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from gateway.instance import Instance
from gateway.watching.collector_tls import metrics_to
from gateway.watching.semconv import SCHEMA_URL

EXPORT_EVERY_MS: Final = 10_000


class Meters:
    """Where the parts of a process make their metrics. Use it from one thread; exports come from one of its own.

    `exporter` gets all of them every ten seconds; without, they are only there to be read.
    """

    def __init__(self, instance: Instance, *, exporter: MetricExporter | None = None) -> None:
        self.instance: Final = instance
        self._own: list[Callable[[], Metric]] = []
        # Not the SDK's: of two scopes that are equal the exporter keeps one.
        self._scope = InstrumentationScope("pilote.histograms", instance.version, SCHEMA_URL)
        self._reader = InMemoryMetricReader()
        readers: list[MetricReader] = [self._reader]
        if exporter is not None:
            whole = _Whole(exporter, self._with_own)
            readers.append(PeriodicExportingMetricReader(whole, export_interval_millis=EXPORT_EVERY_MS))
        self._provider = MeterProvider(metric_readers=readers, resource=instance.resource, shutdown_on_exit=False)
        self.meter: Final = self._provider.get_meter("pilote", instance.version, schema_url=SCHEMA_URL)

    def include(self, metric: Callable[[], Metric]) -> None:
        """Export a metric that is counted elsewhere, see `Histogram.metric`. It is asked for from other threads."""
        self._own.append(metric)

    def read(self) -> tuple[Metric, ...]:
        """All metrics as they stand. May be called from any thread."""
        data = self._reader.get_metrics_data()
        whole = self._with_own(data if data is not None else MetricsData(resource_metrics=[]))
        return tuple(
            metric for each in whole.resource_metrics for scope in each.scope_metrics for metric in scope.metrics
        )

    def close(self) -> None:
        """Export what is left; blocks for some seconds at most where the collector does not answer."""
        self._provider.shutdown(timeout_millis=5_000)

    def _with_own(self, data: MetricsData) -> MetricsData:
        own = [metric for each in self._own if (metric := each()).data.data_points]
        if not own:
            return data
        scope = ScopeMetrics(scope=self._scope, metrics=own, schema_url=SCHEMA_URL)
        # The SDK gives nothing at all where nothing was counted by it yet.
        parts = data.resource_metrics or [ResourceMetrics(self.instance.resource, [], SCHEMA_URL)]
        first = dataclasses.replace(parts[0], scope_metrics=[*parts[0].scope_metrics, scope])
        return MetricsData(resource_metrics=[first, *parts[1:]])


def otlp(endpoint: str) -> MetricExporter:
    """An exporter to an OTLP gRPC endpoint; "http://" means without TLS."""
    insecure = not endpoint.startswith("https://")
    return metrics_to(
        endpoint, lambda shown: OTLPMetricExporter(endpoint=endpoint, insecure=insecure, credentials=shown, timeout=5)
    )


class _Whole(MetricExporter):
    """Exports what the SDK has counted, and our own beside it."""

    def __init__(self, inner: MetricExporter, add: Callable[[MetricsData], MetricsData]) -> None:
        super().__init__()
        self._inner = inner
        self._add = add

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        """See `MetricExporter`."""
        return self._inner.export(self._add(metrics_data), timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """See `MetricExporter`."""
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """See `MetricExporter`."""
        self._inner.shutdown(timeout_millis, **kwargs)
