"""What `pilote up` leaves in its home: the lock that makes it the only one there, and the state others read.

`up.lock` is held by the running supervisor and released by the kernel however it dies, so a stale one never hinders.
`up.json` is replaced as a whole at every change.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from services.supervisor import process


class State(StrEnum):
    """Where a supervised process stands."""

    WAITING = "WAITING"
    """For those it needs, which are not ready yet."""
    STARTING = "STARTING"
    """It runs; its probe does not say ready yet."""
    READY = "READY"
    RESTARTING = "RESTARTING"
    """It died, and is started again after a pause."""
    FAILED = "FAILED"
    """It died too often, or could not be ended; nobody starts it again."""
    DRAINING = "DRAINING"
    """It was asked to end."""
    STOPPED = "STOPPED"


class ChildState(msgspec.Struct, frozen=True, kw_only=True):
    """One supervised process."""

    name: str
    state: State = State.WAITING
    detail: str = ""
    """Why it is in this state, for people."""
    pid: int = 0
    """0 when it does not run."""
    born: str = ""
    """`process.born` of `pid`: the number alone may mean a later process."""
    ports: tuple[int, ...] = ()
    restarts: int = 0
    drain_seconds: float = 0.0
    log: str = ""


class UpState(msgspec.Struct, frozen=True):
    """A supervisor and its processes, in the order in which they start."""

    pid: int
    born: str
    children: tuple[ChildState, ...]


class HomeTaken(Exception):
    """Another supervisor runs on this home."""


@contextlib.contextmanager
def taken(home: Path) -> Iterator[None]:
    """Hold `home` for this process until the block ends; makes the folder, readable by us only.

    Raises:
        HomeTaken: another supervisor holds it; says which and what to do.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # flock, not lockf: that one would let go as soon as anything here closed the file again.
    descriptor = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(descriptor, 32, 0).decode().strip() or "not known yet"
            raise HomeTaken(
                f"Pilote runs on {home.resolve()} already (process {pid}). Use that one, or stop it (Ctrl-C in its "
                f"terminal, or `kill {pid}`), or set PILOTE_HOME to another folder and take other ports."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def write(home: Path, state: UpState) -> None:
    """Replace the state of `home`; a reader sees the old one or the new one."""
    draft = home / "up.json.new"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2))
    draft.replace(home / "up.json")


def read(home: Path) -> UpState | None:
    """The state written last, by a supervisor that may have died since; None when there is none that can be read."""
    try:
        return msgspec.json.decode((home / "up.json").read_bytes(), type=UpState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def running(home: Path) -> UpState | None:
    """The state of the supervisor that runs on `home` now; None when there is none."""
    state = read(home)
    return state if state is not None and process.born(state.pid) == state.born else None


async def end_leftovers(home: Path) -> None:
    """End what a killed supervisor left running on `home`; call it with `home` taken.

    Each got SIGTERM from the kernel at that death, and may still be draining, or be frozen. Starting beside it would be
    wrong: two servers would write one append-only file, and the old one removes the new one's socket as it ends.
    """
    state = read(home)
    async with asyncio.TaskGroup() as group:
        for child in state.children if state is not None else ():
            if child.pid and child.born and process.born(child.pid) == child.born:
                group.create_task(_end(child))


async def _end(child: ChildState) -> None:
    process.ask_to_end(child.pid)
    try:
        async with asyncio.timeout(child.drain_seconds):
            await process.gone(child.pid)
    except TimeoutError:
        process.signal_group(child.pid, signal.SIGKILL)
        await process.gone(child.pid)
