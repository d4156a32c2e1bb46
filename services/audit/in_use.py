"""Which audit services run on a home: commands that change a store's files must not do so beside one."""

import contextlib
import fcntl
import hashlib
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path


class InUse(Exception):
    """Somebody else has the store."""


@contextlib.contextmanager
def using(home: Path, *, alone: bool) -> Iterator[None]:
    """Use the store of a home until the block ends, or the process.

    Raises:
        InUse: with `alone` where anybody uses it, and without where somebody uses it alone.
    """
    folder = home / "audit"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "in-use").open("a", encoding="ascii") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            raise InUse from error
        yield


@contextlib.contextmanager
def consuming(home: Path) -> Iterator[str]:
    """What we are called among those who read the streams: as nobody else who runs now, on this home or another one.

    Who is started after we have ended, however that was, is called the same, and goes on with what was left to us.
    """
    folder = home / "audit"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:8]
    for number in itertools.count(1):
        with (folder / f"consumer-{number}").open("a", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield f"{socket.gethostname()}-{place}-{number}"
            return
