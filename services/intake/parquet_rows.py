"""Writes the members that a Parquet file names as JSON Lines: `python -m services.intake.parquet_rows FILE`.

A process of its own, with little memory and time and without any other file: whoever sends a file that is made to break
a reader breaks this one. Ends with `NO_PARQUET` or `NO_COLUMNS` where the file is no such one.
"""

import resource
import sys
from pathlib import Path
from typing import Final

import duckdb
import msgspec

NO_PARQUET: Final = 3
NO_COLUMNS: Final = 4
MEMORY: Final = "256MB"
_ADDRESSES: Final = 4 << 30
"""Of memory that may be reserved; far more than is used."""
_CPU_SECONDS: Final = 600
_AT_ONCE: Final = 2_048
# The start of an id that is too long is too long as well, and takes no memory.
_WITH_MEMBER: Final = 'SELECT left(CAST("userId" AS VARCHAR), 201), "member" FROM read_parquet(?)'
_WITHOUT: Final = 'SELECT left(CAST("userId" AS VARCHAR), 201), true FROM read_parquet(?)'
_MAGIC: Final = b"PAR1"
_IDS: Final = frozenset(
    {"VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)


def main(path: str) -> int:
    """Write the rows; gives the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    try:
        with Path(path).open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return NO_PARQUET
        return _write(_engine(path), path)
    except (duckdb.Error, MemoryError, UnicodeDecodeError):  # which one says nothing to whoever sent the file
        return NO_PARQUET


def _engine(path: str) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(
        ":memory:",
        config={
            "threads": "1",
            "memory_limit": MEMORY,
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    engine.execute("SET allowed_paths = [?]", [path])
    engine.execute("SET enable_external_access = false")
    engine.execute("SET lock_configuration = true")
    return engine


def _write(engine: duckdb.DuckDBPyConnection, path: str) -> int:
    columns = {
        name: kind for name, kind, *_ in engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
    }
    if columns.get("userId") not in _IDS or columns.get("member", "BOOLEAN") != "BOOLEAN":
        return NO_COLUMNS
    rows = engine.execute(_WITH_MEMBER if "member" in columns else _WITHOUT, [path])
    encode = msgspec.json.Encoder().encode_lines
    while some := rows.fetchmany(_AT_ONCE):
        sys.stdout.buffer.write(encode([{"userId": user, "member": inside} for user, inside in some]))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
