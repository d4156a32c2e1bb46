"""Traces: one OpenTelemetry span a call, exported over OTLP.

Whether a span is exported is known only when the call has ended: refused and failed calls always are, allowed ones at
a ratio. So the ids are drawn when the call begins, and the span itself, which costs 29 us, is made at its end.
"""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway.instance import Instance
from gateway.watching.collector_tls import spans_to
from gateway.watching.semconv import SCHEMA_URL
from gateway.watching.trace_context import CallTrace

Attributes = dict[str, str | int | float | bool | tuple[str, ...]]


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
    insecure = not endpoint.startswith("https://")
    return spans_to(
        endpoint, lambda shown: OTLPSpanExporter(endpoint=endpoint, insecure=insecure, credentials=shown, timeout=5)
    )
