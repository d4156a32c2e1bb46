"""Traces: W3C context in and out, one OpenTelemetry span a call, exported over OTLP.

Whether a span is exported is known only when the call has ended: refused and failed calls always are, allowed ones at
a ratio. So the ids are drawn when the call begins, and the span itself, which costs 29 us, is made at its end.
"""

import random
import re
from typing import Final

import msgspec
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway.instance import Instance
from gateway.semconv import SCHEMA_URL

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

_TRACEPARENT: Final = re.compile(r"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_random: Final = random.Random()  # noqa: S311 - ids must be distinct, not secret; a system call each costs more
Attributes = dict[str, str | int | float | bool | tuple[str, ...]]


class CallTrace(msgspec.Struct, frozen=True):
    """Where a call stands in its trace. Ids are hexadecimal."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    """The caller's span; empty where the trace begins here."""
    sampled: bool = False
    """Whether the caller has decided that this trace is exported, or our own draw has."""
    state: str = ""

    @property
    def traceparent(self) -> str:
        """The W3C header for the upstream, which becomes our child."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def begin(traceparent: str | bytes | None, tracestate: str | bytes | None, *, ratio: float) -> CallTrace:
    """Join the caller's trace, or begin one where it sent none or sent garbage."""
    match = _TRACEPARENT.match(traceparent) if isinstance(traceparent, str) else None
    span_id = f"{_random.getrandbits(64) or 1:016x}"
    if match is None or match[1] == "ff" or match[2] == _NO_TRACE or match[3] == _NO_SPAN or _too_long(match):
        return CallTrace(f"{_random.getrandbits(128) or 1:032x}", span_id, sampled=_random.random() < ratio)
    state = tracestate if isinstance(tracestate, str) and len(tracestate) <= 512 else ""
    return CallTrace(match[2], span_id, parent_id=match[3], sampled=bool(int(match[4], 16) & 1), state=state)


def parsed(traceparent: str) -> CallTrace | None:
    """Where another span stands, by its W3C header; `None` where that is none."""
    match = _TRACEPARENT.match(traceparent)
    return None if match is None else CallTrace(match[2], match[3], sampled=bool(int(match[4], 16) & 1))


def _too_long(match: re.Match[str]) -> bool:
    """Whether more follows than version 00 knows; later versions may add parts."""
    return match[1] == "00" and match[5] is not None


def _context(trace_id: str, span_id: str, *, remote: bool, sampled: bool = True) -> SpanContext:
    flags = TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT
    return SpanContext(
        trace_id=int(trace_id, 16), span_id=int(span_id, 16), is_remote=remote, trace_flags=TraceFlags(flags)
    )


class _GivenIds(IdGenerator):
    """Gives a span the ids that were drawn when its call began."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class Tracing:
    """Makes and exports spans. Use it from one thread."""

    def __init__(self, instance: Instance, *, exporter: SpanExporter) -> None:
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            id_generator=self._ids,
            resource=instance.resource,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("pilote", instance.version, schema_url=SCHEMA_URL)

    def end(
        self,
        call: CallTrace,
        *,
        name: str,
        attributes: Attributes,
        started_ns: int,
        ended_ns: int,
        failed: bool,
        kind: SpanKind = SpanKind.SERVER,
        link: CallTrace | None = None,
        link_says: str = "",
    ) -> None:
        """Make the span of a call that has ended. Times are nanoseconds since the epoch.

        `link` is another span that it follows from, and `link_says` what that one was.
        """
        self._ids.trace_id = int(call.trace_id, 16)
        self._ids.span_id = int(call.span_id, 16)
        context = None
        if call.parent_id:
            parent = _context(call.trace_id, call.parent_id, remote=True)
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
        span = self._tracer.start_span(
            name,
            context=context,
            kind=kind,
            attributes=attributes,
            links=_links(link, link_says),
            start_time=started_ns,
        )
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ns)

    def close(self) -> None:
        """Export what is left; blocks for some seconds at most where the collector does not answer."""
        self._provider.shutdown()


def _links(link: CallTrace | None, says: str) -> list[trace.Link]:
    if link is None:
        return []
    context = _context(link.trace_id, link.span_id, remote=False, sampled=link.sampled)
    return [trace.Link(context, {"pilote.link": says} if says else None)]


def otlp(endpoint: str) -> SpanExporter:
    """An exporter to an OTLP gRPC endpoint; "http://" means without TLS."""
    return OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=5)
