"""Log lines: one JSON object each, with the trace of the call that is being handled."""

import asyncio
import json
import logging
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rpc.serving import serving
from gateway.watching.logs import JsonLines
from gateway.watching.trace_context import CallTrace, begin, handling

TRACE = CallTrace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def _line(text: str = "said", **extra: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"msg": text, "name": "n", "levelname": "INFO", **extra})
    found: dict[str, Any] = json.loads(JsonLines().format(record))
    return found


async def test_a_line_has_the_trace_of_its_call_and_no_other() -> None:
    async def call(trace: CallTrace) -> dict[str, Any]:
        handling(trace)
        await asyncio.sleep(0)
        return _line()

    traces = [begin(None, None, ratio=0) for _ in range(3)]
    lines = await asyncio.gather(*(call(trace) for trace in traces))
    assert [(line["trace_id"], line["span_id"]) for line in lines] == [(t.trace_id, t.span_id) for t in traces]
    assert "trace_id" not in _line()


async def test_what_a_call_begins_logs_under_its_name_only_as_long_as_it_lasts() -> None:
    over, lines = asyncio.Event(), []

    async def outliving() -> None:
        lines.append(_line())
        await over.wait()
        lines.append(_line())

    async def call() -> "asyncio.Task[None]":
        now = handling(TRACE)
        task = asyncio.create_task(outliving())
        await asyncio.sleep(0)
        now.trace = None
        return task

    task = await asyncio.create_task(call())
    over.set()
    await task
    assert [line.get("trace_id") for line in lines] == [TRACE.trace_id, None]


async def test_what_a_line_says_of_its_trace_itself_stands() -> None:
    async def call() -> dict[str, Any]:
        handling(TRACE)
        return _line(trace_id="another", span_id="one")

    line = await asyncio.create_task(call())
    assert (line["trace_id"], line["span_id"]) == ("another", "one")


@given(st.text(), st.dictionaries(st.text(min_size=1).map(lambda name: f"x-{name}"), st.text() | st.binary()))
def test_whatever_is_logged_is_one_line(text: str, extra: dict[str, Any]) -> None:
    record = logging.makeLogRecord({"msg": text, "name": "n", "levelname": "INFO", **extra})
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["text"] == text


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(JsonLines().format(record)))


@pytest.mark.parametrize("sent", [True, False])
async def test_a_service_logs_with_the_trace_of_its_caller(*, sent: bool) -> None:
    async def fails(_request: bytes, _context: Any) -> bytes:
        raise ZeroDivisionError

    def add(server: grpc.aio.Server) -> None:
        handler: Any = grpc.unary_unary_rpc_method_handler(fails)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", {"C": handler}),))

    lines = _Lines()
    logging.getLogger("gateway.rpc.interceptors").addHandler(lines)
    try:
        async with (
            serving(add, listen="127.0.0.1:0", names=(), drain_seconds=1) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            call: Any = channel.unary_unary("/a.B/C")
            with pytest.raises(grpc.aio.AioRpcError):
                await call(b"", metadata=(("traceparent", TRACE.traceparent),) if sent else ())
    finally:
        logging.getLogger("gateway.rpc.interceptors").removeHandler(lines)
    (line,) = lines.lines
    assert (line.get("trace_id"), line.get("span_id")) == ((TRACE.trace_id, TRACE.span_id) if sent else (None, None))


@given(st.text())
def test_no_character_of_a_line_steers_a_terminal_and_each_is_read_back(text: str) -> None:
    for harmful in (text, f"\x9b31m{text}\u202e\u2028\x7f\u200b"):
        line = JsonLines().format(logging.makeLogRecord({"msg": "said", "harmful": harmful}))
        assert not set("\x1b\x7f\x9b\r\n\u2028\u2029\u202a\u202e\u2066\u200b\u200f\ufeff") & set(line)
        assert json.loads(line)["harmful"] == harmful
