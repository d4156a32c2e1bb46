"""The log is read into columns once, in steps that end anywhere, and only the log that was signed."""

import asyncio
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.record import BucketAsk, BucketLook, CustomerOutcome, Outcome, Record, RuleLook, Verdict
from pilote.audit.v1.log_pb2 import LogEntry, ReadLogRequest, ReadLogResponse
from services.audit.entries import Admitted, Entry, Reported
from services.proof.leaves import Leaf
from services.proof.merkle import root_of
from services.workbench.columns.database import Columns, Unusable
from services.workbench.columns.measured import Values
from services.workbench.columns.reading import read_on
from services.workbench.columns.taking import LogDiffers
from tests.services.audit.conftest import GRANTED, NOW_MS, a_record, an_id
from tests.services.audit.test_log import MAKE, admitted, copied, settled, told
from tests.services.workbench.conftest import Log
from tests.services.workbench.test_sums import Plain

ADA = "0" * 31 + "a"


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[Columns]:
    made = Columns(tmp_path / "columns")
    yield made
    made.close()


def rows(columns: Columns, text: str, **values: object) -> list[tuple[Any, ...]]:
    found = columns.asked(text, values)
    return list(zip(*(each.tolist() for each in found.values()), strict=True))


def written(record: Record, outcome: Outcome = GRANTED) -> Admitted:
    return Admitted(record, outcome, msgspec.json.encode(record), msgspec.json.encode(outcome))


def some(*numbers: int) -> list[Entry]:
    return [make(number) for number in numbers for make in (admitted, settled, told, copied)]


async def test_what_has_come_since_is_taken_in_once(log: Log, columns: Columns, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    assert await read_on(columns, log.stub) == 0
    await log.add(some(*range(300)))
    assert await read_on(columns, log.stub, told=lambda *done: heard.append(done)) == 1_200
    assert heard[-1] == (1_200, 1_200)
    assert await read_on(columns, log.stub) == 0
    columns.close()
    again = Columns(tmp_path / "columns")
    try:
        assert (again.size, again.proved) == (1_200, 1_200)
        await log.add(some(300))
        assert await read_on(again, log.stub) == 4
        for table in ("admitted", "settled", "followed", "copied"):
            assert rows(again, f"SELECT count(*), count(DISTINCT id) FROM {table}") == [(301, 301)]  # noqa: S608
        assert again.root == await log.store.log.root(again.size)
    finally:
        again.close()


async def test_decisions_stand_there_as_they_came_to_be(log: Log, columns: Columns) -> None:
    asks = (BucketAsk("hourly", "rate", 5, 1), BucketAsk("weekly", "cap", 3, 1), BucketAsk("daily", "cap", 4, 1))
    record = a_record(
        subject_ref=ADA, rules=(RuleLook("allow-sales", "allow"), RuleLook("watch", "deny", "monitor")), buckets=asks
    )
    outcome = Outcome(granted=False, looks=(BucketLook(5, 0), BucketLook(3, 9), BucketLook(3, 0)), refused=1)
    answer = CustomerOutcome(
        decision=record.id,
        type="answered",
        occurred_ms=NOW_MS + 9,
        reported_ms=NOW_MS + 10,
        reporter="survey",
        question="pressure",
        answer="much_too_much",
    )
    await log.add([written(record, outcome), Reported(answer, "acme", msgspec.json.encode(answer))])
    await read_on(columns, log.stub)
    wanted = "CAST(subject AS VARCHAR), verdict, reason, rule, rules, watched, cap, cap_used, cap_capacity, inference"
    assert rows(columns, f"SELECT {wanted} FROM admitted") == [  # noqa: S608
        (
            "00000000-0000-0000-0000-00000000000a",
            *("DENY", "CAP_EXCEEDED", "weekly", "allow-sales", "watch", "weekly", 3, 3, None),
        )
    ]
    assert rows(columns, "SELECT tenant, type, question, answer, at_ms - $now FROM followed", now=NOW_MS) == [
        ("acme", "answered", "pressure", "much_too_much", 9)
    ]


async def test_what_is_no_longer_kept_is_forgotten(log: Log, columns: Columns) -> None:
    await log.add([written(a_record(0, keep_days=1)), settled(0), told(0), *some(1)])
    await read_on(columns, log.stub)
    assert columns.forget(now_ms=NOW_MS + 86_400_000) == 0
    assert columns.forget(now_ms=NOW_MS + 86_400_001) == 1
    for table in ("admitted", "settled", "followed"):
        assert rows(columns, f"SELECT count(*) FROM {table}") == [(1,)]  # noqa: S608


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    wanted=st.lists(st.tuples(st.sampled_from(sorted(MAKE)), st.integers(0, 7)), min_size=1, max_size=40),
    cuts=st.sets(st.integers(1, 39)),
)  # fmt: skip
def test_however_it_is_parted_the_rows_and_the_root_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[tuple[str, int]], cuts: set[int]
) -> None:
    leaves = [_leaf(kind, number) for kind, number in wanted]
    entries = [(leaf.kind, leaf.parts, leaf.hash) for leaf in leaves]
    found = []
    for parted in (cuts, set[int]()):
        folder = tmp_path_factory.mktemp("columns")
        bounds = [0, *sorted(cut for cut in parted if cut < len(entries)), len(entries)]
        for start, end in itertools.pairwise(bounds):
            columns = Columns(folder)  # a process that began anew
            columns.append(entries[start:end])
            columns.close()
        columns = Columns(folder)
        tables = [rows(columns, f"SELECT leaf, id FROM {name} ORDER BY leaf") for name in _NAMES]  # noqa: S608
        found.append((columns.size, columns.root, tables))
        columns.close()
    assert found[0] == found[1]
    assert found[0][:2] == (len(leaves), root_of([leaf.hash for leaf in leaves]))


