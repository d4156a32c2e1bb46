"""How many decisions there were, by method, agent and route."""

import sqlite3
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import planning_pb2
from services.audit.sqlite import schema
from services.audit.sqlite.store import SqliteStore
from tests.services.audit.conftest import NOW_MS, Audit, a_record, admit, an_id, append

SEND = "/pilote.crm.v1.MessageService/SendMessage"
HOUR_MS = 3_600_000


async def counted(audit: Audit, **asked: object) -> dict[tuple[str, str, str], int]:
    """The counts, as the service answers."""
    request = planning_pb2.CountDecisionsRequest(**asked)  # type: ignore[arg-type]
    answer = await audit.queries().CountDecisions(request, None)
    return {(each.method, each.agent, each.route): each.decisions for each in answer.counts}


def at(at_ms: int) -> Timestamp:
    """A point in time."""
    return Timestamp(seconds=at_ms // 1000)


async def test_decisions_are_counted_by_method_agent_and_route_each_once(audit: Audit) -> None:
    entries = [admit(a_record(number, route="crm")) for number in range(3)]
    entries += [admit(a_record(3, agent="other-bot")), admit(a_record(0, route="crm"))]
    await append(audit.redis, *entries)
    await audit.catch_up()
    assert await counted(audit) == {(SEND, "sales-bot", "crm"): 3, (SEND, "other-bot", ""): 1}


async def test_methods_that_nobody_has_described_are_counted_together(audit: Audit) -> None:
    made_up = [admit(a_record(number, method=f"/made.up/{number}", operation="")) for number in range(5)]
    await append(audit.redis, *made_up)
    await audit.catch_up()
    assert await counted(audit) == {("", "sales-bot", ""): 5}


async def test_a_time_is_rounded_outwards_to_whole_hours_and_a_tenant_sees_its_own(audit: Audit) -> None:
    times = [NOW_MS, NOW_MS + HOUR_MS, NOW_MS + 2 * HOUR_MS]
    await append(audit.redis, *(admit(a_record(id=an_id(1, at_ms=each), received_ms=each)) for each in times))
    await audit.catch_up()
    everything = {(SEND, "sales-bot", ""): 3}
    assert await counted(audit) == await counted(audit, tenant="acme") == everything
    assert await counted(audit, tenant="globex") == {}
    middle = {"start_time": at(NOW_MS + HOUR_MS + 60_000), "end_time": at(NOW_MS + HOUR_MS + 120_000)}
    assert await counted(audit, **middle) == {(SEND, "sales-bot", ""): 1}


@pytest.mark.parametrize(("start", "end"), [(NOW_MS, NOW_MS), (NOW_MS, NOW_MS - HOUR_MS), (-1000, NOW_MS)])
async def test_times_that_make_no_sense_are_refused(audit: Audit, start: int, end: int) -> None:
    with pytest.raises(CallEnded) as refused:
        await counted(audit, start_time=at(start), end_time=at(end))
    assert refused.value.reason is Reason.ARGUMENT_INVALID


async def test_decisions_of_an_earlier_version_are_counted_once_the_store_is_brought_up_to_date(tmp_path: Path) -> None:
    steps = schema.steps()
    step = next(number for number, text in enumerate(steps) if "CREATE TABLE decision_hour" in text)
    (tmp_path / "audit").mkdir()
    before = sqlite3.connect(tmp_path / "audit" / "decisions.sqlite", isolation_level=None)
    for text in steps[:step]:
        before.executescript(text)
    values = {"id": an_id(1), "tenant": "acme", "agent": "a", "method": SEND, "operation": "CONTACT", "route": "crm"}
    texts = (
        "subject_ref",
        "channel",
        "category",
        "model",
        "version",
        "arm",
        "upstream",
        "trace_id",
        "reason",
        "rule",
        "status",
    )
    blobs = {"verdict": "ALLOW", "state": "DONE", "record": b"", "outcome": b""}
    numbers = {"revision": 1, "received_ms": NOW_MS, "decided_ms": NOW_MS, "expires_ms": 0}
    row: dict[str, object] = {**values, **dict.fromkeys(texts, ""), **blobs, **numbers}
    before.execute(f"INSERT INTO decision ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))  # noqa: S608
    before.execute(f"PRAGMA user_version = {step}")
    before.close()
    store = SqliteStore(tmp_path)
    (found,) = await store.counts("", start_ms=0, end_ms=1 << 53)
    await store.close()
    assert (found.method, found.agent, found.route, found.decisions) == (SEND, "a", "crm", 1)
