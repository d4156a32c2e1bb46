"""Reads exports from files and gives them to the verifier, row by row. Needs neither a server nor a store."""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from services.commands.export_writing import (
    ENTRIES,
    MANIFEST_KEY,
    cells,
    json_line,
    literal,
    manifest_file,
    manifest_line,
)
from services.proof.columns import NAMES, Columns
from services.proof.exports import Row, entries_text, head_text, read_entries
from services.proof.notes import LARGEST_NOTE, Malformed
from services.proof.verifying import Broken, Report, Trust, Verifier, checked_checkpoint

_TAIL: Final = 2 * LARGEST_NOTE + 1_024
"""Bytes within which the last line begins."""
_ROWS: Final = 1_000


class _Line(msgspec.Struct):
    entries: msgspec.Raw


class _Last(msgspec.Struct, forbid_unknown_fields=True):
    manifest: str


Progress = Callable[[int, int], None]
"""Is told how many rows were looked at, and of how many."""

_line: Final = msgspec.json.Decoder(_Line)
_last: Final = msgspec.json.Decoder(_Last)


def verify(path: Path, trust: Trust, *, progress: Progress | None = None) -> Report:
    """Verify a file: an export in any format, or a checkpoint alone.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return _verified(path, trust, progress or _silent)
    except Broken as broken:
        return Report((broken.problem,))
    except UnicodeDecodeError as error:
        return Report((Broken("file-unreadable", why=str(error)).problem,))


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def rows_of(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of an export in JSON Lines that was verified, each with where its line begins in the file."""
    with path.open("rb") as file:
        _, end = _manifest_of(file)
        at = len(file.readline())
        while at < end:
            line = file.readline()
            yield at, read_entries(bytes(_line.decode(line).entries))
            at += len(line)


def row_at(file: IO[bytes], at: int) -> Row:
    """The row whose line begins there."""
    file.seek(at)
    return read_entries(bytes(_line.decode(file.readline()).entries))


def is_lines(path: Path) -> bool:
    """Whether a file is an export in JSON Lines, by how it begins."""
    with path.open("rb") as file:
        return file.read(17) == b'{"pilote_export":'


def _verified(path: Path, trust: Trust, progress: Progress) -> Report:
    with path.open("rb") as file:
        start = file.read(17)
    if start.startswith(b"PAR1"):
        return _parquet(path, trust, progress)
    if is_lines(path):
        return _lines(path, trust, progress)
    if start.startswith(b"kind,id,"):
        return _csv(path, trust, progress)
    if path.stat().st_size > LARGEST_NOTE:
        raise Broken("file-unknown")
    whole = path.read_bytes().decode()
    if "\n\n\u2014 " not in whole:
        raise Broken("file-unknown")
    checkpoint, times = checked_checkpoint(whole, trust)
    previous = trust.previous
    if previous is not None and previous.size > checkpoint.size:
        raise Broken("older", size=checkpoint.size, previous=previous.size)
    if previous is not None and previous.size == checkpoint.size and previous.root != checkpoint.root:
        raise Broken("forked", size=checkpoint.size)
    return Report((), checkpoint, None, times)


def _lines(path: Path, trust: Trust, progress: Progress) -> Report:
    with path.open("rb") as file:
        manifest, end = _manifest_of(file)
        verifier = Verifier(manifest, trust)
        head = file.readline()
        if head != head_text(verifier.head).encode() + b"\n":
            raise Broken("head-differs")
        number, at = 0, len(head)
        while at < end:
            line = file.readline()
            at += len(line)
            number += 1
            try:
                row = read_entries(bytes(_line.decode(line).entries))
            except (msgspec.DecodeError, ValueError) as error:
                verifier.problem(number, "row-malformed", why=str(error))
                continue
            columns = verifier.add(number, row)
            if columns is not None and line != json_line(columns, row):
                _differs(verifier, number, _differing(line, columns))
            _tell(progress, number, verifier)
    return verifier.report()