_NAMES = ("admitted", "settled", "followed", "copied")


def _leaf(kind: str, number: int) -> Leaf:
    entry = MAKE[kind](number)
    if isinstance(entry, Admitted):
        return Leaf(kind, (entry.raw_record, entry.raw_outcome))
    return Leaf(kind, (b"acme", entry.raw) if kind in ("outcome", "copy") else (entry.raw,))


class Liar:
    """An audit service that gives other entries than it has."""

    def __init__(self, log: Log, entries: Sequence[LogEntry]) -> None:
        self.GetCheckpoint = log.stub.GetCheckpoint
        self._entries = entries

    async def ReadLog(self, _request: object) -> Any:  # noqa: N802 - gRPC's spelling
        yield ReadLogResponse(tree_size=len(self._entries), entries=self._entries)


class Packing(Liar):
    """Gives a message of its own."""

    def __init__(self, log: Log, answer: ReadLogResponse) -> None:
        super().__init__(log, ())
        self._answer = answer

    async def ReadLog(self, _request: object) -> Any:  # noqa: N802 - gRPC's spelling
        yield self._answer


async def test_another_log_than_the_signed_one_is_not_taken_for_it(log: Log, columns: Columns, tmp_path: Path) -> None:
    await log.add(some(0))
    right = [_leaf(kind, 0) for kind in ("admit", "settle", "outcome", "copy")]
    forged = [*right[:3], _leaf("outcome", 5)]
    plain = [
        LogEntry(index=at, kind=each.kind, parts=each.parts, leaf_hash=each.hash) for at, each in enumerate(forged)
    ]
    liar: Any = Liar(log, plain)
    with pytest.raises(LogDiffers, match="signed"):
        await read_on(columns, liar)
    plain[0].parts[0] = plain[0].parts[0].replace(b"ALLOW", b"DENY")
    empty = Columns(tmp_path / "other")
    liar = Liar(log, plain)
    with pytest.raises(LogDiffers, match="entry 0"):
        await read_on(empty, liar)
    assert empty.size == 0
    empty.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(change=st.sampled_from(["kinds", "kind_places", "part_counts", "parts", "leaf_hashes"]), at=st.integers(0, 9))
