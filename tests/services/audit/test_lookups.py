"""Lookup files say which decisions of a Parquet file are about what; without them, or damaged, no answer is another."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.audit.filters.expression import Expression, SubjectIs, at_time
from services.audit.filters.fields import Field
from services.audit.finding import Order
from services.audit.sqlite.segments.catalogue import Segment
from services.audit.sqlite.segments.lookup import ID_BYTES, KEY_BYTES, Entry, Lookup, Unusable, packed
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.segments.steps import MOST_FILES, MOST_IDS, steps
from services.audit.sqlite.store import SqliteStore
from tests.examples import thoroughly
from tests.services.audit.conftest import NOW_MS
from tests.services.audit.filters import Row, entries, expressions, rows, subjects
from tests.services.audit.test_cold_filters import LATE_MS, summed
from tests.services.audit.test_cold_filters import cold as made_cold
from tests.services.audit.test_finding import COUNTABLE, SORTABLE
from tests.services.audit.test_sealing import COLD_MS, KEEPING, cold, everything, of_hour
from tests.services.audit.test_segment_commands import pilote
from tests.services.audit.test_segments import admitted, ended

_keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
_ids = st.lists(st.binary(min_size=ID_BYTES, max_size=ID_BYTES), max_size=40).map(b"".join) | st.none()
_entries = st.dictionaries(_keys, _ids, max_size=300)


def _lookup_files(home: Path) -> list[Path]:
    return sorted((home / "audit" / "sealed").glob("*.lookup"))


def _asked(path: Path, key: bytes, *, parquet_bytes: int = 7) -> list[str] | None:
    with Lookup(path, parquet_bytes=parquet_bytes) as lookup:
        return lookup.ids(key)


def _wanted(ids: bytes | None) -> list[str] | None:
    return None if ids is None else [ids[at : at + ID_BYTES].hex() for at in range(0, len(ids), ID_BYTES)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=_entries, others=st.lists(_keys, max_size=20))
def test_a_lookup_file_says_what_was_put_into_it_and_nothing_else(
    found: dict[bytes, bytes | None], others: list[bytes], tmp_path: Path
) -> None:
    (path := tmp_path / "a.lookup").write_bytes(packed(found.items(), parquet_bytes=7))

    assert {key: _asked(path, key) for key in found} == {key: _wanted(ids) for key, ids in found.items()}
    assert all(_asked(path, key) == [] for key in others if key not in found)


def _large() -> list[Entry]:
    """What takes some buckets."""
    return [(number.to_bytes(4, "little") * 2, (number % 1000).to_bytes(ID_BYTES) * 3) for number in range(1_000)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_lookup_file_is_never_believed(data: st.DataObject, tmp_path: Path) -> None:
    found = _large()
    content = packed(found, parquet_bytes=7)
    at = data.draw(st.integers(0, len(content) - 1))
    bent = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    cut, other = content[:at], packed([(key, (ids or b"")[:ID_BYTES]) for key, ids in found], parquet_bytes=8)
    path = tmp_path / "a.lookup"
    for damaged in (bent, cut, other, content[:at] + other[at:]):
        path.write_bytes(damaged)
        for key, ids in data.draw(st.lists(st.sampled_from(found), min_size=3, max_size=20)):
            try:
                said = _asked(path, key)
            except Unusable:
                continue
            assert said == _wanted(ids)


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


def _nonsense(path: Path) -> None:
    path.write_bytes(b"nonsense" * 1_000)


def _bent(path: Path) -> None:
    """The beginning is right, and nothing after it."""
    data = path.read_bytes()
    path.write_bytes(data[:32] + bytes(len(data) - 32))


def _of_another(path: Path) -> None:
    """As if the Parquet file had been put back from a backup of another day."""
    path.write_bytes(packed([], parquet_bytes=1))


DAMAGES = [Path.unlink, _nothing, _nonsense, _bent, _of_another]


@thoroughly(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=rows(),
    wanted=expressions | subjects,
    order=st.builds(Order, st.sampled_from(SORTABLE), st.booleans()),
    fields=st.lists(st.sampled_from(COUNTABLE), max_size=3, unique=True),
    damage=st.sampled_from(DAMAGES),
)
async def test_answers_are_the_same_with_lookup_files_without_and_with_new_ones(
    found: list[Row],
    wanted: Expression,
    order: Order,
    fields: list[Field],
    *,
    damage: Callable[[Path], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("store")
    store = SqliteStore(home, keeping=Keeping(grace_ms=0, hot_ms=0))
    await store.write(entries(found))
    await made_cold(store)
    expression = at_time(wanted, now_ms=NOW_MS)
    files = {path: path.read_bytes() for path in _lookup_files(home)}
    seen = []
    for damaged in (False, True, False):
        for path in files if damaged else ():
            damage(path)
        seen.append(
            (
                await store.page(expression, now_ms=LATE_MS, before="", size=100),
                await store.among([record.id for record, _ in found], expression=expression, now_ms=LATE_MS),
                await summed(store, expression, order=order, fields=fields),
            )
        )
        if damaged:
            assert await store.page(SubjectIs(("nobody",)), now_ms=LATE_MS, before="", size=1) == ()
            await store.tend(now_ms=LATE_MS)
    unreadable = store.unreadable
    await store.close()

    assert seen[0] == seen[1] == seen[2]
    assert {path: path.read_bytes() for path in _lookup_files(home)} == files
    assert unreadable == ()


def _refs(number: int) -> dict[str, str]:
    """Of 400 decisions 4 about one customer, 40 by one agent, 200 of one version, 2 of one rule."""
    return {
        "subject_ref": f"{number % 100:032x}",
        "agent": f"agent-{number % 10}",
        "version": f"v{number % 2}",
        "rule": f"rule-{number % 200}",
    }


FILTERS = (
    f'subject_ref = "{7:032x}"',
    'agent = "agent-3"',
    'model_version = "v1"',
    'rule = "rule-150"',
    f'subject_ref = "{7:032x}" AND agent = "agent-7"',
    f'subject_ref = "{7:032x}" AND agent = "agent-8"',
    f'subject_ref = "{7:032x}" AND rule = "rule-107" AND status = "OK"',
    'agent = "agent-3" AND model_version = "v1" AND NOT rule = "rule-3"',
)


@pytest.mark.parametrize("text", FILTERS)
async def test_pages_are_the_same_when_hours_are_cold_and_when_something_lies_over_them(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(number, **_refs(number)) for number in range(400)])
    await store.write([ended(number) for number in range(0, 400, 3)])
    await store.mark_in_doubt(now_ms=COLD_MS)
    hot = await everything(store, text)
    await cold(store)
    seen = [await everything(store, text, size=size) for size in (1, 3, 100)]
    await store.write([ended(107), admitted(1_007, **_refs(1_007)), admitted(1_003, **_refs(1_003))])
    over = await everything(store, text)
    await store.mark_in_doubt(now_ms=COLD_MS)
    for now_ms in (COLD_MS, COLD_MS + KEEPING.grace_ms, COLD_MS + KEEPING.grace_ms):
        await store.tend(now_ms=now_ms)
    merged = await everything(store, text)
    await store.close()

    assert seen == [hot, hot, hot]
    assert [each.record for each in over] == [each.record for each in merged]
    assert not caplog.records


async def test_a_lookup_file_that_is_lost_or_damaged_is_told_once_and_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(number, **_refs(number), keep_days=36_500) for number in range(40)])
    await store.mark_in_doubt(now_ms=COLD_MS)
    await cold(store)
    lost, bent, *_ = files = _lookup_files(tmp_path)
    before = [path.read_bytes() for path in files]
    lost.unlink()
    _bent(bent)
    checked = pilote("stats", "--check", home=tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert len(await everything(store, FILTERS[1])) == 4
        told = [record.__dict__["file"] for record in caplog.records]
        await store.tend(now_ms=COLD_MS)
    after = pilote("stats", "--check", home=tmp_path)
    await store.close()

    assert sorted(told) == [lost.name, bent.name]
    assert [path.read_bytes() for path in _lookup_files(tmp_path)] == before
    assert (checked.returncode, after.returncode) == (1, 0)
    assert f"{lost.name} is missing or wrong" in checked.stderr
    assert f"{bent.name} is missing or wrong" in checked.stderr
    assert "Faults: 2." in checked.stderr


async def test_what_an_earlier_version_sealed_gets_its_lookup_files_when_the_service_starts(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(number) for number in range(8)])
    await store.mark_in_doubt(now_ms=COLD_MS)
    await cold(store)
    await store.close()
    files = _lookup_files(tmp_path)
    for path in files:
        path.unlink()
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.tend(now_ms=COLD_MS)
    await store.close()

    assert _lookup_files(tmp_path) == files
    assert [path.name for path in files] == sorted(f"{of_hour(number)}.parquet.lookup" for number in range(4))


async def test_a_lookup_file_of_a_parquet_file_that_cannot_be_read_is_tried_again_later(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(number) for number in range(8)])
    await store.mark_in_doubt(now_ms=COLD_MS)
    await cold(store)
    files = _lookup_files(tmp_path)
    parquet = files[0].with_suffix("")
    kept = parquet.read_bytes()
    files[0].unlink()
    parquet.write_bytes(b"nonsense")
    await everything(store, FILTERS[1])
    for now_ms in (COLD_MS, COLD_MS + 1):
        await store.tend(now_ms=now_ms)
    without = _lookup_files(tmp_path)
    parquet.write_bytes(kept)
    await store.tend(now_ms=COLD_MS + 600_000)
    await store.close()

    assert without == files[1:]
    assert _lookup_files(tmp_path) == files


_segments = st.lists(
    st.tuples(
        st.sampled_from(["hot", "over", "cold", "gone"]),
        st.none() | st.integers(0, 5) | st.sampled_from([MOST_IDS, MOST_IDS + 3]),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(kinds=_segments, wanted=st.sampled_from([0, 1, 3, 50]))
def test_steps_read_every_segment_once_and_in_order(kinds: list[tuple[str, int | None]], wanted: int) -> None:
    found = [
        (
            Segment(
                hour,
                "" if kind in ("cold", "gone") else f"{hour}.sqlite",
                1,
                "",
                "",
                whole=kind == "hot",
                sealed="" if kind in ("hot", "gone") else f"{hour}.parquet",
            ),
            None if count is None else tuple(f"{hour}-{number:06}" for number in range(count)),
        )
        for hour, (kind, count) in enumerate(kinds)
    ]
    made = list(steps(found, wanted=wanted))

    assert [step.file for step in made if step.file] == [segment for segment, _ in found if segment.file]
    order = [segment.hour for step in made for segment in (step.cold or (step.file,)) if segment]
    assert order == sorted(order)
    assert all(len(step.cold) <= MOST_FILES or step.ids is not None for step in made)
    assert all(step.ids is None or len(step.ids) <= MOST_IDS for step in made)
    named = [decision for step in made if step.cold for decision in step.ids or ()]
    whole = {segment.hour for step in made if step.ids is None for segment in step.cold}
    assert named == [each for segment, ids in found if segment.cold and segment.hour not in whole for each in ids or ()]
    assert whole >= {segment.hour for segment, ids in found if segment.cold and ids is None}
