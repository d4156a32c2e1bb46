"""Writes a segment to a Parquet file, and believes that it is written when it has read it back."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from services.audit.sqlite.segments import lookups
from services.audit.sqlite.segments.duck import Duck
from services.audit.sqlite.segments.files import keep_name
from services.audit.sqlite.segments.rows import NEVER_MS, Row, of_parquet, over_ms
from services.audit.sqlite.segments.shape import DERIVED

ROW_GROUP: Final = 2_048
"""Decisions that are decompressed together; the least that DuckDB writes, for most queries show a few of a million."""
PAGE_BYTES: Final = 32_768
"""Within those what is decompressed together of one column, where one asks by ids."""
_TYPES: Final = {"INTEGER": "BIGINT", "TEXT": "VARCHAR", "BLOB": "VARCHAR"}
_LARGEST_LINE: Final = 64 << 20


class Damaged(Exception):
    """A file does not hold what it must."""


class Written(msgspec.Struct, frozen=True):
    """A Parquet file that was read back."""

    name: str
    decisions: int
    first: str
    last: str
    bytes: int
    over_ms: int = NEVER_MS
    """When the first of its decisions is over."""


class _Seen:
    """What has gone by: a hash over all of it."""

    def __init__(self) -> None:
        self.count = 0
        self.first = self.last = ""
        self._hash = hashlib.sha256()
        self._encode = msgspec.msgpack.Encoder().encode

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows.

        Raises:
            Damaged: they are not in the order of their ids, or two have the same.
        """
        for row in rows:
            if row[0] <= self.last:
                raise Damaged("decisions are not in the order of their ids")
            self.first = self.first or row[0]
            self.last = row[0]
            self.count += 1
            self._hash.update(self._encode(row))
            yield row

    @property
    def digest(self) -> bytes:
        """Of all rows so far."""
        return self._hash.digest()


def write(folder: Path, name: str, *, rows: Iterable[Row], columns: Mapping[str, str], duck: Duck) -> Written:
    """Write rows, which come in the order of their ids, to a new file of that name. Takes a while.

    The file is there whole or not at all, and on the disk when this returns.

    Raises:
        Damaged: what was read back is not what was written.
        OSError, duckdb.Error: it could not be written.
    """
    lines, part = folder / f"{name}.lines", folder / f"{name}.part"
    kinds, seen = {**columns, **dict.fromkeys(DERIVED, "")}, _Seen()
    at, over = tuple(kinds).index("record"), NEVER_MS
    try:
        with lines.open("wb") as file:
            encode = msgspec.json.Encoder().encode  # bytes as base64
            for row in seen.through(rows):
                over = min(over, over_ms(row[at]))
                file.write(encode(dict(zip(kinds, row, strict=True))) + b"\n")
        _copy(duck, lines, part, columns=columns)
        _verify(duck, part, columns=tuple(columns), seen=seen)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        lookups.write(duck, part, path=folder / f"{name}{lookups.SUFFIX}")
        part.rename(folder / name)
        keep_name(folder)
    finally:
        lines.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    size = (folder / name).stat().st_size
    return Written(name, seen.count, seen.first, seen.last, size, over)


def _copy(duck: Duck, lines: Path, part: Path, *, columns: Mapping[str, str]) -> None:
    kinds = {name: _TYPES[kind] for name, kind in columns.items()} | {"rules": "VARCHAR[]", "words": "VARCHAR"}
    told = ", ".join(f"'{name}': '{kind}'" for name, kind in kinds.items())
    blobs = ", ".join(f"from_base64({name}) AS {name}" for name, kind in columns.items() if kind == "BLOB")
    text = f"""COPY (SELECT * REPLACE ({blobs}) FROM read_json(?, format = 'newline_delimited', columns = {{{told}}},
        maximum_object_size = {_LARGEST_LINE})) TO '{_quoted(part)}'
        (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP},
        data_page_size_limit {PAGE_BYTES}, write_page_index true)"""  # noqa: S608
    duck.rows(text, [str(lines.resolve())])


def _verify(duck: Duck, part: Path, *, columns: tuple[str, ...], seen: _Seen) -> None:
    back = _Seen()
    for _ in back.through(of_parquet(duck, str(part.resolve()), columns=columns)):
        pass
    if (back.count, back.digest) != (seen.count, seen.digest):
        raise Damaged("a Parquet file does not hold what was written to it")


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("'", "''")
