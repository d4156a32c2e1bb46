"""The time of day, for those who give it to what wants it as an argument."""

import time


def clock_ms() -> int:
    """Milliseconds since the epoch, by this machine's clock."""
    return time.time_ns() // 1_000_000
