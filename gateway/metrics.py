"""Metrics over OTLP: decisions, what the gateway adds to a call, and rules that fail.

Labels are bounded: names from the policy and closed lists, never what a caller sent.
"""

import bisect
import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
    ScopeMetrics,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from gateway.core.guarding import GuardLook
from gateway.core.shadows import ShadowResult
from gateway.instance import Instance

EXPORT_EVERY_MS: Final = 10_000
_OVERHEAD_MS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000)


class Tried(NamedTuple):
    """One try to have a call answered."""

    upstream: str
    why: str
    status: str


class Unasked(NamedTuple):
    """A version that has answered in place of the one that was asked for."""

    upstream: str
    model: str
    version: str
    """The one that was asked for."""


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
    tries: tuple[Tried, ...] = ()
    unasked: Unasked | None = None
    """`None` where the version answered that was asked for, or nobody says which one did."""


class Metrics:
    """Counts what calls came to. Use it from one thread; exports from one of its own."""

    def __init__(self, instance: Instance, *, exporter: MetricExporter) -> None:
        self._overhead = _Overhead(instance.version)
        reader = PeriodicExportingMetricReader(
            _WithOverhead(exporter, self._overhead), export_interval_millis=EXPORT_EVERY_MS
        )
        self._provider = MeterProvider(
            metric_readers=[reader],
            resource=instance.resource,
            shutdown_on_exit=False,
        )
        meter = self._meter = self._provider.get_meter("pilote", instance.version)
        self._attempts = meter.create_counter("pilote.upstream.attempts", unit="{attempt}")
        self._decisions = meter.create_counter("pilote.decisions", unit="{decision}")
        self._copies = meter.create_counter("pilote.copies", unit="{copy}")
        self._unasked = meter.create_counter("pilote.version.unasked", unit="{answer}")
        self._failures = meter.create_counter("pilote.rule.failures", unit="{failure}")
        self._revision = meter.create_gauge("pilote.revision.active")
        self._refused = meter.create_gauge("pilote.revision.refused")

    def add(self, calls: Iterable[Metered]) -> None:
        """Count calls that have ended; in one go, for each alone costs several times as much."""
        decisions: Counter[tuple[str, str, str]] = Counter()
        failures: Counter[tuple[str, int, str]] = Counter()
        tries: Counter[Tried] = Counter()
        for call in calls:
            tries.update(call.tries)
            if call.unasked is not None:  # rare, so each alone
                self._unasked.add(1, {f"pilote.{name}": value for name, value in call.unasked._asdict().items()})
            decisions[call.verdict, call.reason, call.route] += 1
            for rule in call.failed:
                failures[rule, call.revision, call.method] += 1
            if call.overhead_ms is not None:
                self._overhead.add(call.route, call.overhead_ms)
        for (verdict, reason, route), count in decisions.items():
            said = {"pilote.verdict": verdict, "pilote.reason": reason, "pilote.route": route}
            self._decisions.add(count, {name: value for name, value in said.items() if value})
        for (rule, revision, method), count in failures.items():
            named: dict[str, str | int] = {"pilote.rule": rule, "pilote.revision": revision, "rpc.method": method}
            self._failures.add(count, named)
        for tried, count in tries.items():
            self._attempts.add(count, {f"pilote.{name}": value for name, value in tried._asdict().items()})

    def observe(self, guards: Callable[[], Mapping[str, GuardLook]]) -> None:
        """Export how what stands before upstreams is doing; asked from another thread whenever metrics are exported."""

        def reading(read: Callable[[GuardLook], int]) -> Callable[[object], list[Observation]]:
            return lambda _: [Observation(read(look), {"pilote.upstream": name}) for name, look in guards().items()]

        gauge, counter = self._meter.create_observable_gauge, self._meter.create_observable_counter
        gauge("pilote.upstream.breaker", [reading(lambda look: ("closed", "half-open", "open").index(look.state))])
        gauge("pilote.upstream.ejected", [reading(lambda look: look.ejected)], unit="{address}")
        counter("pilote.upstream.ejections", [reading(lambda look: look.ejections)], unit="{ejection}")

    def revision(self, number: int, *, refused: int) -> None:
        """Say which revision this process runs, and which newer one it refuses; 0 for none."""
        self._revision.set(number)
        self._refused.set(refused)

    def add_copy(self, copy: ShadowResult) -> None:
        """Count a copy that has ended."""
        said = {"kind": copy.kind, "route": copy.route, "arm": copy.arm, "end": copy.end.value}
        self._copies.add(1, {f"pilote.copy.{name}": value for name, value in said.items()})

    def close(self) -> None:
        """Export what is left; blocks for some seconds at most where the collector does not answer."""
        self._provider.shutdown(timeout_millis=5_000)


def otlp(endpoint: str) -> MetricExporter:
    """An exporter to an OTLP gRPC endpoint; "http://" means without TLS."""
    return OTLPMetricExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=5)


class _Values:
    """The overheads of one route, in milliseconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(_OVERHEAD_MS) + 1)
        self.total = 0.0
        self.least = math.inf
        self.most = 0.0


class _Overhead:
    """The histogram `pilote.overhead`, counted here: the SDK's own takes 6 us a value, and every call has one."""

    def __init__(self, version: str) -> None:
        # Not the SDK's: of two scopes that are equal the exporter keeps one.
        self._scope = InstrumentationScope("pilote.overhead", version)
        self._begun_ns = time.time_ns()
        self._routes: dict[str, _Values] = {}

    def add(self, route: str, overhead_ms: float) -> None:
        """Count one value."""
        values = self._routes.get(route)
        if values is None:
            values = self._routes[route] = _Values()
        values.counts[bisect.bisect_left(_OVERHEAD_MS, overhead_ms)] += 1
        values.total += overhead_ms
        values.least = min(values.least, overhead_ms)
        values.most = max(values.most, overhead_ms)

    def metrics(self) -> ScopeMetrics:
        """All that was counted so far. May be asked from another thread: what comes in meanwhile counts next time."""
        now_ns = time.time_ns()
        points = [
            HistogramDataPoint(
                attributes={"pilote.route": route} if route else {},
                start_time_unix_nano=self._begun_ns,
                time_unix_nano=now_ns,
                count=sum(counts),
                sum=values.total,
                bucket_counts=counts,
                explicit_bounds=_OVERHEAD_MS,
                min=values.least,
                max=values.most,
            )
            for route, values in list(self._routes.items())
            for counts in (tuple(values.counts),)
        ]
        data = Histogram(data_points=points, aggregation_temporality=AggregationTemporality.CUMULATIVE)
        metric = Metric(name="pilote.overhead", description="", unit="ms", data=data)
        return ScopeMetrics(scope=self._scope, metrics=[metric], schema_url="")


class _WithOverhead(MetricExporter):
    """Exports what the SDK has counted, and the overhead beside it."""

    def __init__(self, inner: MetricExporter, overhead: _Overhead) -> None:
        super().__init__()
        self._inner = inner
        self._overhead = overhead

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        """See `MetricExporter`."""
        overhead = self._overhead.metrics()
        whole = [
            dataclasses.replace(each, scope_metrics=[*each.scope_metrics, overhead])
            for each in metrics_data.resource_metrics
        ]
        return self._inner.export(MetricsData(resource_metrics=whole), timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """See `MetricExporter`."""
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """See `MetricExporter`."""
        self._inner.shutdown(timeout_millis, **kwargs)
