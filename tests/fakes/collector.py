"""An OpenTelemetry collector that keeps the spans and metrics it gets."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(TraceServiceServicer):
    """The OTLP endpoint for traces."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.raw: list[bytes] = []
        """Every export as it came, for those who look for what must not be in it."""
        self.endpoint = ""
        self.metrics = _Metrics()

    async def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:  # noqa: N802
        """Keep the spans."""
        self.raw.append(request.SerializeToString())
        self.spans += [span for part in request.resource_spans for scope in part.scope_spans for span in scope.spans]
        return ExportTraceServiceResponse()


class _Metrics(MetricsServiceServicer):
    """The OTLP endpoint for metrics. Each export of one process replaces the one before it: counts only grow."""

    def __init__(self) -> None:
        self.exported: dict[str, list[Metric]] = {}
        """The last export of each process that reports, by the name that it gives itself."""

    async def Export(self, request: ExportMetricsServiceRequest, context: Any) -> ExportMetricsServiceResponse:  # noqa: N802
        """Keep the metrics."""
        for part in request.resource_metrics:
            metrics = [metric for scope in part.scope_metrics for metric in scope.metrics]
            named = {pair.key: pair.value.string_value for pair in part.resource.attributes}
            self.exported[named["service.instance.id"]] = metrics
        return ExportMetricsServiceResponse()

    def metrics(self, name: str) -> list[Metric]:
        """The metrics of that name, as they came from each process."""
        return [metric for metrics in self.exported.values() for metric in metrics if metric.name == name]

    def named(self, name: str) -> list[tuple[dict[str, Any], int]]:
        """The points of one metric, of all processes: attributes, and the sum or the count of it."""
        return [
            (attributes(point), int(getattr(point, "as_int", 0) or getattr(point, "count", 0)))
            for metrics in self.exported.values()
            for metric in metrics
            if metric.name == name
            for point in points(metric)
        ]

    def gauges(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """The points of one gauge, of all processes: attributes and value."""
        return [
            (attributes(point), point.as_double or point.as_int)
            for metrics in self.exported.values()
            for metric in metrics
            if metric.name == name
            for point in metric.gauge.data_points
        ]


def points(metric: Metric) -> list[Any]:
    """The points of a sum, a histogram or a gauge."""
    return [*metric.sum.data_points, *metric.histogram.data_points, *metric.gauge.data_points]


def attributes(span: Any) -> dict[str, Any]:
    """The attributes of a span or of a point by name; texts and numbers only."""
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@contextlib.asynccontextmanager
async def collecting(credentials: "grpc.ServerCredentials | None" = None) -> AsyncIterator[Collector]:
    """A collector that listens until the block ends; with credentials by TLS."""
    collector = Collector()
    server = grpc.aio.server()
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    add_MetricsServiceServicer_to_server(collector.metrics, server)  # type: ignore[no-untyped-call]
    if credentials is None:
        collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    else:
        collector.endpoint = f"https://127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(0)
