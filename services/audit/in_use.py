"""Whether an audit service runs on a home: commands that change a store's files must not do so beside one."""

import contextlib
import fcntl
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
