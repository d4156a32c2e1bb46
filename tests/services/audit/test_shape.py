"""Hours that were sealed before decisions had a column answer as if it had been there and said nothing."""

from collections.abc import Collection
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from services.audit.filters.fields import FIELDS
from services.audit.filters.filter import parse
from services.audit.finding import Order
from services.audit.sqlite.segments import shape
from services.audit.sqlite.segments.duck import Duck
from services.audit.sqlite.store import SqliteStore
from tests.examples import thoroughly
from tests.services.audit.conftest import NOW_MS, an_id
from tests.services.audit.test_sealing import COLD_MS, KEEPING, cold, everything, of_hour
from tests.services.audit.test_segments import a_time, admitted, ended

LATER = ("channel", "category", "arm", "upstream", "trace_id", "leaf", "settled_leaf", "words")
"""Columns that a page shows nothing of but its places in the log, and that may have been added later."""


async def _sealed(home: Path) -> SqliteStore:
    """16 decisions in four cold hours."""
    store = SqliteStore(home, keeping=KEEPING)
    await store.write([admitted(n, channel="email", category="news", arm="b", agent=f"a{n % 8}") for n in range(16)])
    await store.write([ended(number) for number in range(12)])
    await store.mark_in_doubt(now_ms=COLD_MS)
    await cold(store)
    return store


def _path(home: Path, hour: int) -> Path:
    return home / "audit" / "sealed" / f"{of_hour(hour)}.parquet"


def _without(path: Path, columns: Collection[str]) -> None:
    """As an earlier version would have written it, which knew of no such columns, nor of lookup files."""
    part = path.with_suffix(".earlier")
    text = f"COPY (SELECT * EXCLUDE ({', '.join(columns)}) FROM read_parquet('{path}')) TO '{part}' (FORMAT parquet)"  # noqa: S608
    duckdb.execute(text)
    part.rename(path)
    path.with_name(f"{path.name}.lookup").unlink()


def _ids(*numbers: int) -> list[str]:
    return sorted((an_id(0, at_ms=a_time(number)) for number in numbers), reverse=True)


async def _found(store: SqliteStore, text: str) -> list[str]:
    return [each.record.id for each in await everything(store, text)]


@thoroughly(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lacking=st.lists(st.lists(st.sampled_from(LATER), min_size=1, unique=True) | st.none(), min_size=4, max_size=4),
    order=st.builds(Order, st.sampled_from([FIELDS["receive_time"], FIELDS["revision"]]), st.booleans()),
)
async def test_answers_come_from_files_of_all_versions(
    lacking: list[list[str] | None], order: Order, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("store")
    store = await _sealed(home)
    before = [each.record for each in await everything(store)]
    ordered = await store.ordered(parse(""), now_ms=COLD_MS, order=order, after=None, size=10)
    await store.close()
    for hour, columns in enumerate(lacking):
        if columns:
            _without(_path(home, hour), columns)
    store = SqliteStore(home, keeping=KEEPING)
    channel = {hour: "" if columns and "channel" in columns else "email" for hour, columns in enumerate(lacking)}
    wanted = _ids(*(number for number in range(16) if channel[number % 4] == "email"))

    assert [each.record for each in await everything(store)] == before
    assert await _found(store, 'channel = "email"') == wanted
    assert sorted(wanted + await _found(store, 'channel = ""')) == sorted(_ids(*range(16)))
    again = await store.ordered(parse(""), now_ms=COLD_MS, order=order, after=None, size=10)
    assert [each.record for each in again] == [each.record for each in ordered]
    facets = await store.facets(parse(""), [FIELDS["channel"]], now_ms=COLD_MS)
    counts = {value: list(channel.values()).count(value) * 4 for value in channel.values()}
    assert facets.counts == {"channel": counts}
    await store.tend(now_ms=COLD_MS)
    assert await _found(store, 'agent = "a5"') == _ids(5, 13)
    assert store.unreadable == ()
    await store.close()
    assert _path(home, 0).with_name(f"{of_hour(0)}.parquet.lookup").exists()


@pytest.mark.parametrize("name", LATER)
async def test_what_comes_late_to_an_hour_of_an_earlier_version_is_written_with_all_columns(
    tmp_path: Path, name: str
) -> None:
    store = await _sealed(tmp_path)
    await store.close()
    _without(_path(tmp_path, 0), [name])
    store = SqliteStore(tmp_path, keeping=KEEPING)
    changed = await store.write([ended(12), admitted(16, channel="sms"), ended(16)])
    over = await everything(store)
    for now_ms in (COLD_MS, COLD_MS + KEEPING.grace_ms, COLD_MS + KEEPING.grace_ms):
        await store.tend(now_ms=now_ms)
    merged, sms = await everything(store), await _found(store, 'channel = "sms"')
    unreadable = store.unreadable
    await store.close()
    (path,) = (tmp_path / "audit" / "sealed").glob(f"{of_hour(0)}*.parquet")

    assert sorted(changed, reverse=True) == _ids(12, 16)
    assert [each.record.id for each in over] == [each.record.id for each in merged] == _ids(*range(17))
    assert (sms, unreadable) == (_ids(16), ())
    duck = Duck(path.parent)
    assert duck.columns([str(path.resolve())])[str(path.resolve())] >= {*shape.columns(), *shape.DERIVED}
    duck.close()


async def test_retention_writes_hours_of_an_earlier_version_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(0, keep_days=2), admitted(4, keep_days=900), ended(0), ended(4)])
    await cold(store)
    await store.close()
    _without(_path(tmp_path, 0), ["upstream", "words"])
    store = SqliteStore(tmp_path, keeping=KEEPING)
    for _ in range(3):
        await store.tend(now_ms=NOW_MS + 3 * 86_400_000)
    found = await _found(store, "")
    unreadable = store.unreadable
    await store.close()

    assert (found, unreadable) == (_ids(4), ())


def test_every_column_that_was_added_says_what_stands_for_nothing() -> None:
    columns = shape.columns()

    assert next(iter(columns)) == "id"
    assert {each.kind for each in columns.values()} <= shape.TYPES.keys()
    assert columns["channel"] == shape.Column("TEXT", "''")
    assert columns["settled_leaf"] == shape.Column("INTEGER", "NULL")
