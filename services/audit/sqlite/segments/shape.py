"""The columns of decisions in Parquet files: what was sealed before there was one has what the schema says instead."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from typing import Any, Final

import msgspec

from services.audit.sqlite import functions, schema
from services.audit.sqlite.segments.duck import Duck
from services.audit.sqlite.segments.files import STEPS

DERIVED: Final = ("rules", "words")
"""Columns that a Parquet file has besides those of the table: names of rules, and the words to look for."""
TYPES: Final = {"INTEGER": "BIGINT", "TEXT": "VARCHAR", "BLOB": "BLOB"}
_NOTHING: Final = {"INTEGER": "0", "TEXT": "''", "BLOB": "''"}


class Column(msgspec.Struct, frozen=True):
    """A column of the table `decision`."""

    kind: str
    """Its type in SQLite."""
    otherwise: str
    """What it is where nobody has said it, in SQL."""


@cache
def columns() -> Mapping[str, Column]:
    """Those that this version's segments have, the id first."""
    with closing(sqlite3.connect(":memory:")) as connection:
        functions.add(connection)
        schema.bring_up_to_date(connection, STEPS)
        found = {
            name: Column(kind, default or (_NOTHING[kind] if needed else "NULL"))
            for _, name, kind, needed, default, _ in connection.execute("PRAGMA table_info(decision)")
        }
    return {"id": found.pop("id"), **found}


def table(duck: Duck, paths: Sequence[str]) -> tuple[str, list[Any]]:
    """A query for all decisions in Parquet files, with all columns of this version, and its parameters.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    there, groups = duck.columns(paths), dict[tuple[str, ...], list[str]]()
    for path in paths:
        lacking = tuple(name for name in (*columns(), *DERIVED) if name not in there[path])
        groups.setdefault(lacking, []).append(path)
    parts = [f"SELECT *{''.join(map(_instead, lacking))} FROM read_parquet(?)" for lacking in groups]  # noqa: S608
    return " UNION ALL BY NAME ".join(parts), [*groups.values()]


def _instead(name: str) -> str:
    if name in columns():
        return f", CAST({columns()[name].otherwise} AS {TYPES[columns()[name].kind]}) AS {name}"
    return f", {'CAST([] AS VARCHAR[])' if name == 'rules' else _NOTHING['TEXT']} AS {name}"
