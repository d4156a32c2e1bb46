"""Processes that one of ours starts for long work: each in a group of its own, which ends with who started it."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Final

from gateway import own_memory
from services.presenting import present_inherited

NICENESS: Final = 5
"""Calls of agents and people's pages go first."""
_started_by: Final[list[SpawnContext | ForkServerContext]] = [multiprocessing.get_context("spawn")]


def context() -> SpawnContext | ForkServerContext:
    """How such processes are started."""
    return _started_by[0]


@contextlib.contextmanager
def import_once(*modules: str) -> Iterator[None]:
    """Have these modules imported once for all such processes that are started within the block.

    For commands, which end soon: what is put into the environment later reaches none of them.
    """
    forking, before = multiprocessing.get_context("forkserver"), _started_by[0]
    forking.set_forkserver_preload(list(modules))
    forkserver.ensure_running()
    _started_by[0] = forking
    try:
        yield
    finally:
        _started_by[0] = before


def begin(*, niceness: int = NICENESS) -> None:
    """What such a process does first: leaves Ctrl-C to who started it, gives way, and is and ends as they do."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(niceness)
    own_memory.keep()
    present_inherited()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def end(pid: int) -> None:
    """End such a process, and all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    end(os.getpid())
    os._exit(1)
