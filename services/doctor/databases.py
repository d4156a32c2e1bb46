"""Looks at where decisions are kept: whether it can be opened, of which version its data is, and how large it is."""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import psycopg

from services.audit.postgres import schema as postgres_schema
from services.audit.postgres.address import parameters
from services.audit.sqlite import schema as sqlite_schema
from services.doctor.clocks import judged, offset_ms
from services.doctor.observing import Observation, bad, good, unknown, warning

OLDEST: Final = 15
"""Oldest PostgreSQL that this version was tried on."""
_SAID: Final = """SELECT current_setting('server_version_num')::int, current_setting('server_version'),
 pg_is_in_recovery(), pg_database_size(current_database()), to_regclass('schema_step') IS NOT NULL,
 current_setting('fsync'), current_setting('synchronous_commit')"""
_SCHEMA: Final = "SELECT count(*) FROM schema_step"
_NOW: Final = "SELECT extract(epoch FROM clock_timestamp()) * 1000"


async def look_at_database(home: Path, url: str | None) -> list[Observation]:
    """What was seen of the database in the home, or of the one that the URL names."""
    if url is None:
        return await asyncio.to_thread(_embedded, home / "audit" / "decisions.sqlite")
    try:
        where = parameters(url) | {"connect_timeout": 3, "target_session_attrs": "any"}
    except ValueError:
        return [bad("database", "database-url")]
    try:
        async with await psycopg.AsyncConnection.connect(**where, autocommit=True) as connection:
            return await _served(connection)
    except psycopg.Error as error:
        denied = isinstance(error, psycopg.errors.InsufficientPrivilege) or "password" in str(error)
        return [bad("database", "database-denied" if denied else "database-down")]


async def _served(connection: "psycopg.AsyncConnection[Any]") -> list[Observation]:
    ((number, version, copies, size, is_made, fsync, commit),) = await (await connection.execute(_SAID)).fetchall()
    values = {"version": str(version).split()[0], "size_mb": round(size / 1e6)}
    seen = [bad("database", "database-replica")] if copies else [good("database", "database-up", **values)]
    if number // 10_000 < OLDEST:
        seen.append(warning("database", "database-old", version=values["version"], oldest=OLDEST))
    if fsync != "on" or commit == "off":
        seen.append(bad("database", "database-forgets"))
    taken = 0
    if is_made:
        ((taken,),) = await (await connection.execute(_SCHEMA)).fetchall()
    seen.append(data_version(int(taken), len(postgres_schema.steps()), made=is_made))

    async def ask() -> float:
        ((now,),) = await (await connection.execute(_NOW)).fetchall()
        return float(now)

    return [*seen, judged("database", *await offset_ms(ask, clock=time.time))]


def _embedded(file: Path) -> list[Observation]:
    if not file.exists():
        return [unknown("database", "database-not-made", file=str(file))]
    try:
        connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=3)
        try:
            (taken,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return [bad("database", "database-damaged", file=str(file))]
    size = sum(each.stat().st_size for each in file.parent.glob("decisions.sqlite*"))
    seen = good("database", "database-file", file=str(file), size_mb=round(size / 1e6, 1))
    return [seen, data_version(int(taken), len(sqlite_schema.steps()), made=True)]


def data_version(found: int, known: int, *, made: bool) -> Observation:
    """How the version of the data in a database stands to the one that this version of Pilote writes."""
    values = {"found": found, "known": known}
    if not made:
        return unknown("versions", "data-not-made")
    if found > known:
        return bad("versions", "data-newer", **values)
    if found < known:
        return warning("versions", "data-older", **values)
    return good("versions", "data-current", **values)
