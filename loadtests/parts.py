"""The processes that stand for one gateway, their threads, and which of these decides about calls."""

import contextlib
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.processes import ProcessFailed, of_session, thread_seconds

FRONT: Final = "Envoy in front"
CARRYING: Final = "its Envoy"
"""The thread of a decision worker that carries questions and answers."""
BESIDE: Final = "other threads of the worker"
BEHIND: Final = "gateway behind it"
_CARRIES: Final = "wrk:"
"""How Envoy calls its threads that carry."""


class Thread(NamedTuple):
    """One thread."""

    pid: int
    name: str
    """What it is in a table."""
    decides: bool
    """Whether its process is one that decides."""
    seconds: float
    """CPU time so far."""


def threads(leader: int) -> dict[int, Thread]:
    """All threads of the gateway whose session that process leads, by the system's numbers of them."""
    envoys = {}
    for pid in of_session(leader):
        with contextlib.suppress(OSError):  # it has ended
            if pid != leader and (Path(f"/proc/{pid}/exe").readlink()).name == "envoy":
                envoys[pid] = "libpython" in Path(f"/proc/{pid}/maps").read_text()
    found = {}
    for pid, decides in {leader: not any(envoys.values()), **envoys}.items():
        for tid, (said, seconds) in thread_seconds(pid).items():
            name = _name(said, envoys=envoys, pid=pid)
            found[tid] = Thread(pid, name, decides, seconds)
    return found


def _name(said: str, *, envoys: dict[int, bool], pid: int) -> str:
    if pid not in envoys:
        return BEHIND if envoys else f"thread `{said}`"
    if not envoys[pid]:
        return FRONT
    return CARRYING if said.startswith(_CARRIES) else BESIDE


def used(before: dict[int, Thread], after: dict[int, Thread]) -> dict[int, Thread]:
    """The threads with the CPU time that each has taken meanwhile."""
    return {
        tid: each._replace(seconds=each.seconds - (before[tid].seconds if tid in before else 0.0))
        for tid, each in after.items()
    }


def deciding(taken: dict[int, Thread]) -> int:
    """The number of the thread that has decided most.

    Raises:
        ProcessFailed: there is none.
    """
    candidates = [tid for tid, each in taken.items() if each.decides and each.name != CARRYING]
    if not candidates:
        raise ProcessFailed("no process of the gateway decides")
    return max(candidates, key=lambda tid: taken[tid].seconds)
