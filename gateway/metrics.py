"""Metrics over OTLP: decisions, what the gateway adds to a call, and rules that fail.

Labels are bounded: names from the policy and closed lists, never what a caller sent.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

EXPORT_EVERY_MS: Final = 10_000
_OVERHEAD_MS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000)


class Metered(NamedTuple):
    """What is counted of one decision."""

    verdict: str
    reason: str
    route: str
    overhead_ms: float | None
    """What the gateway added; `None` for a decision that is no call of its own."""
    method: str
    """The described method; empty where nobody has described it."""
    revision: int
    failed: tuple[str, ...] = ()
    """Names of the rules that failed."""


class Metrics:
    """Counts what calls came to. Use it from one thread; exports from one of its own."""

    def __init__(self, *, service: str, version: str, exporter: MetricExporter) -> None:
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=EXPORT_EVERY_MS)
        self._provider = MeterProvider(
            metric_readers=[reader],
            resource=Resource.create({"service.name": service, "service.version": version}),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter("pilote", version)
        self._decisions = meter.create_counter("pilote.decisions", unit="{decision}")
        self._failures = meter.create_counter("pilote.rule.failures", unit="{failure}")
        self._overhead = meter.create_histogram(
            "pilote.overhead", unit="ms", explicit_bucket_boundaries_advisory=_OVERHEAD_MS
        )

    def add(self, calls: Iterable[Metered]) -> None:
        """Count calls that have ended; in one go, for each alone costs several times as much."""
        decisions: Counter[tuple[str, str, str]] = Counter()
        failures: Counter[tuple[str, int, str]] = Counter()
        for call in calls:
            decisions[call.verdict, call.reason, call.route] += 1
            for rule in call.failed:
                failures[rule, call.revision, call.method] += 1
            if call.overhead_ms is not None:
                self._overhead.record(call.overhead_ms, {"pilote.route": call.route})
        for (verdict, reason, route), count in decisions.items():
            said = {"pilote.verdict": verdict, "pilote.reason": reason, "pilote.route": route}
            self._decisions.add(count, {name: value for name, value in said.items() if value})
        for (rule, revision, method), count in failures.items():
            named: dict[str, str | int] = {"pilote.rule": rule, "pilote.revision": revision, "rpc.method": method}
            self._failures.add(count, named)

    def close(self) -> None:
        """Export what is left; blocks for some seconds at most where the collector does not answer."""
        self._provider.shutdown(timeout_millis=5_000)


def otlp(endpoint: str) -> MetricExporter:
    """An exporter to an OTLP gRPC endpoint; "http://" means without TLS."""
    return OTLPMetricExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=5)
