"""What came of copies of calls is stored once, whatever comes first, and shown with the decision."""

from typing import Any

import msgspec
import pytest

from gateway.core.shadows import CopyEnd, Difference, ShadowResult
from pilote.audit.v1 import audit_service_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.filters.expression import EVERYTHING
from tests.services.audit.conftest import NOW_MS, Audit, a_record, a_settlement, admit, an_id, append, settle


def a_copy(number: int = 0, **changes: Any) -> ShadowResult:
    """The copy of the call of that number, which came to the same."""
    wanted: dict[str, Any] = {
        "id": an_id(number),
        "kind": "shadow",
        "end": CopyEnd.AGREED,
        "route": "crm",
        "arm": "next",
        "upstream": "next-crm",
        "received_ms": NOW_MS + number,
        "verdict": "ALLOW",
        "sent": True,
        "status": "OK",
        "served_status": "OK",
        "compared": True,
        "took_us": 2_000,
        "served_us": 1_000,
    }
    return ShadowResult(**(wanted | changes))


def entry(copy: ShadowResult, **fields: Any) -> dict[Any, Any]:
    """Fields of the entry that a gateway writes."""
    return {"k": "copy", "r": msgspec.json.encode(msgspec.to_builtins(copy) | fields)}


async def decision(audit: Audit, number: int = 0) -> decision_pb2.Decision:
    request = audit_service_pb2.GetDecisionRequest(name=f"decisions/{an_id(number)}")
    return (await audit.queries().GetDecision(request, None)).decision


@pytest.mark.every_store
async def test_a_copy_is_stored_once_and_shown_with_its_decision_whichever_came_first(audit: Audit) -> None:
    differs = a_copy(1, end=CopyEnd.DIFFERED, differences=(Difference("score", "changed", 2, 0.5),), more=1)
    await append(audit.redis, entry(a_copy()), entry(a_copy()), admit(a_record(1)), settle(a_settlement(1)))
    await audit.catch_up()
    await append(audit.redis, admit(a_record()), entry(differs), entry(a_copy(1, kind="mirror", end=CopyEnd.SENT)))
    writer = await audit.catch_up()
    await append(audit.redis, entry(a_copy()))
    await audit.catch_up()

    assert writer.quarantined == 0
    (one,) = (await decision(audit)).copies
    assert (one.end, one.arm, one.duration.ToMicroseconds()) == ("AGREED", "next", 2_000)
    two = await decision(audit, 1)
    assert [(each.kind, each.end) for each in two.copies] == [("shadow", "DIFFERED"), ("mirror", "SENT")]
    assert [(each.path, each.kind, each.count, each.relative) for each in two.copies[0].differences] == [
        ("score", "changed", 2, 0.5)
    ]
    listed = await audit.store.page(EVERYTHING, now_ms=NOW_MS, before="", size=5)
    assert [len(each.copies) for each in listed] == [2, 1]


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "x"},
        {"kind": "ghost"},
        {"end": "FINE"},
        {"took_us": -1},
        {"took_us": 10**30},
        {"differences": [{"path": "a" * 301, "kind": "added"}]},
        {"differences": [{"path": "a", "kind": "added"}] * 21},
        {"differences": [{"path": "a", "kind": "added", "count": -1}]},
        {"differences": [{"path": "a", "kind": "changed", "relative": -0.1}]},
        {"differences": [{"path": "a", "kind": "changed", "relative": 2.1}]},
        {"costs": {"spend": -1}},
        {"served_costs": {"spend": 2**53 + 1}},
    ],
    ids=str,
)
async def test_a_copy_that_no_gateway_writes_goes_to_quarantine_and_the_rest_is_stored(
    audit: Audit, fields: dict[str, Any]
) -> None:
    await append(audit.redis, entry(a_copy(), **fields), admit(a_record()))
    writer = await audit.catch_up()
    assert (writer.quarantined, writer.taken) == (1, 1)
    assert not (await decision(audit)).copies


async def test_a_copy_changes_nothing_of_what_a_follower_is_told(audit: Audit) -> None:
    await append(audit.redis, admit(a_record()))
    await audit.catch_up()
    with audit.tails.follow() as tail:
        await append(audit.redis, entry(a_copy()), settle(a_settlement()))
        await audit.catch_up()
        assert await tail.take(10) == (an_id(0),)
