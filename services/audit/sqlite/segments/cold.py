"""Asks Parquet files of segments, as if they were the table that segments in SQLite have."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from services.audit.sql.dialects import Sql
from services.audit.sqlite.segments import lookups
from services.audit.sqlite.segments.duck import Duck
from services.audit.sqlite.segments.shape import table

Rows = list[tuple[Any, ...]]


class Cold:
    """The Parquet files of one folder."""

    def __init__(self, folder: Path, duck: Duck) -> None:
        self._folder = folder
        self._duck = duck

    def ask(
        self,
        files: Sequence[str],
        query: Sql,
        *,
        ids: Collection[str] | None = None,
        hidden: Collection[str] = (),
    ) -> Rows:
        """What a query about the table `decision`, in DuckDB's dialect, finds in these files.

        With `ids` those decisions are looked at only, by which it reads few parts of the files. Decisions with the ids
        in `hidden` are left out: something newer is kept of them elsewhere.

        Raises:
            duckdb.Error: a file cannot be read.
        """
        source, parameters = table(self._duck, [str((self._folder / file).resolve()) for file in files])
        if ids is not None:
            # As single parameters: by a list or a subquery DuckDB would not choose parts of files.
            named = sorted({*ids}.difference(hidden))
            source = f"SELECT * FROM ({source}) WHERE id IN ({', '.join('?' * len(named))})"  # noqa: S608
            parameters += named
        elif hidden:
            source = f"SELECT * FROM ({source}) WHERE NOT list_contains(CAST(? AS VARCHAR[]), id)"  # noqa: S608
            parameters.append(list(hidden))
        text = f"WITH decision AS NOT MATERIALIZED ({source}) {query.text}"
        return self._duck.rows(text, [*parameters, *query.parameters])

    def misleads(self, file: str) -> bool:
        """Whether the lookup file of one is there and says something else than the file itself.

        Raises:
            duckdb.Error: it cannot be read.
        """
        path = self._folder / file
        there = path.with_name(f"{file}{lookups.SUFFIX}").exists()
        return there and path.exists() and not lookups.is_right(self._duck, path)

    def whole(self, file: str, decisions: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """All that is kept of those of the decisions that are in a file, by column.

        Raises:
            duckdb.Error: it cannot be read.
        """
        source, parameters = table(self._duck, [str((self._folder / file).resolve())])
        cursor = self._duck.cursor()
        try:
            text = f"SELECT * FROM ({source}) WHERE id IN ({', '.join('?' * len(decisions))})"  # noqa: S608
            cursor.execute(text, [*parameters, *decisions])
            names = [str(column[0]) for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        finally:
            cursor.close()
        return {str(row["id"]): row for row in rows}


def one_of(texts: Sequence[str]) -> str:
    """A list of texts as a parameter, see `Dialect.one_of`."""
    return msgspec.json.encode(texts).decode()
