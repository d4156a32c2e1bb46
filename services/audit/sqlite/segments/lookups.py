"""Makes the lookup files of Parquet files, and asks them; what has none is read through, and one is made anew."""

import logging
import os
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from services.audit.filters.fields import FIELDS
from services.audit.sql.conditions import scalar
from services.audit.sql.dialects import DUCKDB
from services.audit.sqlite.segments.catalogue import Segment
from services.audit.sqlite.segments.duck import Duck
from services.audit.sqlite.segments.files import keep_name
from services.audit.sqlite.segments.lookup import ID_BYTES, Entry, Lookup, Unusable, begins_right, packed
from services.audit.sqlite.segments.postings import KINDS, NAMING, Wanted, key_of
from services.audit.sqlite.segments.shape import table

SUFFIX: Final = ".lookup"
"""After the whole name of the Parquet file."""
_LEAST_MANY: Final = 32
_SHARE: Final = 64
"""What more than one of so many decisions has is not listed: almost every part of the Parquet file has some."""
_VALUES: Final = "(SELECT id, {value} AS value FROM ({source}) AS decision)"
_MANY: Final = "SELECT value FROM {values} GROUP BY value HAVING count(*) > ?"
_FEW: Final = """SELECT value, unhex(string_agg(id, '')) FROM {values}
 WHERE NOT list_contains(CAST(? AS VARCHAR[]), value) GROUP BY value"""

_log = logging.getLogger(__name__)


class Lookups:
    """The lookup files in the folder of Parquet files, to all threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._unusable: set[str] = set()

    def candidates(self, segment: Segment, about: Wanted) -> tuple[str, ...] | None:
        """The decisions in a segment's Parquet file that may be about all of this, the newest first.

        `None` where any may be.
        """
        if not about:
            return None
        try:
            with Lookup(self._folder / f"{segment.sealed}{SUFFIX}", parquet_bytes=segment.bytes) as lookup:
                return _candidates(lookup, about)
        except Unusable as error:
            self._found(segment.sealed, error)
            return None

    def unusable(self) -> Collection[str]:
        """Parquet files whose lookup files were found to be missing or damaged."""
        with self._lock:
            return tuple(sorted(self._unusable))

    def missing(self, files: Collection[str]) -> None:
        """Find out which of these Parquet files have no lookup file, or one of an earlier version."""
        try:
            there = {entry.name for entry in os.scandir(self._folder)}
        except OSError:
            return
        with self._lock:
            self._unusable.update(
                file for file in files if file in there and not begins_right(self._folder / f"{file}{SUFFIX}")
            )

    def make(self, duck: Duck, file: str) -> None:
        """Make the lookup file of a Parquet file anew.

        Raises:
            duckdb.Error, OSError: the one cannot be read, or the other not written.
        """
        write(duck, self._folder / file, path=self._folder / f"{file}{SUFFIX}")
        self.forget([file])

    def forget(self, files: Collection[str]) -> None:
        """Nothing is to be done about these any more."""
        with self._lock:
            self._unusable.difference_update(files)

    def _found(self, file: str, error: Unusable) -> None:
        with self._lock:
            new = file not in self._unusable
            self._unusable.add(file)
        if new:
            extra = {"file": f"{file}{SUFFIX}", "error": str(error)}
            _log.warning(
                "a lookup file cannot be used: its Parquet file is read instead, and it is made anew", extra=extra
            )


def write(duck: Duck, parquet: Path, *, path: Path) -> None:
    """Write the lookup file of a Parquet file to `path`: whole or not at all, and on the disk when this returns.

    Raises:
        duckdb.Error, OSError: the one cannot be read, or the other not written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content(duck, parquet))
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        keep_name(path.parent)
    finally:
        part.unlink(missing_ok=True)


def content(duck: Duck, parquet: Path) -> bytes:
    """What the lookup file of a Parquet file must have: the same bytes whenever it is made.

    Raises:
        duckdb.Error, OSError: the Parquet file cannot be read.
    """
    found: dict[bytes, bytes | None] = {}
    for key, ids in _entries(duck, str(parquet.resolve())):
        before = found.get(key, b"")  # two values may have one key
        found[key] = None if ids is None or before is None else before + ids
    return packed(sorted(found.items()), parquet_bytes=parquet.stat().st_size)


def is_right(duck: Duck, parquet: Path) -> bool:
    """Whether a Parquet file has a lookup file that says all that it must, and nothing else.

    Raises:
        duckdb.Error, OSError: the Parquet file cannot be read.
    """
    wanted, path = content(duck, parquet), parquet.with_name(f"{parquet.name}{SUFFIX}")
    try:
        return path.read_bytes() == wanted
    except OSError:
        return False


def _entries(duck: Duck, path: str) -> Iterator[Entry]:
    source, parameters = table(duck, [path])
    ((total,),) = duck.rows(f"SELECT count(*) FROM ({source})", parameters)  # noqa: S608
    most = max(total // _SHARE, _LEAST_MANY)
    for kind in KINDS:
        values = _VALUES.format(value=_value(kind), source=source)
        many = [value for (value,) in duck.rows(_MANY.format(values=values), [*parameters, most])]
        yield from ((key_of(kind, value), None) for value in many)
        for value, ids in duck.rows(_FEW.format(values=values), [*parameters, many]):
            yield key_of(kind, value), _in_order(ids)


def _value(kind: str) -> str:
    if kind in NAMING:
        return scalar(FIELDS[kind], now_ms=0, dialect=DUCKDB)
    return "unnest(rules)" if kind == "rules" else kind


def _in_order(ids: bytes) -> bytes:
    if len(ids) == ID_BYTES:
        return ids
    return b"".join(sorted(ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)))


def _candidates(lookup: Lookup, about: Wanted) -> tuple[str, ...] | None:
    found: set[str] | None = None
    for keys in about:
        each = _any_of(lookup, keys)
        if each is not None:
            found = each if found is None else found & each
            if not found:
                return ()
    return None if found is None else tuple(sorted(found, reverse=True))


def _any_of(lookup: Lookup, keys: tuple[bytes, ...]) -> set[str] | None:
    found: set[str] = set()
    for key in keys:
        ids = lookup.ids(key)
        if ids is None:
            return None
        found.update(ids)
    return found
