"""Processes that keep their state in one home: which number each has, and the socket that others reach it by."""

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 32 * 1024 * 1024
"""Largest answer of a sibling."""
MOST_WORKERS: Final = 1_000
SOCKET_PATH_MAX: Final = 107
"""Longest path that fits into `sockaddr_un`, without its closing NUL."""


async def whole(reader: asyncio.StreamReader) -> bytes:
    """All that a sibling says.

    Raises:
        OSError: it breaks off, or says too much.
    """
    found = bytearray()
    while data := await reader.read(65_536):
        found += data
        if len(found) > MOST_BYTES:
            raise OSError(errno.EMSGSIZE, "a sibling says too much")
    return bytes(found)


@contextlib.contextmanager
def slot(folder: Path, kind: str) -> Iterator[int]:
    """The lowest number that no sibling of that kind has, until the block ends.

    Raises:
        OSError: there are too many of them.
    """
    for worker in range(1, MOST_WORKERS):
        with locked(folder / f"{kind}-{worker}.lock") as ours:
            if ours:
                yield worker
                return
    raise OSError(errno.EMFILE, "too many processes share one home")


@contextlib.contextmanager
def taken(folder: Path, name: str) -> Iterator[socket.socket]:
    """A socket in the folder, which goes with the block. One that a killed process has left is replaced."""
    path = folder / name
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as ours:
        with reachable(folder, name) as short:
            ours.bind(short)
        path.chmod(0o600)
        try:
            yield ours
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def reachable(folder: Path, name: str) -> Iterator[str]:
    """A path to a socket that is short enough for the system, as long as the block lasts."""
    path = str(folder / name)
    if len(path.encode()) <= SOCKET_PATH_MAX:
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Whether the lock is ours; if so, until the block ends. The kernel frees it when a process is killed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
