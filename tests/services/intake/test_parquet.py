"""Audiences as Parquet files: read like lines, within bounds; a bad file changes nothing."""

import contextlib
from pathlib import Path

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.parquet import PARQUET, ParquetWrong, lines_of
from tests.services.intake.conftest import Door
from tests.services.intake.test_audiences import inside, lines, sync


def written(folder: Path, select: str) -> bytes:
    """The rows of a query as a file."""
    path = folder / "members.parquet"
    duckdb.connect(":memory:").execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def users(*names: str) -> str:
    return f'SELECT unnest({list(names)}) AS "userId"'


async def test_a_file_says_all_members_or_the_difference(door: Door, tmp_path: Path) -> None:
    status, answer = await sync(door, "PUT", written(tmp_path, users("ada", "bob")), kind=PARQUET)
    assert (status, answer["members"], answer["joined"]) == (200, 2, 2)
    change = "SELECT * FROM (VALUES ('ada', false), ('eve', true)) AS t(\"userId\", member)"
    status, answer = await sync(door, "PATCH", written(tmp_path, change), kind=PARQUET)
    assert (status, answer["joined"], answer["left"]) == (200, 1, 1)
    assert await inside(door) == {"bob", "eve"}


async def test_numbers_are_names_too(door: Door, tmp_path: Path) -> None:
    numbers = written(tmp_path, 'SELECT range AS "userId" FROM range(5000)')
    assert (await sync(door, "PUT", numbers, kind=PARQUET))[1]["joined"] == 5_000
    facts = await door.facts("4999")
    assert facts is not None
    assert facts.segments == ("vip",)


async def test_a_bad_file_is_told_and_changes_nothing(door: Door, tmp_path: Path) -> None:
    await sync(door, "PUT", lines("ada"))
    good = written(tmp_path, users("bob"))
    bad = {
        b"": "PARQUET",
        b"userId\nbob\n": "PARQUET",
        good[:-9]: "PARQUET",
        written(tmp_path, "SELECT 'bob' AS name"): "PARQUET_COLUMNS",
        written(tmp_path, "SELECT 'bob' AS \"userId\", 'yes' AS member"): "PARQUET_COLUMNS",
        written(tmp_path, "SELECT ['bob'] AS \"userId\""): "PARQUET_COLUMNS",
        written(tmp_path, "SELECT unnest(['bob', NULL]) AS \"userId\""): "LINE",
        written(tmp_path, users("bob", "a" * 201)): "LINE",
    }
    for body, reason in bad.items():
        status, answer = await sync(door, "PUT", body, kind=PARQUET)
        assert (status, answer["reason"]) == (400, reason), body[:80]
    assert await inside(door) == {"ada"}


async def test_texts_that_unpack_to_gigabytes_are_read_within_the_memory_that_there_is(
    door: Door, tmp_path: Path
) -> None:
    bomb = written(tmp_path, "SELECT repeat('x', 100000) AS \"userId\" FROM range(20000)")
    assert len(bomb) < 100_000
    status, answer = await sync(door, "PUT", bomb, kind=PARQUET)
    assert (status, answer["reason"], answer["field"]) == (400, "LINE", "line 1")


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(4, 10_000), st.integers(0, 255), min_size=1, max_size=8))
async def test_a_file_with_changed_bytes_is_read_or_refused_and_breaks_nothing(
    tmp_path: Path, changes: dict[int, int]
) -> None:
    damaged = bytearray(written(tmp_path, users("ada", "bob", "eve")))
    for at, byte in changes.items():
        damaged[4 + at % (len(damaged) - 4)] = byte
    path = tmp_path / "damaged.parquet"
    path.write_bytes(damaged)
    async with lines_of(path) as rows:
        with contextlib.suppress(ParquetWrong):
            assert b"".join([each async for each in rows]).count(b"\n") <= 100_000
