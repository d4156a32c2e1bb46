"""Traces: the caller's goes on, and garbage begins a new one."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

from gateway.instance import instance
from gateway.watching.trace_context import begin, drawn, parsed
from gateway.watching.tracing import Tracing

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
WIRE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\Z")


class Kept(SpanExporter):
    """Keeps the spans it is given."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.mark.parametrize(("flags", "sampled"), [("01", True), ("00", False), ("03", True), ("02", False)])
def test_the_callers_trace_goes_on_with_its_choice(flags: str, *, sampled: bool) -> None:
    call = begin(f"00-{TRACE}-{SPAN}-{flags}", "vendor=1", ratio=0.5)
    assert (call.trace_id, call.parent_id, call.sampled, call.state) == (TRACE, SPAN, sampled, "vendor=1")
    assert call.span_id != SPAN
    assert call.traceparent == f"00-{TRACE}-{call.span_id}-{'01' if sampled else '00'}"


def test_a_later_version_may_say_more_but_this_one_may_not() -> None:
    assert begin(f"01-{TRACE}-{SPAN}-01-more", None, ratio=0).trace_id == TRACE
    assert begin(f"00-{TRACE}-{SPAN}-01-more", None, ratio=0).trace_id != TRACE


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"00",
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}",
    ],
)
def test_garbage_begins_a_trace_of_our_own(header: str | bytes | None) -> None:
    call = begin(header, "vendor=1", ratio=1)
    assert call.parent_id == call.state == ""
    assert call.trace_id not in (TRACE, "0" * 32)
    assert call.sampled


@given(st.text() | st.binary(), st.text() | st.binary(), st.floats(0, 1))
def test_whatever_comes_in_what_goes_out_is_well_formed(parent: str | bytes, state: str | bytes, ratio: float) -> None:
    assert WIRE.match(begin(parent, state, ratio=ratio).traceparent)


def test_the_ratio_decides_where_the_caller_did_not() -> None:
    assert not any(begin(None, None, ratio=0).sampled for _ in range(200))
    assert all(begin(None, None, ratio=1).sampled for _ in range(200))
    assert 50 < sum(begin(None, None, ratio=0.5).sampled for _ in range(200)) < 150


@given(st.integers(1, 2**128 - 1), st.floats(0, 1), st.floats(0, 1))
def test_who_exports_a_trace_at_a_ratio_exports_it_at_a_greater_one(number: int, one: float, other: float) -> None:
    trace_id = f"{number:032x}"
    assert not drawn(trace_id, ratio=0)
    assert drawn(trace_id, ratio=1)
    if drawn(trace_id, ratio=min(one, other)):
        assert drawn(trace_id, ratio=max(one, other))


@given(st.text() | st.binary())
def test_what_is_parsed_is_what_was_said(header: str | bytes) -> None:
    assert parsed(header) is None or isinstance(header, str)
    call = begin(header, None, ratio=0.5)
    there = parsed(call.traceparent)
    assert there is not None
    assert (there.trace_id, there.span_id, there.sampled) == (call.trace_id, call.span_id, call.sampled)


def test_a_state_that_is_too_long_is_dropped() -> None:
    assert begin(f"00-{TRACE}-{SPAN}-01", "x" * 513, ratio=0).state == ""


@pytest.mark.parametrize("header", [f"00-{TRACE}-{SPAN}-00", None])
def test_a_span_has_the_ids_drawn_when_its_call_began(header: str | None) -> None:
    kept = Kept()
    tracing = Tracing(instance("s"), exporter=kept)
    call = begin(header, None, ratio=0)
    tracing.end(call, name="n", attributes={"a": 1}, started_ns=5, ended_ns=9, failed=True)
    tracing.close()
    (span,) = kept.spans
    assert (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}") == (call.trace_id, call.span_id)
    assert (f"{span.parent.span_id:016x}" if span.parent else "") == call.parent_id
    assert (span.start_time, span.end_time, span.status.status_code) == (5, 9, StatusCode.ERROR)
    assert dict(span.attributes or {}) == {"a": 1}
