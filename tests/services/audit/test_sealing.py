"""Hours that are over become Parquet files: the same answers come from them, and what changes late is not lost."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway.records.conclusion import State
from services.audit.entries import Entry
from services.audit.filters.filter import parse
from services.audit.sqlite.segments.hours import HOUR_MS, hour_of, name_of
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from services.audit.store import Stored
from tests.examples import thoroughly
from tests.services.audit.conftest import NOW_MS, an_id
from tests.services.audit.test_segments import a_time, admitted, ended

KEEPING = Keeping(grace_ms=60_000, hot_ms=3 * HOUR_MS)
OVER_MS = NOW_MS + HOUR_MS + 60_000
"""When all hours of `admitted` are over, and their grace too."""
COLD_MS = OVER_MS + KEEPING.hot_ms


def files(home: Path) -> list[str]:
    """The files of segments, by their names; not the lookup files of Parquet files that are there."""
    found = [*(home / "audit" / "segments").glob("*.sqlite"), *(home / "audit" / "sealed").glob("*")]
    names = {path.name for path in found if path.is_file()}
    return sorted(names - {f"{name}.lookup" for name in names})


def of_hour(number: int) -> str:
    """Name of the hour of `admitted(number)`."""
    return name_of(hour_of(an_id(0, at_ms=a_time(number))))


async def everything(store: SqliteStore, text: str = "", *, size: int = 7) -> list[Stored]:
    """All decisions that match, page by page."""
    seen: list[Stored] = []
    while page := await store.page(parse(text), now_ms=COLD_MS, before=seen[-1].record.id if seen else "", size=size):
        seen += page
    return seen


async def cold(store: SqliteStore) -> None:
    """Seal all, and let the SQLite files go."""
    for now_ms in (OVER_MS, COLD_MS, COLD_MS):
        await store.tend(now_ms=now_ms)


async def filled(home: Path, count: int = 40) -> SqliteStore:
    """A store with that many decisions in four hours, none of which runs."""
    store = SqliteStore(home, keeping=KEEPING)
    await store.write([admitted(number, agent=f"agent-{number % 3}", version="v1") for number in range(count)])
    await store.write([ended(number, status="OK" if number % 2 else "UNAVAILABLE") for number in range(count)])
    return store


async def test_an_hour_is_sealed_once_it_is_over_and_its_sqlite_file_goes_later(tmp_path: Path) -> None:
    store = await filled(tmp_path)
    sqlite = sorted(f"{of_hour(number)}.sqlite" for number in range(4))
    parquet = sorted(f"{of_hour(number)}.parquet" for number in range(4))
    before = await everything(store)
    seen = []
    for now_ms in (NOW_MS, OVER_MS - 1, OVER_MS, COLD_MS - 1, COLD_MS, COLD_MS):
        await store.tend(now_ms=now_ms)
        seen.append(files(tmp_path))
        assert await everything(store) == before
    await store.close()

    old = [name for name in parquet if name != f"{of_hour(0)}.parquet"]
    assert seen[1] == sorted([*sqlite, *old])
    assert seen[2] == seen[3] == sorted([*sqlite, *parquet])
    assert seen[5] == parquet


async def test_what_still_runs_is_not_sealed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(0), admitted(4), ended(0)])
    await store.tend(now_ms=OVER_MS)
    running = files(tmp_path)
    await store.mark_in_doubt(now_ms=OVER_MS)
    await store.tend(now_ms=OVER_MS)
    await store.close()

    assert running == [f"{of_hour(0)}.sqlite"]
    assert files(tmp_path) == [f"{of_hour(0)}.parquet", f"{of_hour(0)}.sqlite"]


@pytest.mark.parametrize("again", [False, True])
async def test_what_comes_late_to_a_cold_hour_lies_over_it_until_both_are_written_as_one(
    tmp_path: Path, *, again: bool
) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(number) for number in range(12)])
    await store.mark_in_doubt(now_ms=OVER_MS)
    await cold(store)
    assert files(tmp_path) == sorted(f"{of_hour(number)}.parquet" for number in range(4))

    changed = await store.write([ended(4), admitted(5), admitted(16, rule="late"), ended(16)])
    if again:
        await store.close()
        store = SqliteStore(tmp_path, keeping=KEEPING)
    over = await everything(store)
    await store.tend(now_ms=COLD_MS)
    await store.tend(now_ms=COLD_MS + KEEPING.grace_ms)
    await store.tend(now_ms=COLD_MS + KEEPING.grace_ms)
    merged = await everything(store)
    late = await everything(store, 'rule = "late"')
    count = await store.count()
    await store.close()

    assert changed == (an_id(0, at_ms=a_time(4)), an_id(0, at_ms=a_time(16)))
    assert over == merged
    assert [each.record.id for each in late] == [an_id(0, at_ms=a_time(16))]
    states = {each.record.id: each.conclusion.state for each in merged}
    assert states == {
        an_id(0, at_ms=a_time(n)): State.SETTLED if n in {4, 16} else State.IN_DOUBT for n in (*range(12), 16)
    }
    assert count == 13
    assert files(tmp_path) == sorted([f"{of_hour(0)}.3.parquet", *(f"{of_hour(n)}.parquet" for n in (1, 2, 3))])


async def test_what_comes_late_to_a_sealed_hour_with_a_sqlite_file_is_sealed_once_more(tmp_path: Path) -> None:
    store = await filled(tmp_path, 4)
    await store.tend(now_ms=OVER_MS)
    await store.write([admitted(4), ended(4)])
    for now_ms in (OVER_MS + 1, OVER_MS + KEEPING.grace_ms, OVER_MS + 1 + KEEPING.grace_ms, COLD_MS + HOUR_MS):
        await store.tend(now_ms=now_ms)
    found = await everything(store)
    await store.close()

    assert len(found) == 5
    assert f"{of_hour(0)}.2.parquet" in files(tmp_path)


async def test_a_file_that_was_written_while_something_came_is_not_used(tmp_path: Path) -> None:
    store = await filled(tmp_path, 4)
    segment = store._segments.catalogue[hour_of(an_id(0))]
    sealed = store._tender._sealer.seal(segment, now_ms=OVER_MS)
    assert sealed is not None
    await store.write([admitted(4), ended(4)])
    used = await store._arrange(lambda main: store._tender._registered(main, sealed=sealed, now_ms=OVER_MS))
    await store.tend(now_ms=OVER_MS)
    await cold(store)
    found = await everything(store)
    await store.close()

    assert (used, len(found)) == ([], 5)


async def test_a_hundred_customers_are_found_in_cold_hours_without_opening_the_others(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(n, subject_ref=f"{n % 4:032x}", expires_ms=0) for n in range(40)])
    await cold(store)
    for path in (tmp_path / "audit" / "sealed").glob("*.parquet"):
        if path.stem != of_hour(1):
            path.write_bytes(b"nobody reads this")
    found = await everything(store, f'subject_ref = "{1:032x}"')
    unreadable = store.unreadable
    await store.close()

    assert (len(found), unreadable) == (10, ())


_steps = st.lists(
    st.one_of(
        st.lists(
            st.one_of(st.builds(admitted, st.integers(0, 9)), st.builds(ended, st.integers(0, 9))),
            min_size=1,
            max_size=6,
        ),
        st.sampled_from(["tend", "hours pass", "dies", "dies while it seals"]),
    ),
    min_size=2,
    max_size=8,
)


@thoroughly(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps)
async def test_whenever_hours_are_sealed_and_the_process_dies_nothing_is_lost_or_doubled(
    steps: list[list[Entry] | str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain, home = SqliteStore(tmp_path_factory.mktemp("plain")), tmp_path_factory.mktemp("sealed")
    store, now_ms = SqliteStore(home, keeping=KEEPING), OVER_MS
    for step in steps:
        if isinstance(step, list):
            told = [await each.write(step) for each in (plain, store)]
            assert told[0] == told[1]
        for each in (plain, store):
            await each.mark_in_doubt(now_ms=now_ms)
        if step == "hours pass":
            now_ms += KEEPING.hot_ms
        elif step == "tend":
            await store.tend(now_ms=now_ms)
        elif step == "dies while it seals":
            for segment in store._segments.catalogue.values():
                if segment.file:
                    store._tender._sealer.seal(segment, now_ms=OVER_MS)
        if step in ("dies", "dies while it seals"):
            await store.close()
            store = SqliteStore(home, keeping=KEEPING)
    found = [await everything(each) for each in (plain, store)]
    counts = [await each.count() for each in (plain, store)]
    logs = [await each.log.places(0, end=await each.log.size()) for each in (plain, store)]
    await plain.close()
    await store.close()

    assert found[0] == found[1]
    assert (counts[0], logs[0]) == (counts[1], logs[1])
    assert store.unreadable == ()
