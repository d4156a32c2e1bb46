"""Exporters to a collector by TLS: they show the process's certificate, and the new one once it was renewed."""

import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import grpc
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from gateway.certificates import Certificates, Pem, own


class _Exporter(Protocol):
    def shutdown(self) -> None: ...


E = TypeVar("E", bound=_Exporter)
Make = Callable[[grpc.ChannelCredentials | None], E]
"""Makes an exporter; `None` leaves encryption to the endpoint and to OpenTelemetry's own variables."""


def spans_to(endpoint: str, make: Make[SpanExporter]) -> SpanExporter:
    """An exporter of spans to that endpoint."""
    certificates = _own_for(endpoint)
    return make(None) if certificates is None else _Spans(_Renewed(certificates, make))


def metrics_to(endpoint: str, make: Make[MetricExporter]) -> MetricExporter:
    """An exporter of metrics to that endpoint."""
    certificates = _own_for(endpoint)
    return make(None) if certificates is None else _Metrics(_Renewed(certificates, make))


def _own_for(endpoint: str) -> Certificates | None:
    return own() if endpoint.startswith("https://") else None


class _Renewed(Generic[E]):
    """One exporter, made anew for the next export once the certificates have changed."""

    def __init__(self, certificates: Certificates, make: Make[E]) -> None:
        self._certificates, self._make = certificates, make
        self._pem = certificates.now()
        self.last = self._made()

    def current(self) -> E:
        pem = self._certificates.now()
        if pem is not self._pem:
            self._pem = pem
            self.last.shutdown()
            self.last = self._made()
        return self.last

    def _made(self) -> E:
        return self._make(_credentials(self._pem))


class _Spans(SpanExporter):
    def __init__(self, renewed: _Renewed[SpanExporter]) -> None:
        self._renewed = renewed

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._renewed.current().export(spans)

    def shutdown(self) -> None:
        self._renewed.last.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._renewed.last.force_flush(timeout_millis)


class _Metrics(MetricExporter):
    def __init__(self, renewed: _Renewed[MetricExporter]) -> None:
        super().__init__()
        self._renewed = renewed

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        return self._renewed.current().export(metrics_data, timeout_millis, **kwargs)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._renewed.last.shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._renewed.last.force_flush(timeout_millis)


def _credentials(pem: Pem) -> grpc.ChannelCredentials:
    """A collector is one of ours, or somebody's that this system believes."""
    file = ssl.get_default_verify_paths().cafile
    system = Path(file).read_bytes() if file and Path(file).exists() else b""
    return grpc.ssl_channel_credentials(pem.authority + b"\n" + system, pem.key, pem.certificate)
