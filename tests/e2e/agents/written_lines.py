"""Teaches schemathesis to write JSON lines; it is loaded by its process alone."""

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def _lines(_context: Any, value: Any) -> bytes:
    return "\n".join(json.dumps(each) for each in (value if isinstance(value, list) else [value])).encode()
