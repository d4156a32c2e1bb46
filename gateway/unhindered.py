"""A clock that stands still while a thread is kept from running, because others use the core or a quota is used up."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_SCHEDULED: Final = "/proc/self/task/{}/schedstat"
"""Nanoseconds run, nanoseconds stood in line for a core, turns; Linux keeps it of each thread."""


def unhindered() -> Callable[[], float]:
    """Seconds, from any beginning, in which the calling thread ran or had nothing to do. Costs 1 us.

    Where the system does not say how long a thread has stood in line, all seconds count.
    """
    file = Path(_SCHEDULED.format(threading.get_native_id()))
    try:
        waited_s(file.read_bytes())
    except (OSError, ValueError):
        return time.monotonic
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)

    def clock() -> float:
        return time.monotonic() - waited_s(os.pread(descriptor, 100, 0))

    return clock


def waited_s(scheduled: bytes) -> float:
    """Seconds stood in line, by what the file says.

    Raises:
        ValueError: it says something else.
    """
    _, waited_ns, _ = scheduled.split()
    return int(waited_ns) / 1e9