def _manifest_of(file: IO[bytes]) -> tuple[str, int]:
    """The manifest in the last line, and where that begins; the file is then at its beginning again."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL, 0))
    tail = file.read()
    last = tail[tail.rfind(b"\n", 0, len(tail) - 1) + 1 :]
    file.seek(0)
    try:
        manifest = _last.decode(last).manifest
    except (msgspec.DecodeError, ValueError) as error:
        raise Broken("truncated") from error
    if last != manifest_line(manifest):
        raise Broken("truncated")
    return manifest, size - len(last)


def _differing(line: bytes, columns: Columns) -> str:
    """The first column in which a line is not what its entries say; empty where they differ in how they are written."""
    try:
        shown = msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError):
        return ""
    return next((name for name, value in columns.items() if shown.get(name) != value), "")


def _differs(verifier: Verifier, number: int, column: str) -> None:
    if column:
        verifier.problem(number, "cell-differs", column=column)
    else:
        verifier.problem(number, "line-differs")


def _csv(path: Path, trust: Trust, progress: Progress) -> Report:
    beside = manifest_file(path)
    if not beside.is_file():
        raise Broken("manifest-missing", file=beside.name)
    verifier = Verifier(beside.read_bytes().decode(), trust)
    with path.open(encoding="utf-8", newline="") as file:
        text = _Text(file)
        csv.field_size_limit(1 << 30)
        rows = csv.reader(text, strict=True)
        try:
            for number, shown in enumerate(rows):
                written = text.taken()
                if number == 0:
                    if written != _csv_line([*NAMES, ENTRIES]):
                        raise Broken("columns")
                    continue
                _csv_row(number, shown, written, verifier)
                _tell(progress, number, verifier)
        except csv.Error as error:
            raise Broken("file-unreadable", why=str(error)) from error
    return verifier.report()


def _csv_row(number: int, shown: list[str], written: str, verifier: Verifier) -> None:
    if len(shown) != len(NAMES) + 1:
        verifier.problem(number, "row-malformed", why=f"{len(shown)} columns")
        return
    if (added := _added(number, shown[-1], verifier)) is None:
        return
    columns, row = added
    wanted = cells(columns, row)
    if shown != wanted:
        names = (*NAMES, ENTRIES)
        _differs(verifier, number, next(names[at] for at, cell in enumerate(wanted) if shown[at] != cell))
    elif written != _csv_line(wanted):
        _differs(verifier, number, "")


class _Text:
    """Lines for the reader of CSV, which remembers what was read for a row."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._taken: list[str] = []

    def __iter__(self) -> "_Text":
        return self

    def __next__(self) -> str:
        self._taken.append(next(self._file))
        return self._taken[-1]

    def taken(self) -> str:
        """What was read since this was last asked."""
        taken, self._taken = "".join(self._taken), []
        return taken


class _Sink:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


def _csv_line(wanted: list[str]) -> str:
    sink = _Sink()
    csv.writer(sink, lineterminator="\n").writerow(wanted)
    return sink.text


def _parquet(path: Path, trust: Trust, progress: Progress) -> Report:
    import duckdb

    try:
        with duckdb.connect() as connection:
            found = connection.execute("SELECT key, value FROM parquet_kv_metadata(?)", [literal(path)]).fetchall()
            manifests = [value.decode() for key, value in found if key.decode() == MANIFEST_KEY]
            if len(manifests) != 1:
                raise Broken("manifest-missing", file=path.name)
            verifier = Verifier(manifests[0], trust)
            rows = connection.execute("SELECT * FROM read_parquet(?)", [literal(path)])
            if [column[0] for column in rows.description or ()] != [*NAMES, ENTRIES]:
                raise Broken("columns")
            number = 0
            while some := rows.fetchmany(_ROWS):
                for shown in some:
                    number += 1
                    _parquet_row(number, shown, verifier)
                _tell(progress, number, verifier, every=1)
    except duckdb.Error as error:
        raise Broken("file-unreadable", why=str(error).splitlines()[0]) from error
    return verifier.report()


def _parquet_row(number: int, shown: tuple[str | int | None, ...], verifier: Verifier) -> None:
    if (added := _added(number, str(shown[-1]), verifier)) is None:
        return
    columns, row = added
    wanted = (*columns.values(), entries_text(row))
    if shown != wanted:
        names = (*NAMES, ENTRIES)
        _differs(verifier, number, next(names[at] for at, cell in enumerate(wanted) if shown[at] != cell))


def _added(number: int, entries: str, verifier: Verifier) -> tuple[Columns, Row] | None:
    """The next row and what it must say in columns; `None` where that is not known, which the verifier has noted."""
    try:
        row = read_entries(entries)
    except Malformed as error:
        verifier.problem(number, "row-malformed", why=str(error))
        return None
    columns = verifier.add(number, row)
    return None if columns is None else (columns, row)


def _tell(progress: Progress, number: int, verifier: Verifier, *, every: int = 1_000) -> None:
    if number % every == 0:
        progress(number, verifier.rows)
