"""A segment that is damaged is named, the rest answers, the writer goes on, and nothing is lost once it is put back."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import CallEnded, Reason
from gateway.records.conclusion import State
from pilote.audit.v1 import audit_service_pb2, summaries_pb2
from services.audit.filters.filter import parse
from services.audit.sqlite.store import SqliteStore
from tests.services.audit.conftest import NOW_MS, Audit, an_id
from tests.services.audit.test_sealing import COLD_MS, KEEPING, OVER_MS, cold, everything, of_hour
from tests.services.audit.test_segments import a_time, admitted, ended


def _truncated(path: Path) -> None:
    path.write_bytes(b"")


def _overwritten(path: Path) -> None:
    path.write_bytes(b"this was a segment" * 100)


def _bent(path: Path) -> None:
    """The beginning is right, and nothing after it."""
    data = path.read_bytes()
    path.write_bytes(data[:200] + bytes(len(data) - 200))


DAMAGES = [_truncated, _overwritten, _bent, Path.unlink]


def _id(number: int) -> str:
    return an_id(0, at_ms=a_time(number))


async def _filled(home: Path, *, sealed: bool) -> Path:
    """A store of 12 decisions in four hours; the file that answers for hour 1."""
    store = SqliteStore(home, keeping=KEEPING)
    await store.write([admitted(number) for number in range(12)])
    await store.write([ended(0), ended(5)])
    if sealed:
        await store.mark_in_doubt(now_ms=OVER_MS)
        await cold(store)
    await store.close()
    folder = home / "audit"
    return folder / "sealed" / f"{of_hour(1)}.parquet" if sealed else folder / "segments" / f"{of_hour(1)}.sqlite"


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("again", [False, True])
async def test_a_damaged_segment_is_named_and_the_rest_goes_on(
    tmp_path: Path,
    damage: Callable[[Path], None],
    *,
    sealed: bool,
    again: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = await _filled(tmp_path, sealed=sealed)
    kept = path.read_bytes()
    damage(path)
    store = SqliteStore(tmp_path, keeping=KEEPING)

    with caplog.at_level(logging.ERROR):
        # The rest answers.
        found = [each.record.id for each in await everything(store)]
        assert sorted(found) == sorted(_id(number) for number in range(12) if number % 4 != 1)
        assert store.unreadable == (path.name,)
        with pytest.raises(CallEnded) as refused:
            await store.get(_id(1), now_ms=NOW_MS)
        assert (refused.value.reason, refused.value.metadata) == (Reason.STORE_UNAVAILABLE, {"segment": path.name})

        # The writer goes on: what is there already, what ends, and what is new.
        changed = await store.write([admitted(1), ended(1), admitted(13), ended(13), admitted(12), ended(4)])
        assert changed == (_id(13), _id(12), _id(4)) or changed == (_id(13), _id(13), _id(12), _id(4))
        await store.mark_in_doubt(now_ms=NOW_MS)
        assert await store.count() == 14
    assert [record.getMessage() for record in caplog.records] == [
        "a segment cannot be read: answers lack its decisions until it is put back"
    ]
    assert caplog.records[0].file == path.name  # type: ignore[attr-defined]

    # It is put back: all is there, once.
    if again:
        await store.close()
    path.write_bytes(kept)
    if again:
        store = SqliteStore(tmp_path, keeping=KEEPING)
        await store.write([admitted(1), ended(1)])
    await store.tend(now_ms=NOW_MS)
    whole = await everything(store)
    states = {each.record.id: each.conclusion.state for each in whole}
    counts = await store.counts("", start_ms=0, end_ms=1 << 53)
    unreadable = store.unreadable
    await store.close()

    assert sorted(each.record.id for each in whole) == sorted(_id(number) for number in range(14))
    assert {number for number in range(14) if states[_id(number)] is State.SETTLED} == {0, 1, 4, 5, 13}
    assert sum(each.decisions for each in counts) == 14
    assert unreadable == ()


async def test_a_sealed_hour_answers_from_its_parquet_file_where_the_other_one_is_damaged(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(number, expires_ms=0) for number in range(8)])
    await store.tend(now_ms=OVER_MS)
    await store.close()
    _overwritten(tmp_path / "audit" / "segments" / f"{of_hour(1)}.sqlite")
    store = SqliteStore(tmp_path, keeping=KEEPING)
    before = await everything(store)
    await store.tend(now_ms=OVER_MS)
    found = await everything(store)
    unreadable = store.unreadable
    await store.tend(now_ms=COLD_MS)
    await store.close()

    assert (len(before), len(found), unreadable) == (6, 8, ())


async def test_a_damaged_file_among_many_cold_ones_takes_none_of_them_along(tmp_path: Path) -> None:
    path = await _filled(tmp_path, sealed=True)
    _overwritten(path)
    store = SqliteStore(tmp_path, keeping=KEEPING)
    span = await store.span(parse(""), now_ms=COLD_MS)
    await store.close()

    assert (span[0], store.unreadable) == (9, (path.name,))


async def test_lists_counts_and_charts_say_which_segments_they_lack(tmp_path: Path) -> None:
    class Context:
        def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
            return ()

    path = await _filled(tmp_path, sealed=False)
    _overwritten(path)
    store = SqliteStore(tmp_path, keeping=KEEPING)
    queries, context = Audit(None, "", store).queries(), Context()  # type: ignore[arg-type]
    answers: list[Any] = [
        await queries.ListDecisions(audit_service_pb2.ListDecisionsRequest(), context),
        await queries.SummarizeDecisions(summaries_pb2.SummarizeDecisionsRequest(fields=["agent"]), context),
        await queries.ChartDecisions(summaries_pb2.ChartDecisionsRequest(), context),
    ]
    await store.close()

    assert [list(answer.unreadable_segments) for answer in answers] == [[path.name]] * 3
