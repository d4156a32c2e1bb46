"""Writes exports as files: JSON Lines, CSV and Parquet. Each is written aside and renamed, so none is ever half."""

import contextlib
import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Protocol

import msgspec

from services.proof.columns import NAMES, NUMBERS, Columns
from services.proof.exports import Head, Row, columns_of, entries_text, head_text

FORMATS: Final = ("jsonl", "csv", "parquet")
ENTRIES: Final = "entries"
"""The column that holds what is proved, as JSON; every other column follows from it."""
MANIFEST_KEY: Final = "pilote_manifest"
"""Of Parquet's key-value metadata."""


class Writer(Protocol):
    """Writes one export."""

    def row(self, row: Row) -> None:
        """Write the next row."""

    def end(self, manifest: str) -> None:
        """Write the signed manifest; then the file is whole."""


def manifest_file(path: Path) -> Path:
    """Where the manifest of a CSV file is: beside it."""
    return path.with_name(f"{path.name}.manifest")


def literal(path: Path) -> str:
    """A path as DuckDB reads it: not as a pattern that other files may match too."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))


def json_line(columns: Columns, row: Row) -> bytes:
    """A row in JSON Lines."""
    return msgspec.json.encode({**columns, ENTRIES: msgspec.Raw(entries_text(row).encode())}) + b"\n"


def cells(columns: Columns, row: Row) -> list[str]:
    """A row in CSV."""
    return [*("" if value is None else str(value) for value in columns.values()), entries_text(row)]


def manifest_line(manifest: str) -> bytes:
    """The last line in JSON Lines."""
    return msgspec.json.encode({"manifest": manifest}) + b"\n"


@contextlib.contextmanager
def writing(path: Path, form: str, head: Head) -> Iterator[Writer]:
    """A writer of that format; at the end of the block the file is there as a whole, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        aside = stack.enter_context(aside_of(path))
        if form == "csv":
            beside = stack.enter_context(aside_of(manifest_file(path)))
            file = stack.enter_context(aside.open("w", encoding="utf-8", newline=""))
            yield _Csv(file, beside, head)
        elif form == "parquet":
            lines = stack.enter_context(aside_of(path.with_name(f"{path.name}.rows"), keep=False))
            yield _Parquet(stack.enter_context(lines.open("wb")), lines, aside, head)
        else:
            yield _Lines(stack.enter_context(aside.open("wb")), head)


class _Lines:
    def __init__(self, file: IO[bytes], head: Head) -> None:
        self._file = file
        self._head = head
        file.write(head_text(head).encode() + b"\n")

    def row(self, row: Row) -> None:
        self._file.write(json_line(columns_of(row, at_ms=self._head.at_ms), row))

    def end(self, manifest: str) -> None:
        self._file.write(manifest_line(manifest))
        _to_disk(self._file)


class _Csv:
    def __init__(self, file: IO[str], beside: Path, head: Head) -> None:
        self._file = file
        self._beside = beside
        self._head = head
        self._csv = csv.writer(file, lineterminator="\n")
        self._csv.writerow((*NAMES, ENTRIES))

    def row(self, row: Row) -> None:
        self._csv.writerow(cells(columns_of(row, at_ms=self._head.at_ms), row))

    def end(self, manifest: str) -> None:
        _to_disk(self._file)
        with self._beside.open("w", encoding="utf-8", newline="") as file:
            file.write(manifest)
            _to_disk(file)


class _Parquet:
    """Rows are written as lines of JSON first: what goes into the file's metadata is known at the end only."""

    def __init__(self, file: IO[bytes], lines: Path, target: Path, head: Head) -> None:
        self._file = file
        self._lines = lines
        self._target = target
        self._head = head

    def row(self, row: Row) -> None:
        columns = columns_of(row, at_ms=self._head.at_ms)
        self._file.write(msgspec.json.encode({**columns, ENTRIES: entries_text(row)}) + b"\n")

    def end(self, manifest: str) -> None:
        import duckdb

        self._file.flush()
        types = {name: "BIGINT" if name in NUMBERS else "VARCHAR" for name in (*NAMES, ENTRIES)}
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in types.items())
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT * FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}},"  # noqa: S608
                " maximum_object_size = 268435456)) TO ?"
                f" (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{MANIFEST_KEY}: ?}})",
                [literal(self._lines), str(self._target), manifest],
            )
        with self._target.open("rb+") as file:
            os.fsync(file.fileno())


@contextlib.contextmanager
def aside_of(path: Path, *, keep: bool = True) -> Iterator[Path]:
    """A file beside `path`, for its owner only, that takes its place once the block has ended well."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.close(descriptor)
    try:
        yield aside
        if keep:
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _to_disk(file: IO[bytes] | IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())
