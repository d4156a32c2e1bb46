"""Times as they are answered and shown: made of milliseconds since the epoch, in UTC."""

import datetime as dt


def at(at_ms: int) -> dt.datetime:
    """A time."""
    return dt.datetime.fromtimestamp(at_ms / 1_000, dt.UTC)


def known(at_ms: int) -> dt.datetime | None:
    """A time; `None` for 0, which stands for never, or not known."""
    return at(at_ms) if at_ms else None


def iso(at_ms: int) -> str:
    """A time as machines read it, RFC 3339: 2026-01-31T08:00:00.250Z."""
    return at(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
