"""Logs: one JSON object a line, to standard output."""

import json
import logging
import re
import sys
import time
from typing import Final, TextIO

from gateway.watching.trace_context import handled

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What JSON leaves as it is, and a terminal obeys or does not show: controls, ends of lines, directions."""


class JsonLines(logging.Formatter):
    """A log record as one line of JSON, with whatever `extra` brought along.

    What is logged while a call is handled has the call's `trace_id` and `span_id`, as its span has them.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage(),
        }
        if (trace := handled()) is not None:
            line |= {"trace_id": trace.trace_id, "span_id": trace.span_id}
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        text = json.dumps(line, default=str, ensure_ascii=False)
        return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def configure(level: str, *, to: TextIO | None = None) -> None:
    """Log from now on as JSON lines to standard output, from `level` (DEBUG, INFO, WARNING, ERROR) upwards.

    `to` is another stream, for a process that says something else there.
    """
    handler = logging.StreamHandler(to or sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
