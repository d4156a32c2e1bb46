"""Sealed inputs in the audit service: kept for a while beside their decisions, listed in order, and forgotten."""

from typing import Any

import msgspec
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import CallEnded, Reason
from gateway.core.record import CustomerOutcome, SealedInputs, subject_ref
from pilote.audit.v1 import planning_pb2
from services.audit.inputs import InputsQuery, Kept, after
from services.audit.store import Stored
from tests.services.audit.conftest import (
    KEY,
    NOW_MS,
    Audit,
    a_record,
    a_settlement,
    admit,
    an_id,
    append,
    settle,
    told,
)

DAY_MS = 86_400_000


def inputs(number: int = 0, *, keep_ms: int = DAY_MS, **changes: Any) -> dict[Any, Any]:
    """The entry that a gateway writes."""
    said = SealedInputs(an_id(number), NOW_MS + number, NOW_MS + number + keep_ms)
    return {"k": "inputs", "r": msgspec.json.encode(said), "i": b"sealed %d" % number} | changes


async def listed(audit: Audit, **asked: Any) -> tuple[list[int], int]:
    """The numbers of what is listed, in order, and how many there are said to be."""
    numbers, total = [], -1
    async for answer in audit.queries().ListInputs(planning_pb2.ListInputsRequest(**asked), None):
        numbers += [int(each.sealed.split()[1]) for each in answer.inputs]
        total = answer.total_size
    return numbers, total


async def test_inputs_are_listed_oldest_first_with_their_records_each_once(audit: Audit) -> None:
    order = [*range(50, 100), *range(50)]
    await append(audit.redis, *(inputs(number) for number in order), *(admit(a_record(number)) for number in order))
    await append(audit.redis, inputs(7), inputs(1_000))  # the one again, the other without a decision
    await audit.catch_up()
    numbers, total = await listed(audit)
    assert numbers == list(range(100))
    assert total == 101
    async for answer in audit.queries().ListInputs(planning_pb2.ListInputsRequest(max_results=1), None):
        for each in answer.inputs:
            assert msgspec.json.decode(each.record)["id"] == each.decision.removeprefix("decisions/")


async def test_the_newest_so_many_a_time_a_tenant_and_a_decision_can_be_asked_for(audit: Audit) -> None:
    await append(audit.redis, *(inputs(number * 1_000) for number in range(5)))
    await append(audit.redis, *(admit(a_record(number * 1_000)) for number in range(5)))
    await audit.catch_up()
    assert await listed(audit, max_results=2) == ([3_000, 4_000], 2)
    assert await listed(audit, max_results=99) == ([0, 1_000, 2_000, 3_000, 4_000], 5)
    seconds = NOW_MS // 1_000
    assert (await listed(audit, start_time=Timestamp(seconds=seconds + 1), end_time=Timestamp(seconds=seconds + 3)))[
        0
    ] == [
        1_000,
        2_000,
    ]
    assert await listed(audit, tenant="globex") == ([], 0)
    assert await listed(audit, decision=f"decisions/{an_id(2_000)}") == ([2_000], 1)


async def test_inputs_come_with_how_the_call_ended_and_what_the_customer_did(audit: Audit) -> None:
    did = [
        CustomerOutcome(
            decision=an_id(0), type=type_, occurred_ms=NOW_MS + at, reported_ms=NOW_MS, reporter="esp", event=f"e-{at}"
        )
        for at, type_ in ((2, "clicked"), (1, "opened"))
    ]
    await append(audit.redis, inputs(0), inputs(1), admit(a_record(0)), admit(a_record(1)), settle(a_settlement(0)))
    await append(audit.redis, *map(told, did))
    await audit.catch_up()
    at, _ = await audit.store.inputs_begin(InputsQuery(), now_ms=NOW_MS)
    one, two = await audit.store.inputs_page(InputsQuery(), now_ms=NOW_MS, at=at, size=5)

    assert (one.settlement, two.settlement) == (msgspec.json.encode(a_settlement(0)), None)
    assert (one.told, two.told) == ((did[1], did[0]), ())
    assert [one.leaf, two.leaf] == [(await _stored(audit, number)).leaf for number in (0, 1)]


async def test_pages_hold_what_they_may_whatever_is_not_stored_yet_and_however_large_it_is(audit: Audit) -> None:
    large: dict[int, Any] = {number: {"i": b"sealed %d " % number + bytes(3 << 20)} for number in (4, 5, 6)}
    await append(audit.redis, *(inputs(number, **large.get(number, {})) for number in range(10)))
    await append(audit.redis, *(admit(a_record(number)) for number in (0, *range(3, 9))))
    await audit.catch_up()
    for size in (1, 2, 256):
        at, _ = await audit.store.inputs_begin(InputsQuery(), now_ms=NOW_MS)
        found: list[Kept] = []
        while page := await audit.store.inputs_page(InputsQuery(), now_ms=NOW_MS, at=at, size=size):
            assert len(page) <= size
            found += page
            at = after(page[-1].decision, at_ms=page[-1].at_ms)
        assert [each.decision for each in found] == [an_id(number) for number in (0, *range(3, 9))]
    assert (await listed(audit))[0] == [0, *range(3, 9)]


