"""Exports of a real service as files, and files that somebody has tampered with."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from services.commands.export_writing import ENTRIES, MANIFEST_KEY, literal, manifest_file
from services.proof.columns import NAMES

Row = dict[str, Any]
"""What a file says in a row, the entries decoded."""
Tamper = Callable[[list[Row]], list[Row]]

FORMATS: Final = ("jsonl", "csv", "parquet")


def tampered(path: Path, tamper: Tamper) -> None:
    """Write the file anew with other rows, and all else as it is."""
    match path.suffix:
        case ".jsonl":
            head, *lines, manifest = path.read_bytes().splitlines(keepends=True)
            rows = tamper([msgspec.json.decode(line) for line in lines])
            path.write_bytes(b"".join((head, *(msgspec.json.encode(row) + b"\n" for row in rows), manifest)))
        case ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                found = list(csv.DictReader(file))
            rows = tamper([row | {ENTRIES: msgspec.json.decode(row[ENTRIES])} for row in found])
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow((*NAMES, ENTRIES))
            writer.writerows([*(row[name] for name in NAMES), _entries(row)] for row in rows)
            path.write_text(text.getvalue(), encoding="utf-8", newline="")
        case _:
            _parquet(path, tamper)


def replaced_manifest(path: Path, change: Callable[[str], str]) -> None:
    """Write the file anew with another manifest, and all else as it is."""
    match path.suffix:
        case ".jsonl":
            *lines, manifest = path.read_bytes().splitlines(keepends=True)
            changed = change(msgspec.json.decode(manifest)["manifest"])
            path.write_bytes(b"".join((*lines, msgspec.json.encode({"manifest": changed}) + b"\n")))
        case ".csv":
            beside = manifest_file(path)
            beside.write_text(change(beside.read_text(encoding="utf-8")), encoding="utf-8")
        case _:
            _parquet(path, lambda rows: rows, change)


def _parquet(path: Path, tamper: Tamper, change: Callable[[str], str] = lambda text: text) -> None:
    with duckdb.connect() as connection:
        ((_, manifest),) = connection.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(path)]).fetchall()
        rows = connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        connection.execute("CREATE TABLE t AS SELECT * FROM read_parquet(?) LIMIT 0", [str(path)])
        named = [dict(zip((*NAMES, ENTRIES), row, strict=True)) for row in rows]
        for row in tamper([row | {ENTRIES: msgspec.json.decode(row[ENTRIES])} for row in named]):
            marks = ", ".join("?" * (len(NAMES) + 1))
            connection.execute(f"INSERT INTO t VALUES ({marks})", [*(row[name] for name in NAMES), _entries(row)])  # noqa: S608
        connection.execute(
            f"COPY t TO ? (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{MANIFEST_KEY}: ?}})",
            [str(path), change(manifest.decode())],
        )


def rows_of_parquet(path: Path) -> list[tuple[Any, ...]]:
    """What a Parquet file says."""
    with duckdb.connect() as connection:
        return connection.execute("SELECT * FROM read_parquet(?)", [literal(path)]).fetchall()


def _entries(row: Row) -> str:
    return msgspec.json.encode(row[ENTRIES]).decode()
