"""Keeps the memory of a process, where its keys are, out of core dumps and from other processes."""

import contextlib
import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h


def keep() -> None:
    """Let nobody but root read what this process has in memory, and have none of it written when it crashes.

    The limit alone is not enough: it says nothing about cores that go to a program, as most systems have it. It is
    inherited, and holds elsewhere than on Linux; not being dumpable is asked for anew by each program. A sandbox that
    forbids either only costs that. Profilers and debuggers that attach from outside need root from then on.
    """
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
