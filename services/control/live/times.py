"""Times as they are shown."""

import datetime as dt


def at(at_ms: int) -> dt.datetime:
    """Milliseconds since the epoch as a time in UTC."""
    return dt.datetime.fromtimestamp(at_ms / 1_000, dt.UTC)
