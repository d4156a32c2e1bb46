"""Decisions are in hourly segments: each once, with the right sums, wherever the process dies between two files."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway.core.errors import CallEnded
from services.audit import entries
from services.audit.entries import Entry
from services.audit.filters.filter import parse
from services.audit.sqlite.schema import bring_up_to_date
from services.audit.sqlite.schema import steps as all_steps
from services.audit.sqlite.segments.catalogue import Segment
from services.audit.sqlite.segments.files import Files
from services.audit.sqlite.segments.hours import HOUR_MS, hour_of, name_of
from services.audit.sqlite.segments.moving import move
from services.audit.sqlite.segments.writing import SegmentWriter
from services.audit.sqlite.store import SqliteStore
from tests.examples import thoroughly
from tests.services.audit.conftest import NOW_MS, a_record, a_settlement, admit, an_id, settle

SUMS = {
    "tile": "*",
    "leaf": "*",
    "call": "decision, arm, at_ms, admitted, refused, contact, failed, total_us, costs",
    "route_minute": "*",
    "decision_hour": "*",
    "early_settlement": "*",
    "tenant": "*",
    "segment": "hour, decisions, first, last",
}


def entry(fields: dict[Any, Any]) -> Entry:
    """An entry as the writer reads it."""
    encoded = {key.encode(): value.encode() if isinstance(value, str) else value for key, value in fields.items()}
    found = entries.read(encoded, stream=b"pilote:{acme/0}:decisions")
    assert not isinstance(found, entries.Corrupt)
    return found


def a_time(number: int) -> int:
    """Decisions of this test are in four hours, in no order."""
    return NOW_MS - number % 4 * HOUR_MS + number


def admitted(number: int, **changes: Any) -> Entry:
    """An admission in one of four hours."""
    at_ms = a_time(number)
    wanted = {"id": an_id(0, at_ms=at_ms), "received_ms": at_ms, "route": "crm", "expires_ms": at_ms + 30_000}
    return entry(admit(a_record(number, **(wanted | changes))))


def ended(number: int, **changes: Any) -> Entry:
    """Its settlement."""
    return entry(settle(a_settlement(number, id=an_id(0, at_ms=a_time(number)), **changes)))


class Dying(Files):
    """Segments of a process that dies at the so many-th file it reaches for."""

    left = 1_000_000

    def connection(self, segment: Segment, *, make: bool = False) -> sqlite3.Connection:
        self.left -= 1
        if self.left < 0:
            raise sqlite3.OperationalError("the process is dead")
        return super().connection(segment, make=make)


async def killed(home: Path, batch: Sequence[Entry], *, after: int) -> None:
    """A process that writes a batch, and dies after it has reached for so many files."""
    store = SqliteStore(home)
    files = Dying(home / "audit" / "segments", busy_seconds=1, writes=True)
    store._segments.close()
    store._segments = SegmentWriter(files, store._writer, cold=store._cold, damage=store._damage)
    files.left = after
    with contextlib.suppress(CallEnded):
        await store.write(batch)
    await store.close()


def everything(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that a store holds, but for numbers that only say in which order it came."""
    found = {}
    main = sqlite3.connect(home / "audit" / "decisions.sqlite")
    for table, columns in SUMS.items():
        found[table] = sorted(main.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)  # noqa: S608
    rows = main.execute("SELECT id FROM call").fetchall()
    main.close()
    numbers = []
    for path in sorted((home / "audit" / "segments").glob("*.sqlite")):
        segment = sqlite3.connect(path)
        decisions = segment.execute("SELECT * FROM decision ORDER BY id").fetchall()
        numbers += [decision[0] for decision in decisions]
        found[path.name] = [decision[1:] for decision in decisions]
        found[f"{path.name} rules"] = segment.execute("SELECT * FROM decision_rule ORDER BY 1, 2").fetchall()
        segment.close()
    assert len(set(numbers)) == len(numbers)
    assert {number for (number,) in rows} <= set(numbers)
    return found


_entries = st.lists(
    st.one_of(
        st.builds(admitted, st.integers(0, 9), version=st.sampled_from(["", "v1"])),
        st.builds(ended, st.integers(0, 9), status=st.sampled_from(["OK", "UNAVAILABLE"])),
    ),
    max_size=12,
)


