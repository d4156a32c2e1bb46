"""Filters of the audit service (AIP-160), written for operations and pages of the control plane. Pure."""

from typing import Final

from services.control.times import iso

_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "*": "\\*"})


def is_(field: str, value: str) -> str:
    """That a field has this very value, whatever is in it; an empty one: that it has none."""
    return f'{field} = "{value.translate(_ESCAPES)}"' if value else f"NOT {field}:*"


def since(at_ms: int) -> str:
    """That a decision was received at that time or later, milliseconds since the epoch."""
    return f'receive_time >= "{iso(at_ms)}"'


def both(*parts: str) -> str:
    """That all of it holds; empty parts say nothing."""
    return " AND ".join(f"({part})" if " OR " in part else part for part in parts if part)


def either(*parts: str) -> str:
    """That any of it holds."""
    return " OR ".join(f"({part})" if " AND " in part else part for part in parts)
