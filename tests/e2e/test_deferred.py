"""A call that comes in quiet hours is kept, and made once they have opened."""

import asyncio
import datetime as dt
import time
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from gateway.callrun import CallRun, Incoming
from gateway.core.errors import CallEnded, Reason
from gateway.core.holds import Hold
from gateway.core.record import Outcome, Verdict
from gateway.refusal import Kept
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from tests.adapters.conftest import ACME
from tests.e2e.holding import HOLD_CONTACTS, HOUR_MS, SALES, Desk, hold_of, state_of
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import one_by_one, send, send_one
from tests.e2e.world import World, told
from tests.fakes.upstream import FakeUpstream, answering

SENT = SendMessageResponse(message=Message(name="messages/m-1"))
WHY = CallEnded(Reason.CAP_EXCEEDED, "enough", retry_after_ms=1)


def quiet(**more: Any) -> dict[str, Any]:
    """Hours that are closed now, whatever the time is, and open in 6 to 12 hours."""
    opens = (dt.datetime.now(dt.UTC).hour // 6 + 2) % 4 * 6
    hours = {"from": f"{opens:02}:00", "to": f"{opens + 6:02}:00"}
    return {"name": "nights", "zone": "UTC", "on_hit": "defer", "open": [hours]} | more


@pytest.fixture
async def desk(world: World, upstream: FakeUpstream) -> Desk:
    """Quiet hours, on two gateways."""
    await world.gateway()
    upstream.behave = answering(SENT.SerializeToString())
    await world.publish(policy(upstream.address, quiet_hours=[quiet()], caps=[cap(5)]))
    return Desk(world)


def release_in_ms(desk: Desk, hold: Hold) -> int:
    return hold.release_ms - desk.world.clock()


async def test_a_call_in_quiet_hours_is_made_once_within_a_second_of_their_end(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    refused = await told(desk.agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
    hold_id = hold_of(refused)
    assert refused.reason == "DEFERRED"
    wait_s = refused.detail(error_details_pb2.RetryInfo).retry_delay.seconds
    hold = await desk.read(hold_id)
    assert abs(release_in_ms(desk, hold) - 1000 * wait_s) < 10_000
    shown = (await desk.get(hold_id)).response.hold
    assert (state_of(shown), shown.release_time.ToMilliseconds()) == ("SCHEDULED", hold.release_ms)
    assert hold_of(await told(desk.agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))) == hold_id

    world.ahead_ms = release_in_ms(desk, hold) - 2_000
    assert state_of((await desk.wait(hold_id, seconds=1)).hold) == "SCHEDULED"
    assert upstream.asked == []
    made = (await desk.wait(hold_id)).hold
    assert (state_of(made), made.status, len(upstream.asked)) == ("EXECUTED", "OK", 1)
    assert SendMessageResponse.FromString(made.response) == SENT
    over = await desk.read(hold_id)
    assert 0 <= over.ended_ms - hold.release_ms < 1_000
    records = await world.settled(3)
    assert [each.record.verdict for each in records] == [Verdict.DEFER, Verdict.DEFER, Verdict.ALLOW]
    assert (records[2].record.parent, records[2].record.hold, records[2].record.decider) == (hold_id, hold_id, "")
    assert await world.taken() == 1


async def test_thirty_deferred_calls_are_made_once_each_by_two_gateways(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    requests = [send(f"contacts/c-{number}") for number in range(30)]
    held = [await desk.held(request=request) for request in requests]
    world.ahead_ms = release_in_ms(desk, await desk.read(held[-1]))
    await asyncio.gather(*(desk.until(hold_id, "EXECUTED") for hold_id in held))
    assert sorted(upstream.messages) == sorted(request.SerializeToString() for request in requests)


async def test_a_deferred_call_may_be_refused_by_a_person_before_its_time(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    hold_id = await desk.held()
    assert not await desk.decide(hold_id)  # there is nothing to approve
    assert await desk.decide(hold_id, approve=False, comment="no longer wanted")
    world.ahead_ms = 24 * HOUR_MS
    hold = (await desk.get(hold_id)).response.hold
    assert (state_of(hold), hold.comment, upstream.asked) == ("REFUSED", "no longer wanted", [])


async def test_a_deferred_call_that_by_then_needs_a_person_waits_for_them(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    hold_id = await desk.held()
    hold = await desk.read(hold_id)
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS]))
    world.ahead_ms = release_in_ms(desk, hold)
    assert (await desk.until(hold_id, "PENDING")).level == "approve"
    assert await desk.decide(hold_id)
    await desk.until(hold_id, "EXECUTED")
    assert len(upstream.asked) == 1


async def test_an_approved_call_waits_for_the_hours_to_open(world: World, desk: Desk, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS], quiet_hours=[quiet()]))
    hold_id = await desk.held()
    assert await desk.decide(hold_id)
    waits = await desk.until(hold_id, "SCHEDULED")
    assert (waits.decider, upstream.asked) == ("zoe", [])
    world.ahead_ms = release_in_ms(desk, waits)
    assert (await desk.until(hold_id, "EXECUTED")).decider == "zoe"


