"""What people see of a call once it has ended: a span, and a line in the log."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from opentelemetry.trace import SpanKind

from gateway.callrun import CallRun
from gateway.copies.shadowing import Copied
from gateway.core.guarding import GuardLook
from gateway.core.shadows import CopyEnd
from gateway.passing import known_as
from gateway.records.call_records import status_name
from gateway.watching.histogram import Histogram
from gateway.watching.metrics import Metered, Metrics, Timed, Tried, Unasked
from gateway.watching.spans import attributes_of, attributes_of_copy, name_of, verdict_of
from gateway.watching.trace_context import parsed
from gateway.watching.tracing import Tracing

_log: Final = logging.getLogger("pilote.calls")

SPANS_EVERY_SECONDS: Final = 0.1


class Watch:
    """Told of every call, once, when it has ended. Works from memory and never waits."""

    def __init__(self, tracing: Tracing | None, metrics: Metrics | None, *, call_log: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._tracing = tracing
        self._metrics = metrics
        self._counted: list[_Ended] = []
        self._due: list[tuple[CallRun, int, int]] = []
        self._log_allowed = call_log == "all"
        self._log_refused = call_log in ("all", "refused")

    def standing(self, revision: int, refused: int) -> None:
        """Meter which revision runs here, and which newer one is refused; 0 for none."""
        if self._metrics is not None:
            self._metrics.revision.tell(revision, refused)

    def observe(self, guards: Callable[[], Mapping[str, GuardLook]]) -> None:
        """Export how what stands before upstreams is doing."""
        if self._metrics is not None:
            self._metrics.observe(guards)

    def observe_store(self, latency: Histogram[tuple[str]]) -> None:
        """Export how long the store takes."""
        if self._metrics is not None:
            self._metrics.include(latency)

    def observe_spool(self, look: Callable[[], tuple[int, int]]) -> None:
        """Export how many records wait on disk, and the bytes of their file."""
        if self._metrics is not None:
            self._metrics.observe_spool(look)

    def observe_calls(self, look: Callable[[], int]) -> None:
        """Export how many calls are under way."""
        if self._metrics is not None:
            self._metrics.observe_calls(look)

    def ended(self, run: CallRun) -> None:
        """Export the call's span if it is sampled or went wrong, and log it if it is to be logged."""
        failed, now = run.ended is not None, time.perf_counter()
        over = run.over or now
        ended_ns, took_s = time.time_ns() - int((now - over) * 1e9), over - run.started
        exported = self._tracing is not None and (failed or run.incoming.trace.sampled)
        if exported:
            if not self._due:
                self._loop.call_later(SPANS_EVERY_SECONDS, self.flush)
            self._due.append((run, ended_ns - int(took_s * 1e9), ended_ns))
        # A held call that is made at last is nobody's call any more.
        self._count(_Ended(run, took_s, ended_ns, exported) if run.released is None else _Ended(run))
        if self._log_refused if failed else self._log_allowed:
            trace = run.incoming.trace
            _log.info("call", extra={"trace_id": trace.trace_id, "span_id": trace.span_id, **attributes_of(run)})

    def counted(self, run: CallRun) -> None:
        """Count a decision that is no call of its own, as those of a stream's further messages are."""
        self._count(_Ended(run))

    def _count(self, ended: "_Ended") -> None:
        if self._metrics is None:
            return
        if not self._counted:
            self._loop.call_later(SPANS_EVERY_SECONDS, self._flush_metrics)
        self._counted.append(ended)

    def copied(self, copy: Copied) -> None:
        """Count a copy, and export its span where the call's own is."""
        if self._metrics is not None:
            self._metrics.add_copy(copy.result)
        if self._tracing is not None and copy.trace.sampled:
            self._tracing.end(
                copy.trace,
                name=f"copy {copy.method.removeprefix('/')}"[:256],
                attributes=attributes_of_copy(copy),
                started_ns=copy.started_ns,
                ended_ns=copy.ended_ns,
                failed=copy.result.end is CopyEnd.FAILED,
                kind=SpanKind.CLIENT,
                link=copy.call,
                link_says="call",
            )

    def _flush_metrics(self) -> None:
        counted, self._counted = self._counted, []
        if self._metrics is not None:
            self._metrics.add(map(_metered, counted))

    def flush(self) -> None:
        """Make the spans that are due. In one go, for each alone costs several times as much, see `gathering`."""
        self._flush_metrics()
        due, self._due = self._due, []
        for run, started_ns, ended_ns in due:
            assert self._tracing is not None  # noqa: S101 - without it none is ever due
            self._tracing.end(
                run.incoming.trace,
                name=name_of(run),
                attributes=attributes_of(run),
                started_ns=started_ns,
                ended_ns=ended_ns,
                failed=run.ended is not None,
                link=parsed(run.led_by) if run.led_by else None,
                link_says="inference",
            )


class _Ended(NamedTuple):
    """A decision that is to be counted, of a call of its own with its times."""

    run: CallRun
    took_s: float = -1.0
    """-1 for a decision that is no call of its own."""
    ended_ns: int = 0
    exported: bool = False


def _metered(ended: _Ended) -> Metered:
    run = ended.run
    decision, outcome = run.decision, run.outcome
    looks = decision.looks if decision is not None and decision.failing else ()
    own = ended.took_s >= 0
    return Metered(
        verdict=verdict_of(run),
        reason=run.reason,
        route=run.route.name,
        timed=_timed(ended) if own else None,
        method=run.known_method,
        revision=run.revision.number if run.revision is not None else 0,
        buckets=decision.buckets if decision is not None else (),
        looks=outcome.looks if outcome is not None else (),
        failed=tuple([look.rule for look in looks if look.error]),
        tries=_tries(run) if own or run.released is not None else (),
        unasked=_unasked(run) if run.served else None,
    )


def _timed(ended: _Ended) -> Timed:
    run, took_s = ended.run, ended.took_s
    added_ms = max(0.0, took_s * 1e3 - run.upstream_us / 1e3)
    trace = run.incoming.trace if ended.exported else None
    return Timed(took_s, added_ms, status_name(run.ended), trace, ended.ended_ns / 1e9)


def _tries(run: CallRun) -> tuple[Tried, ...]:
    """What was tried of a call; one that was answered at once has no list of it."""
    if run.attempts:
        return tuple([Tried(each.upstream, each.why or "first", each.status) for each in run.attempts])
    return (Tried(run.route.upstream, "first", status_name(run.ended)),) if run.upstream_us else ()


def _unasked(run: CallRun) -> Unasked | None:
    if run.served == known_as(run) or run.call is None:
        return None
    return Unasked(run.route.upstream, run.call.model, run.route.version)
