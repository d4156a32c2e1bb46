"""Becomes Envoy, which ends with the process that started it: run as `python -m`, with Envoy's path and arguments."""

import ctypes
import os
import signal
import sys
from typing import Final

from gateway.open_files import enough

_SET_DEATH_SIGNAL: Final = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""


def main() -> None:
    """Never returns."""
    parent, path, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != int(parent):  # it has ended meanwhile
        raise SystemExit(1)
    enough()
    os.execv(path, [path, *arguments])  # noqa: S606 - that is what it is for


if __name__ == "__main__":
    main()