async def test_hours_that_are_too_long_or_keep_nothing_refuse_and_so_they_do_for_streams(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, quiet_hours=[quiet(max_defer="5m")]))
    refused = await told(desk.agent.messages.SendMessage(send(), metadata=SALES))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "QUIET_HOURS")
    assert refused.detail(error_details_pb2.RetryInfo).retry_delay.seconds > 3_600
    await world.publish(policy(upstream.address, quiet_hours=[quiet()]))
    refused = await told(desk.agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES))
    assert (refused.reason, "RetryInfo" in refused.kinds) == ("QUIET_HOURS", True)
    assert await desk.store.open(ACME) == ()


async def _decided(world: World, *, request_id: str = "") -> CallRun:
    """A call that was decided, and would now be admitted."""
    run = CallRun(Incoming.of("/pilote.crm.v1.MessageService/SendMessage", SALES, time_remaining=_none, trace_ratio=0))
    await world.gateways[0].pipeline.consider(run, send(request_id=request_id).SerializeToString())
    world.by_hand.add(run.id)
    return run


def _none() -> float | None:
    return None


async def test_what_refuses_a_call_may_have_it_put_off(world: World, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    desk, keeping = Desk(world), world.gateways[0].pipeline._keeping
    run = await _decided(world, request_id="k-1")
    not_before_ms = world.clock() + HOUR_MS
    with pytest.raises(CallEnded) as refused:
        await keeping.defer(
            run, wait_ms=not_before_ms - run.received_ms, why=WHY, rule="pressure", max_defer_ms=HOUR_MS // 2
        )
    assert refused.value is WHY
    with pytest.raises(Kept) as kept:
        await keeping.defer(
            run, wait_ms=not_before_ms - run.received_ms, why=WHY, rule="pressure", max_defer_ms=2 * HOUR_MS
        )
    hold = await desk.read(kept.value.metadata["hold"].removeprefix("holds/"))
    assert (hold.id, hold.state, hold.why, hold.rule) == (run.id, "SCHEDULED", "CAP_EXCEEDED", "pressure")
    assert hold.release_ms == not_before_ms
    # The policy refuses no repeat by itself; it gets the hold's name all the same, and later the answer.
    repeat = await told(desk.agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
    assert (repeat.reason, hold_of(repeat)) == ("DEFERRED", hold.id)
    world.ahead_ms = HOUR_MS
    await desk.until(hold.id, "EXECUTED")
    repeat = await told(desk.agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
    assert (repeat.code, len(upstream.asked)) == (grpc.StatusCode.OK, 1)


async def test_what_refuses_a_call_may_have_a_person_look_at_it_after_it_was_recorded_too(
    world: World, upstream: FakeUpstream
) -> None:
    desk, keeping = Desk(world), world.gateways[0].pipeline._keeping
    run = await _decided(world)
    run.outcome = Outcome(granted=False, reason="CAP_EXCEEDED")  # the store has written its refusal already
    before_ms = time.time_ns() // 1_000_000
    with pytest.raises(Kept) as kept:
        await keeping.hold(run, why=WHY, rule="pressure")
    hold = await desk.read(kept.value.metadata["hold"].removeprefix("holds/"))
    assert (hold.state, hold.level, hold.why) == ("PENDING", "approve", "CAP_EXCEEDED")
    assert hold.id != run.id
    assert abs(hold.expires_ms - before_ms - 24 * HOUR_MS) < 10_000
    (record,) = await world.settled(1)
    assert (record.record.id, record.record.parent, record.record.rule) == (hold.id, run.id, "pressure")
    assert await desk.decide(hold.id)
    await desk.until(hold.id, "EXECUTED")
