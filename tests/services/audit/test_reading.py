"""The log is read in its order, from any place on, and what is read gives its root."""

from typing import TypeAlias

import grpc
import pytest

from pilote.audit.v1 import audit_service_pb2_grpc
from pilote.audit.v1.log_pb2 import LogEntry, LogSpan, ReadLogRequest, ReadLogResponse
from services.audit.entries import Admitted
from services.audit.store import DecisionStore
from services.audit.tenancy import TENANTS
from services.proof.leaves import Leaf
from services.proof.merkle import HASH_BYTES, root_of
from tests.services.audit.conftest import GRANTED, NOW_MS, Audit, a_record
from tests.services.audit.test_log import admitted, copied, encode, settled, told

Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"
pytestmark = pytest.mark.every_store


async def fill(store: DecisionStore, *, first: int = 0, decisions: int = 3) -> None:
    for number in range(first, first + decisions):
        await store.write([admitted(number), settled(number), told(number), copied(number)])


async def read(stub: Stub, start: int = 0) -> tuple[int, list[LogEntry]]:
    """The size of the log that is told first, and all entries."""
    answers = [answer async for answer in stub.ReadLog(ReadLogRequest(start_index=start))]
    assert [answer.tree_size for answer in answers[1:]] == [0] * (len(answers) - 1)
    return answers[0].tree_size, [entry for answer in answers for entry in answer.entries]


async def test_all_that_is_read_gives_the_root_of_the_log(audit: Audit, stub: Stub) -> None:
    assert await read(stub) == (0, [])
    await fill(audit.store, decisions=400)  # more than one message, and than is read at once
    size, entries = await read(stub)
    assert (size, [entry.index for entry in entries]) == (1_600, list(range(1_600)))
    hashes = [Leaf(entry.kind, tuple(entry.parts)).hash for entry in entries]
    assert hashes == [entry.leaf_hash for entry in entries]
    assert root_of(hashes) == await audit.store.log.root(size)


def unpacked(span: LogSpan) -> list[LogEntry]:
    parts, hashes = iter(span.parts), span.leaf_hashes
    return [
        LogEntry(
            index=span.start_index + at,
            kind=span.kinds[place],
            parts=[next(parts) for _ in range(count)],
            leaf_hash=hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES],
        )
        for at, (place, count) in enumerate(zip(span.kind_places, span.part_counts, strict=True))
    ]


async def test_spans_hold_the_very_entries_also_those_that_were_deleted(audit: Audit, stub: Stub) -> None:
    empty = [answer async for answer in stub.ReadLog(ReadLogRequest(packed=True))]
    assert empty == [ReadLogResponse(tree_size=0)]
    over = a_record(0, keep_days=1)
    await audit.store.write([Admitted(over, GRANTED, encode(over), encode(GRANTED)), settled(0)])
    for hours in (2, 26, 50):
        await audit.store.tend(now_ms=NOW_MS + hours * 3_600_000)
    await fill(audit.store, first=1, decisions=400)
    size, entries = await read(stub)
    assert [len(entry.parts) for entry in entries[:3]] == [0, 0, 2]
    for start in (0, 1, 1_001, size - 1):
        answers = [answer async for answer in stub.ReadLog(ReadLogRequest(start_index=start, packed=True))]
        assert [answer.tree_size for answer in answers] == [size, *[0] * (len(answers) - 1)]
        assert not any(answer.entries for answer in answers)
        assert [entry for answer in answers for entry in unpacked(answer.span)] == entries[start:]
    past = [answer async for answer in stub.ReadLog(ReadLogRequest(start_index=size, packed=True))]
    assert past == [ReadLogResponse(tree_size=size)]


async def test_who_reads_on_gets_what_came_since(audit: Audit, stub: Stub) -> None:
    await fill(audit.store)
    size, before = await read(stub)
    assert await read(stub, size) == (size, [])
    assert await read(stub, size + 5) == (size, [])  # of a log that was there before this one
    await fill(audit.store, first=3)
    later, since = await read(stub, size)
    assert (later, [*before, *since]) == await read(stub)


async def test_only_who_may_see_every_tenant_reads_it(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ReadLog(ReadLogRequest(), metadata=((TENANTS, "acme"),)).read()
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.aio.AioRpcError) as wrong:
        await stub.ReadLog(ReadLogRequest(start_index=-1)).read()
    assert wrong.value.code() is grpc.StatusCode.INVALID_ARGUMENT