@thoroughly(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(_entries, st.none() | st.integers(0, 9)), max_size=4))
async def test_wherever_the_process_dies_each_decision_is_stored_once_and_the_sums_are_right(
    batches: list[tuple[list[Entry], int | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain, dying = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("dying")
    store = SqliteStore(plain)
    for batch, _ in batches:
        await store.write(batch)
    await store.close()

    for batch, dies_after in batches:
        if dies_after is not None:
            await killed(dying, batch, after=dies_after)
        again = SqliteStore(dying)
        await again.write(batch)
        await again.close()

    await SqliteStore(dying).close()
    assert everything(dying) == everything(plain)


async def test_what_a_failing_segment_kept_back_is_told_to_followers_once_it_is_written(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.write([admitted(0)])
    blocked = sqlite3.connect(tmp_path / "audit" / "segments" / f"{name_of(hour_of(an_id(0)))}.sqlite")
    blocked.execute("BEGIN IMMEDIATE")
    with pytest.raises(CallEnded):
        await store.write([admitted(4)])
    blocked.rollback()
    blocked.close()

    assert await store.write([admitted(4), ended(0)]) == (an_id(0, at_ms=a_time(4)), an_id(0))
    assert await store.count() == 2
    await store.close()


async def test_pages_walk_the_hours_without_a_gap_or_a_repeat(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.write([admitted(number) for number in range(50)])
    seen: list[str] = []
    while page := await store.page(parse(""), now_ms=NOW_MS, before=seen[-1] if seen else "", size=7):
        seen += [stored.record.id for stored in page]
    await store.close()

    assert seen == sorted((an_id(0, at_ms=a_time(number)) for number in range(50)), reverse=True)


async def test_a_late_admission_goes_to_its_own_hour(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    for number in (3, 2, 1, 0, 7):
        await store.write([admitted(number)])
    found = await store.get(an_id(0, at_ms=a_time(7)), now_ms=NOW_MS)
    await store.close()

    assert found is not None
    files = sorted(path.stem for path in (tmp_path / "audit" / "segments").glob("*.sqlite"))
    assert files == sorted(name_of(hour_of(an_id(0, at_ms=a_time(number)))) for number in range(4))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("émeu", [1]),  # as a whole word, without accents or case
        ("grüne", [2]),
        ('"grune wiese"', [2]),
        ("wies*", [2]),
        ("wies", []),
        ('"too late"', [0]),
        ('"late rule"', []),  # the end of one text and the beginning of another
        ("UNAVAILABLE", [1]),  # of the reason that came with the settlement
        ("upstream_unav*", [1]),
        ("NOT late", [1, 2, 3]),
        ("ⲁⲃ", [3]),
        ("𞤀𞤁", [3]),  # letters that are younger than FTS5's table of them
    ],
)
async def test_words_are_found_in_any_hour_as_they_are_written_or_not(
    tmp_path: Path, text: str, numbers: list[int]
) -> None:
    store = SqliteStore(tmp_path)
    messages = ("Too late", "L’Émeu", "Grüne Wiese", "ⲀⲂ 𞤀𞤁")
    rules = ("rule-late", "b", "c", "d")
    await store.write(
        [
            admitted(number, verdict="DENY", message=message, rule=rule)
            for number, (message, rule) in enumerate(zip(messages, rules, strict=True))
        ]
    )
    await store.write([ended(1, status="UNAVAILABLE", reason="UPSTREAM_UNAVAILABLE")])
    found = await store.page(parse(text), now_ms=NOW_MS, before="", size=10)
    await store.close()

    assert {each.record.id for each in found} == {an_id(0, at_ms=a_time(number)) for number in numbers}


def test_hours_are_named_in_order_and_to_the_end_of_what_an_id_can_tell() -> None:
    assert name_of(hour_of(an_id(0, at_ms=1_795_856_400_000))) == "2026112809"
    assert name_of(0) == "1970010100"
    assert name_of(hour_of("f" * 32)) == "hour-78187493"


def _of_an_earlier_version(home: Path, count: int) -> None:
    """A store of the last version that kept decisions in the main file: each has two rules."""
    steps = all_steps()
    before = next(number for number, text in enumerate(steps) if "CREATE TABLE segment" in text)
    (home / "audit").mkdir()
    connection = sqlite3.connect(home / "audit" / "decisions.sqlite", isolation_level=None)
    connection.executescript(f"{' '.join(steps[:before])} PRAGMA user_version = {before};")
    columns = [name for _, name, kind, *_ in connection.execute("PRAGMA table_info(decision)") if kind == "TEXT"]
    for number in range(count):
        record = a_record(id=an_id(0, at_ms=a_time(number)))
        values: dict[str, Any] = dict.fromkeys(columns, "") | {"id": record.id, "verdict": "ALLOW", "state": "RUNNING"}
        values |= dict.fromkeys(("received_ms", "decided_ms", "expires_ms", "revision"), NOW_MS)
        values |= {"record": msgspec.json.encode(record), "outcome": b'{"granted":true}'}
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO decision ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
        rules = [("one", record.id), (f"rule-{number}", record.id)]
        connection.executemany("INSERT INTO decision_rule (rule, decision) VALUES (?, ?)", rules)
    connection.close()


@pytest.mark.parametrize("dies_after", [0, 1, 3, 6, 100])
async def test_a_store_of_an_earlier_version_is_moved_into_segments_however_often_it_is_begun(
    tmp_path: Path, dies_after: int
) -> None:
    _of_an_earlier_version(tmp_path, 21)
    main = sqlite3.connect(tmp_path / "audit" / "decisions.sqlite", isolation_level=None)
    bring_up_to_date(main)
    (tmp_path / "audit" / "segments").mkdir()
    files = Dying(tmp_path / "audit" / "segments", busy_seconds=1, writes=True)
    files.left = dies_after
    with contextlib.suppress(sqlite3.OperationalError):
        move(main, files)
    files.close()
    main.close()

    store = SqliteStore(tmp_path)
    await store.write([admitted(0), ended(1), admitted(21)])
    found = await store.page(parse('rule = "rule-5" OR rule = "one"'), now_ms=NOW_MS, before="", size=100)
    marked = await store.mark_in_doubt(now_ms=NOW_MS + 60_000)
    counted = await store.count()
    await store.close()

    assert (counted, len(found), marked) == (22, 21, 21)
    main = sqlite3.connect(tmp_path / "audit" / "decisions.sqlite")
    assert not main.execute("SELECT 1 FROM sqlite_schema WHERE name IN ('decision', 'decision_rule')").fetchall()
    main.close()
