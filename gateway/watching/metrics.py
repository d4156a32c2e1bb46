"""Metrics of a gateway: calls, decisions, what the gateway adds to a call, and rules that fail.

Labels are bounded: names from the policy and closed lists, never what a caller sent.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from opentelemetry.metrics import Observation

from gateway.core.guarding import GuardLook
from gateway.core.limits import Bucket
from gateway.core.record import BucketLook
from gateway.core.shadows import ShadowResult
from gateway.watching import semconv
from gateway.watching.histogram import Histogram, Seen
from gateway.watching.meters import Meters
from gateway.watching.near_limits import NearLimits
from gateway.watching.trace_context import CallTrace

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


class Timed(msgspec.Struct, frozen=True, gc=False):
    """How long a call took, and how it ended."""

    duration_s: float
    overhead_ms: float
    """What the gateway added."""
    status: str
    trace: CallTrace | None
    """Where the call stands in its trace, if its span is exported."""
    ended_s: float
    """Seconds since the epoch."""


class Metered(msgspec.Struct, frozen=True):
    """What is counted of one decision."""

    verdict: str
    reason: str
    route: str
    timed: Timed | None
    """`None` for a decision that is no call of its own."""
    method: str
    """The described method; empty where nobody has described it."""
    revision: int
    buckets: Sequence[Bucket] = ()
    looks: Sequence[BucketLook] = ()
    """What admission found in these buckets."""
    failed: tuple[str, ...] = ()
    """Names of the rules that failed."""
    tries: tuple[Tried, ...] = ()
    unasked: Unasked | None = None
    """`None` where the version answered that was asked for, or nobody says which one did."""


class _Durations(Histogram[tuple[str, str]]):
    """`rpc.server.call.duration`, by method and status."""

    def attributes(self, key: tuple[str, str]) -> Mapping[str, str]:
        """See `Histogram`."""
        method, status = key
        said = {
            semconv.RPC_SYSTEM: semconv.GRPC,
            semconv.RPC_METHOD: method.removeprefix("/") or semconv.OTHER,
            semconv.RPC_STATUS: status,
        }
        return said if status == "OK" else {**said, semconv.ERROR_TYPE: status}


class RevisionMetrics:
    """Says which revision a process runs."""

    def __init__(self, meters: Meters) -> None:
        gauge = meters.meter.create_gauge
        self._active = gauge("pilote.revision.active", "", "Number of the revision that runs here; 0 for none.")
        self._refused = gauge("pilote.revision.refused", "", "Number of the active revision where it is refused here.")
        self.tell(0, 0)

    def tell(self, number: int, refused: int) -> None:
        """The revision that runs, and the newer one that is refused; 0 for none."""
        self._active.set(number)
        self._refused.set(refused)


class Metrics:
    """Counts what calls came to. Use it from one thread."""

    def __init__(self, meters: Meters) -> None:
        self._durations = _Durations(
            semconv.CALL_DURATION,
            unit="s",
            description="How long calls took, from the first byte to the last.",
            bounds=semconv.CALL_DURATION_BOUNDS,
        )
        self._overhead: Histogram[tuple[str]] = Histogram(
            "pilote.overhead",
            unit="ms",
            description="What the gateway added to calls: their time less the upstream's.",
            bounds=_OVERHEAD_MS,
            labels=("pilote.route",),
        )
        self.near: Final = NearLimits()
        self.revision: Final = RevisionMetrics(meters)
        self._meters = meters
        self._calls: list[Callable[[], int]] = []
        meters.include(self._durations.metric)
        meters.include(self._overhead.metric)
        counter = meters.meter.create_counter
        self._attempts = counter("pilote.upstream.attempts", "{attempt}", "Tries to have calls answered.")
        self._decisions = counter("pilote.decisions", "{decision}", "Decisions, by what was said.")
        self._copies = counter("pilote.copies", "{copy}", "Copies of calls, by how they ended.")
        self._unasked = counter("pilote.version.unasked", "{answer}", "Answers of a version that was not asked for.")
        self._failures = counter("pilote.rule.failures", "{failure}", "Rules that failed at run time.")
        meters.meter.create_observable_gauge(
            "pilote.buckets.near_limit",
            [lambda _: [Observation(count, {"pilote.limit": limit}) for limit, count in self.near.counts().items()]],
            "{bucket}",
            "Buckets of limits that calls of the last minute found nine tenths full or more.",
        )

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
            if call.timed is not None:
                self._time(call, call.timed)
            if call.looks:
                self.near.look(call.buckets, call.looks)
        for (verdict, reason, route), count in decisions.items():
            said = {"pilote.verdict": verdict, "pilote.reason": reason, "pilote.route": route}
            self._decisions.add(count, {name: value for name, value in said.items() if value})
        for (rule, revision, method), count in failures.items():
            named: dict[str, str | int] = {"pilote.rule": rule, "pilote.revision": revision, "rpc.method": method}
            self._failures.add(count, named)
        for tried, count in tries.items():
            self._attempts.add(count, {f"pilote.{name}": value for name, value in tried._asdict().items()})

    def _time(self, call: Metered, timed: Timed) -> None:
        self._overhead.of((call.route,)).add(timed.overhead_ms)
        series = self._durations.of((call.method, timed.status))
        place = series.add(timed.duration_s)
        if timed.trace is not None:
            series.seen[place] = Seen(timed.duration_s, timed.trace.trace_id, timed.trace.span_id, timed.ended_s)

    def observe(self, guards: Callable[[], Mapping[str, GuardLook]]) -> None:
        """Export how what stands before upstreams is doing; asked from another thread whenever metrics are exported."""

        def reading(read: Callable[[GuardLook], int]) -> Callable[[object], list[Observation]]:
            return lambda _: [Observation(read(look), {"pilote.upstream": name}) for name, look in guards().items()]

        meter = self._meters.meter
        gauge, counter = meter.create_observable_gauge, meter.create_observable_counter
        state = reading(lambda look: ("closed", "half-open", "open").index(look.state))
        gauge("pilote.upstream.breaker", [state], "", "Breaker of an upstream: 0 closed, 1 half-open, 2 open.")
        ejected = reading(lambda look: look.ejected)
        gauge("pilote.upstream.ejected", [ejected], "{address}", "Addresses of an upstream that get no calls now.")
        ejections = reading(lambda look: look.ejections)
        counter("pilote.upstream.ejections", [ejections], "{ejection}", "How often an address was left alone.")

    def observe_spool(self, look: Callable[[], tuple[int, int]]) -> None:
        """Export how many records wait on disk, and the bytes of their file; asked from another thread."""
        gauge = self._meters.meter.create_observable_gauge
        waiting, size = [lambda _: [Observation(look()[0])]], [lambda _: [Observation(look()[1])]]
        gauge("pilote.spool.waiting", waiting, "{record}", "Records on disk that the store has not taken yet.")
        gauge("pilote.spool.size", size, "By", "Length of the file that they wait in.")

    def observe_calls(self, look: Callable[[], int]) -> None:
        """Export how many calls are under way, in all that were told of here; asked from another thread."""
        self._calls.append(look)
        if len(self._calls) > 1:
            return
        observe = [lambda _: [Observation(sum(each() for each in self._calls))]]
        gauge = self._meters.meter.create_observable_gauge
        gauge("pilote.calls.in_flight", observe, "{call}", "Calls that have begun and not ended; a stream is one.")

    def include(self, histogram: Histogram[tuple[str]]) -> None:
        """Export a histogram that is counted elsewhere."""
        self._meters.include(histogram.metric)

    def add_copy(self, copy: ShadowResult) -> None:
        """Count a copy that has ended."""
        said = {"kind": copy.kind, "route": copy.route, "arm": copy.arm, "end": copy.end.value}
        self._copies.add(1, {f"pilote.copy.{name}": value for name, value in said.items()})