async def test_what_customers_did_is_told_of_each_of_many_decisions(audit: Audit) -> None:
    did = [
        CustomerOutcome(decision=an_id(number), type=type_, occurred_ms=NOW_MS + at, reported_ms=NOW_MS, reporter="esp",
                        event=f"e-{at}")
        for number in range(0, 600, 7)
        for at, type_ in ((2, "clicked"), (1, "opened"))
    ]  # fmt: skip
    await append(audit.redis, *map(told, did))
    await audit.catch_up()
    found = await audit.store.told_after([an_id(number) for number in range(600)])
    assert set(found) == {an_id(number) for number in range(0, 600, 7)}
    assert {tuple(each.type for each in its) for its in found.values()} == {("opened", "clicked")}


async def _stored(audit: Audit, number: int) -> Stored:
    found = await audit.store.get(an_id(number), now_ms=NOW_MS)
    assert found is not None
    return found


async def test_what_has_expired_is_not_shown_any_more_and_gone_within_a_minute(audit: Audit) -> None:
    await append(audit.redis, inputs(0, keep_ms=1_000), inputs(1), admit(a_record(0)), admit(a_record(1)))
    await audit.catch_up()
    audit.now_ms = NOW_MS + 1_000
    assert await listed(audit) == ([1], 1)
    await audit.catch_up()  # a new writer does its chores at once
    audit.now_ms = NOW_MS
    assert await listed(audit) == ([1], 1)


async def test_what_is_kept_of_a_customer_can_be_forgotten(audit: Audit) -> None:
    ref = subject_ref(KEY, tenant="acme", subject="contacts/ada")
    await append(audit.redis, inputs(0), inputs(1), admit(a_record(0, subject_ref=ref)), admit(a_record(1)))
    await audit.catch_up()
    answer = await audit.queries().ForgetInputs(planning_pb2.ForgetInputsRequest(subject="contacts/ada"), None)
    assert answer.forgotten == 1
    assert await listed(audit) == ([1], 1)
    assert await audit.store.count() == 2


async def test_inputs_are_forgotten_also_where_their_decision_cannot_be_found(audit: Audit) -> None:
    ref = subject_ref(KEY, tenant="acme", subject="contacts/ada")
    said = SealedInputs(an_id(5), NOW_MS, NOW_MS + DAY_MS, subject_ref=ref)
    await append(audit.redis, inputs(5, r=msgspec.json.encode(said)), inputs(1))
    await audit.catch_up()
    asked = planning_pb2.ForgetInputsRequest(subject="contacts/ada", tenant="acme")
    answer = await audit.queries().ForgetInputs(asked, None)
    assert answer.forgotten == 1


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("decision", {"decision": "decisions/nonsense"}),
        ("max_results", {"max_results": -1}),
        ("end_time", {"start_time": Timestamp(seconds=5), "end_time": Timestamp(seconds=5)}),
    ],
)
async def test_questions_that_make_no_sense_are_refused_with_the_field(audit: Audit, field: str, asked: Any) -> None:
    with pytest.raises(CallEnded) as refused:
        await listed(audit, **asked)
    assert (refused.value.reason, refused.value.metadata["field"]) == (Reason.ARGUMENT_INVALID, field)


async def test_nobody_in_particular_is_forgotten(audit: Audit) -> None:
    with pytest.raises(CallEnded) as refused:
        await audit.queries().ForgetInputs(planning_pb2.ForgetInputsRequest(), None)
    assert refused.value.reason is Reason.ARGUMENT_INVALID


@pytest.mark.parametrize(
    "broken",
    [
        inputs(r=b"{}"),
        {name: value for name, value in inputs().items() if name != "i"},
        inputs(r=msgspec.json.encode(SealedInputs("../etc", NOW_MS, NOW_MS))),
        inputs(r=msgspec.json.encode(SealedInputs(an_id(0), -1, 2**70 // 2**10))),
    ],
)
async def test_inputs_that_cannot_be_stored_go_to_quarantine(audit: Audit, broken: dict[Any, Any]) -> None:
    await append(audit.redis, broken, inputs(1), admit(a_record(1)))
    writer = await audit.catch_up()
    assert writer.quarantined == 1
    assert await listed(audit) == ([1], 1)
