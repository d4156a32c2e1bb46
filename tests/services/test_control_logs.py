"""What the control plane logs of a request has the trace of its caller."""

import asyncio
import json
import logging
from typing import Any

import requests
from litestar import get

from gateway.watching.logs import JsonLines
from services.control.access.principals import Door
from services.control.access.rights import Right
from services.control.app import application
from services.control.serving import serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Lines(logging.Handler):
    """Formats as the process does, when it does."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(JsonLines().format(record)))


async def test_a_mistake_of_ours_is_logged_with_the_callers_trace() -> None:
    @get("/fails", right=Right.ANYONE)
    async def fails() -> str:
        raise ZeroDivisionError

    handler, log = Lines(), logging.getLogger("services.control.api.http_errors")
    log.addHandler(handler)
    try:
        app = application([fails], Door(()))
        async with serving(app, listen="127.0.0.1:0", drain_seconds=1, ending=lambda: None) as port:
            for headers in ({"traceparent": f"00-{TRACE}-{'b' * 16}-01"}, {}, {"traceparent": "garbage"}):
                url = f"http://127.0.0.1:{port}/fails"
                told = await asyncio.to_thread(requests.get, url, headers=headers, timeout=10)
                assert told.status_code == 500
    finally:
        log.removeHandler(handler)
    assert [line.get("trace_id") for line in handler.lines] == [TRACE, None, None]
