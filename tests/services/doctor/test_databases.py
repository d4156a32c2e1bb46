"""What is seen of databases of decisions, embedded and served."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.audit.postgres import schema as postgres_schema
from services.audit.postgres.address import parameters
from services.audit.sqlite import schema as sqlite_schema
from services.doctor.databases import look_at_database
from services.doctor.observing import Grade, Observation
from tests import postgres
from tests.postgres import PostgresProcess, programs


async def seen(home: Path, url: str | None = None) -> dict[str, Observation]:
    """What is seen, by its key."""
    return {each.what: each for each in await look_at_database(home, url)}


def embedded(home: Path, *, version: int | None = None) -> Path:
    """A database as the audit service makes it, or one that says that it has taken so many steps."""
    (home / "audit").mkdir()
    file = home / "audit" / "decisions.sqlite"
    with sqlite3.connect(file, isolation_level=None) as connection:
        if version is None:
            sqlite_schema.bring_up_to_date(connection)
        else:
            connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    return file


async def test_an_embedded_database_of_this_version_is_well(tmp_path: Path) -> None:
    assert (await seen(tmp_path))["database-not-made"].grade is Grade.UNKNOWN
    embedded(tmp_path)
    found = await seen(tmp_path)
    assert found.keys() == {"database-file", "data-current"}


@pytest.mark.parametrize(("version", "what"), [(3, "data-older"), (10_000, "data-newer")])
async def test_data_of_another_version_is_told(tmp_path: Path, version: int, what: str) -> None:
    embedded(tmp_path, version=version)
    assert (await seen(tmp_path))[what].values["found"] == version


async def test_a_damaged_file_is_bad(tmp_path: Path) -> None:
    embedded(tmp_path).write_bytes(b"no database" * 1_000)
    assert (await seen(tmp_path))["database-damaged"].grade is Grade.BAD


@pytest.fixture
def server() -> Iterator[PostgresProcess]:
    """A server that nobody else uses."""
    with postgres.running() as server:
        yield server


@pytest.mark.skipif(programs() is None, reason="there is no PostgreSQL here")
async def test_a_server_is_seen_for_what_it_is(server: PostgresProcess, tmp_path: Path) -> None:
    url = server.url(server.new_database())
    found = await seen(tmp_path, url)
    assert found["data-not-made"].grade is Grade.UNKNOWN
    assert found["clock-database"].grade is Grade.GOOD
    with psycopg.connect(**parameters(url), autocommit=True) as connection:
        postgres_schema.bring_up_to_date(connection)
    found = await seen(tmp_path, url)
    assert found["data-current"].grade is Grade.GOOD
    # The tests' server writes nothing through to the disk, to be quick: that is what the doctor is to see.
    assert found["database-forgets"].grade is Grade.BAD
    assert [*(await seen(tmp_path, url.replace("pilote@", "nobody:swordfish@")))] in (
        ["database-denied"],
        ["database-down"],
    )
    server.kill()
    assert [*(await seen(tmp_path, url))] == ["database-down"]
    assert [*(await seen(tmp_path, "mysql://x"))] == ["database-url"]
