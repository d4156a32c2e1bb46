"""Filters of the audit service (AIP-160), written for operations and pages of the control plane. Pure."""

import datetime as dt
from typing import Final

_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "*": "\\*"})


def is_(field: str, value: str) -> str:
    """That a field has this very value, whatever is in it; an empty one: that it has none."""
    return f'{field} = "{value.translate(_ESCAPES)}"' if value else f"NOT {field}:*"


def since(at_ms: int) -> str:
    """That a decision was received at that time or later, milliseconds since the epoch."""
    at = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).replace(tzinfo=None)
    return f'receive_time >= "{at.isoformat(timespec="milliseconds")}Z"'


def both(*parts: str) -> str:
    """That all of it holds; empty parts say nothing."""
    return " AND ".join(f"({part})" if " OR " in part else part for part in parts if part)


def either(*parts: str) -> str:
    """That any of it holds."""
    return " OR ".join(f"({part})" if " AND " in part else part for part in parts)
