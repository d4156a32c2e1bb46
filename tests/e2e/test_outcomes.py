"""What customers did after contacts: told once, and counted by the caps that wait for a delivery."""

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2 as details

from pilote.decision.v1.decision_service_pb2 import Outcome, ReportOutcomesRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from tests.e2e.policy import cap, policy
from tests.e2e.requests import ADA, send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, Told, World, credential, together, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")
ESP = credential("marketing-bot")


async def report(agent: Agent, *outcomes: Outcome) -> Told:
    stub = DecisionServiceStub(agent.channel)
    return await told(stub.ReportOutcomes(ReportOutcomesRequest(outcomes=outcomes), metadata=ESP))


async def sent(agent: Agent) -> Told:
    return await told(agent.messages.SendMessage(send(ADA), metadata=SALES))


def outcome(decision: str, type_: str = "delivered", *, event: str = "e-1", **more: object) -> Outcome:
    return Outcome(decision=f"decisions/{decision}", type=type_, event_id=event, **more)  # type: ignore[arg-type]


async def logged(world: World) -> tuple[int, int]:
    """(contacts that count for good, reservations still open)."""
    logs = [key async for key in world.redis.scan_iter("*:bucket:cap:pressure:*") if b":open" not in key]
    opens = [key async for key in world.redis.scan_iter("*:bucket:cap:pressure:*:open")]
    counts = [[int(await world.redis.zcard(key)) for key in found] for found in (logs, opens)]
    return sum(counts[0]), sum(counts[1])


@pytest.mark.parametrize(("type_", "wanted"), [("delivered", (1, 0)), ("clicked", (1, 0)), ("bounced", (0, 0))])
async def test_a_delivery_counts_the_contact_and_a_bounce_frees_it(
    world: World, agent: Agent, upstream: FakeUpstream, type_: str, wanted: tuple[int, int]
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, counts_on="delivered")]))
    first = await sent(agent)
    await world.settled(1)
    assert await logged(world) == (0, 1)
    assert (await sent(agent)).reason == "CAP_EXCEEDED"
    assert (await report(agent, outcome(first.decision, type_))).response.accepted_count == 1
    assert await logged(world) == wanted
    assert (await sent(agent)).reason == ("CAP_EXCEEDED" if wanted[0] else "")


async def test_the_answers_of_one_survey_are_taken_apart_and_free_text_is_not(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address))
    decision = (await sent(agent)).decision
    answers = [outcome(decision, "answered", question=question, answer="9") for question in ("nps", "effort")]
    assert (await report(agent, *answers)).response.accepted_count == 2
    assert (await report(agent, *answers)).response.accepted_count == 0
    refused = await report(agent, outcome(decision, "answered", question="nps", answer="I am ill"), outcome(decision))
    (violation,) = refused.detail(details.BadRequest).field_violations
    assert (refused.code, violation.field) == (grpc.StatusCode.INVALID_ARGUMENT, "outcomes[0].answer")


async def test_a_delivery_that_is_told_before_the_contact_is_settled_is_not_lost(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, counts_on="delivered")]))
    reported = []

    async def tell_at_once(asked: object, _context: object) -> bytes:
        decision = str(asked.values("pilote-decision-id")[0])  # type: ignore[attr-defined]
        reported.append(await report(agent, outcome(decision)))
        return b""

    upstream.behave = tell_at_once
    await sent(agent)
    assert reported[0].response.accepted_count == 1

    async def counted() -> bool | None:
        return (await logged(world)) == (1, 0) or None

    await eventually(counted, what="a contact that counts")


async def test_the_same_event_is_counted_once_however_often_it_is_told(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(9, counts_on="delivered")]))
    decision = (await sent(agent)).decision
    await world.settled(1)
    stub = DecisionServiceStub(agent.channel)
    request = ReportOutcomesRequest(outcomes=[outcome(decision), outcome(decision), outcome(decision, event="e-2")])
    ended = await together(*(stub.ReportOutcomes(request, metadata=ESP) for _ in range(20)))
    assert sum(each.response.accepted_count for each in ended) == 2
    assert await world.redis.xlen("pilote:{acme/0}:outcomes") == 2
    assert await logged(world) == (1, 0)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (Outcome(decision="x", type="delivered"), "outcomes[0].decision"),
        (outcome("0" * 32, "vanished"), "outcomes[0].type"),
        (outcome("0" * 32, event="é"), "outcomes[0].event_id"),
        (outcome("0" * 32, event="x" * 129), "outcomes[0].event_id"),
        (outcome("0" * 32, "converted", revenue_cents=5), "outcomes[0].currency_code"),
        (outcome("0" * 32, "converted", revenue_cents=-(2**60), currency_code="EUR"), "outcomes[0].revenue_cents"),
        (outcome("0" * 32, occur_time=Timestamp(seconds=-1)), "outcomes[0].occur_time"),
    ],
)
async def test_what_cannot_be_taken_is_named_and_nothing_of_the_request_is_kept(
    world: World, agent: Agent, upstream: FakeUpstream, bad: Outcome, field: str
) -> None:
    await world.publish(policy(upstream.address))
    refused = await report(agent, bad, outcome("1" * 32, occur_time=Timestamp(seconds=1)))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.detail(details.BadRequest).field_violations[0].field == field
    assert await world.redis.exists("pilote:{acme/0}:outcomes") == 0


async def test_nobody_reports_without_a_credential_or_more_than_a_thousand(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address))
    stub = DecisionServiceStub(agent.channel)
    many = [outcome("1" * 32, event=str(n)) for n in range(1001)]
    assert (await told(stub.ReportOutcomes(ReportOutcomesRequest()))).reason == "AGENT_UNAUTHENTICATED"
    assert (await report(agent, *many)).reason == "ARGUMENT_INVALID"
    reported = await report(agent, *many[:1000])
    assert reported.code is grpc.StatusCode.OK, reported.reason
    assert reported.response.accepted_count == 1000