async def test_a_span_that_is_none_is_not_taken_for_the_log(
    log: Log, tmp_path_factory: pytest.TempPathFactory, change: str, at: int
) -> None:
    await log.add(some(0))
    (answer,) = [each async for each in log.stub.ReadLog(ReadLogRequest(packed=True))]
    told = getattr(answer.span, change)
    if isinstance(told, bytes):
        setattr(answer.span, change, told[: at % len(told)] + told[at % len(told) + 1 :])
    else:
        del told[at % len(told)]
    columns = Columns(tmp_path_factory.mktemp("columns"))
    liar: Any = Packing(log, answer)
    with pytest.raises(LogDiffers, match=r"from 0 on|entry [0-3]"):
        await read_on(columns, liar)
    assert columns.size == 0
    columns.close()


class Slow(Plain):
    """Opens all that was admitted, and takes its time to seal: until `goes_on` is set, once it `began`."""

    def __init__(self) -> None:
        self.began, self.goes_on = threading.Event(), threading.Event()

    async def opened(self, records: Sequence[bytes], _audit: Any, *, since_ms: int = 0) -> Mapping[str, Values]:
        ids = (msgspec.json.decode(record)["id"] for record in records)
        return {name: [("facts.segments", ["gold"])] for name in ids}

    def seal(self, clear: bytes, *, bound_to: bytes) -> bytes:
        self.began.set()
        self.goes_on.wait()
        return super().seal(clear, bound_to=bound_to)


class Falling(Liar):
    """An audit service that fails while what it gave is being kept, of which there is more than it gives."""

    def __init__(self, log: Log, entries: Sequence[LogEntry], slow: Slow) -> None:
        super().__init__(log, entries)
        self._slow = slow

    async def ReadLog(self, request: object) -> Any:  # noqa: N802 - gRPC's spelling
        async for answer in super().ReadLog(request):
            yield answer
        await asyncio.to_thread(self._slow.began.wait)
        asyncio.get_running_loop().call_later(0.05, self._slow.goes_on.set)
        raise ConnectionResetError


async def test_what_is_being_kept_when_the_log_goes_away_is_kept_before_anybody_reads_on(
    log: Log, tmp_path: Path
) -> None:
    await log.add(some(0))
    right = [_leaf(kind, 0) for kind in ("admit", "settle", "outcome", "copy")]
    plain = [LogEntry(index=at, kind=each.kind, parts=each.parts, leaf_hash=each.hash) for at, each in enumerate(right)]
    slow = Slow()
    columns = Columns(tmp_path / "slow", summing=slow)
    falling: Any = Falling(log, plain, slow)
    with pytest.raises(ConnectionResetError):
        await read_on(columns, falling)
    assert columns.size == 4
    assert await read_on(columns, log.stub) == 0
    columns.close()


async def test_a_log_that_has_become_shorter_is_another_one(log: Log, columns: Columns) -> None:
    columns.append([(leaf.kind, leaf.parts, leaf.hash) for leaf in (_leaf("admit", 0), _leaf("settle", 0))])
    await log.add([admitted(0)])
    with pytest.raises(LogDiffers, match="2 were read before"):
        await read_on(columns, log.stub)


def test_a_file_that_is_broken_is_said_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "columns"
    folder.mkdir()
    (folder / "columns.duckdb").write_bytes(b"no database" * 1_000)
    with pytest.raises(Unusable, match="delete"):
        Columns(folder)


def test_a_decision_of_verdict_defer_and_of_nobody_fits(columns: Columns) -> None:
    record = a_record(verdict=Verdict.DEFER, agent="", tenant="", subject_ref="", keep_days=1 << 53)
    leaf = Leaf("admit", (msgspec.json.encode(record), msgspec.json.encode(Outcome(granted=False))))
    columns.append([(leaf.kind, leaf.parts, leaf.hash), ("", (), b"h" * 32), ("erasure", (b"{}",), b"i" * 32)])
    assert rows(columns, "SELECT id, verdict, subject FROM admitted")[0][1:] == ("DEFER", None)
    assert columns.size == 3
    assert an_id(0) == rows(columns, "SELECT CAST(id AS VARCHAR) AS id FROM admitted")[0][0].replace("-", "")
