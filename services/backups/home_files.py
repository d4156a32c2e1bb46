"""The files of a home, copied while processes work on them.

Databases of SQLite are copied by SQLite's own online backup. While that of decisions is, nothing is committed to it:
its files are then as they would be if the service had been killed at that moment, which it is built for (it writes an
hour's file first and deletes from the main one afterwards). It waits meanwhile, and entries wait in the store.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SQLITE: Final = b"SQLite format 3\x00"
MAIN: Final = Path("audit", "decisions.sqlite")
SPOOL: Final = "spool"
_LEFT_OUT: Final = ("redis", "logs", "insights", "demo", "metrics")
"""Folders: the embedded store, whose keys are taken by themselves; logs; columns that are read anew from the log."""
_PASSING: Final = (".lock", ".sock", "-wal", "-shm", "-journal", ".new")
_NAMES: Final = ("up.json", "up.lock", "in-use")
_BUSY_SECONDS: Final = 30.0


def files(home: Path) -> Iterator[Path]:
    """Paths within the home that belong into a backup, sorted."""
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        name = inside.name
        if not path.is_file() or inside.parts[0] in _LEFT_OUT or inside.parts[0].startswith("."):
            continue
        if name in _NAMES or name.endswith(_PASSING) or name.startswith((".", "consumer-")):
            continue
        yield inside


def copy_spool(home: Path, to: Path) -> None:
    """What waits for the store on this disk. A last entry that is cut short was never promised."""
    for inside in files(home):
        if inside.parts[0] == SPOOL:
            _copy(home / inside, to / inside)


def copy_rest(home: Path, to: Path) -> None:
    """Everything else, the decisions' files as of one moment.

    Raises:
        sqlite3.Error: a database is damaged, or stays locked.
        OSError: a file cannot be read, or there is no room.
    """
    for inside in files(home):
        if inside.parts[0] not in (SPOOL, "audit"):
            _copy(home / inside, to / inside)
    with _still(home / MAIN):
        # Listed now: what was there before the moment may have been sealed and deleted until then.
        for inside in files(home):
            if inside.parts[0] == "audit":
                _copy(home / inside, to / inside)


@contextlib.contextmanager
def _still(main: Path) -> Iterator[None]:
    """Let nobody commit to the main file until the block ends."""
    if not main.exists():
        yield
        return
    connection = sqlite3.connect(
        f"{main.resolve().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    with contextlib.closing(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def _copy(source: Path, to: Path) -> None:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # a spool that was emptied, a file that was sealed meanwhile
        with source.open("rb") as file:
            is_database = file.read(len(SQLITE)) == SQLITE
        if is_database:
            _copy_database(source, to)
        else:
            shutil.copyfile(source, to)
        to.chmod(0o600)


def _copy_database(source: Path, to: Path) -> None:
    reading = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    writing = sqlite3.connect(to)
    with contextlib.closing(reading), contextlib.closing(writing):
        reading.backup(writing)
