"""The store: changes that wait together are committed together, and each stands or falls alone."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.crm.store import Store, opened

SCHEMA = ("CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY) STRICT",)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store with one empty table."""
    async with opened(tmp_path / "store.sqlite", schema=SCHEMA) as opened_store:
        yield opened_store


def _insert(connection: sqlite3.Connection, number: int) -> int:
    connection.execute("INSERT INTO numbers VALUES (?)", (number,))
    return number


def _numbers(connection: sqlite3.Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT number FROM numbers ORDER BY number")]


async def test_a_change_that_fails_is_undone_and_harms_no_other(store: Store) -> None:
    def twice(connection: sqlite3.Connection, number: int) -> None:
        _insert(connection, number)
        _insert(connection, number)

    outcomes = await asyncio.gather(
        store.write(lambda connection: _insert(connection, 1)),
        store.write(lambda connection: twice(connection, 2)),
        store.write(lambda connection: _insert(connection, 3)),
        return_exceptions=True,
    )
    assert (outcomes[0], outcomes[2]) == (1, 3)
    assert isinstance(outcomes[1], sqlite3.IntegrityError)
    assert await store.read(_numbers) == [1, 3]


async def test_a_caller_that_gives_up_neither_undoes_its_change_nor_stops_the_others(store: Store) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> int:
        started.set()
        go_on.wait(5)
        return _insert(connection, 1)

    first = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(started.wait, 5)
    second = asyncio.create_task(store.write(lambda connection: _insert(connection, 2)))
    assert await store.read(_numbers) == []  # readers do not wait for the writer
    first.cancel()
    go_on.set()
    assert await second == 2
    assert first.cancelled() or first.cancelling()
    assert await store.read(_numbers) == [1, 2]


async def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError):
        await store.read(lambda connection: _insert(connection, 1))


async def test_what_waits_when_the_store_closes_is_committed_first(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened(path, schema=SCHEMA) as store:
        waiting = [asyncio.create_task(store.write(lambda c, n=n: _insert(c, n))) for n in range(50)]  # type: ignore[misc]
        await waiting[0]
    assert len(await asyncio.gather(*waiting)) == 50
    async with opened(path, schema=SCHEMA) as store:
        assert len(await store.read(_numbers)) == 50
