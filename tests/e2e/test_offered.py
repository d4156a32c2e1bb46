"""Agents are told which methods they may use, and only those."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pilote.decision.v1 import decision_service_pb2
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from pilote.governance.v1 import annotations_pb2
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.world import Told, World, credential, told
from tests.fakes.upstream import FakeUpstream

if TYPE_CHECKING:
    from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceAsyncStub

GET = "/pilote.crm.v1.ContactService/GetContact"
SEND = "/pilote.crm.v1.MessageService/SendMessage"
READ_ONLY = {
    "name": "read-only",
    "effect": "deny",
    "operations": ["WRITE", "CONTACT", "DELETE"],
    "when": '"access" in agent.labels && agent.labels["access"] == "read-only"',
}


def asked(world: World, agent: str = "sales-bot", **request: Any) -> Any:
    stub: DecisionServiceAsyncStub = DecisionServiceStub(world.agent().channel)
    return stub.ListMethods(decision_service_pb2.ListMethodsRequest(**request), metadata=credential(agent))


async def listed(world: World, agent: str) -> Sequence[decision_service_pb2.Method]:
    found: Told = await told(asked(world, agent))
    assert found.reason == ""
    return list(found.response.methods)


async def test_an_agent_sees_the_methods_that_rules_can_let_through_for_it(
    world: World, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all(), READ_ONLY], caps=[cap(2, on_exceed="review")]))
    everything = {each.method: each for each in await listed(world, "sales-bot")}
    reading = {each.method: each for each in await listed(world, "research-bot")}
    assert SEND in everything
    assert GET in reading
    assert {each.operation for each in reading.values()} == {annotations_pb2.OPERATION_READ}
    assert everything[SEND].may_be_held
    assert list(everything[SEND].limits) == ["pressure"]
    assert everything[SEND].autonomy == decision_service_pb2.AUTONOMY_AUTONOMOUS


async def test_the_list_follows_the_active_policy(world: World, upstream: FakeUpstream) -> None:
    assert SEND in [each.method for each in await listed(world, "sales-bot")]
    number = await world.publish(policy(upstream.address, rules=[allow_all() | {"operations": ["READ"]}]))
    answer = (await told(asked(world))).response
    assert answer.revision == number
    assert SEND not in [each.method for each in answer.methods]


async def test_pages_together_are_the_whole_list(world: World) -> None:
    whole = [each.method for each in await listed(world, "sales-bot")]
    paged, token = [], ""
    while True:
        page = (await told(asked(world, page_size=3, page_token=token))).response
        assert len(page.methods) <= 3
        paged += [each.method for each in page.methods]
        token = page.next_page_token
        if not token:
            break
    assert paged == whole == sorted(whole)


@pytest.mark.parametrize("bad", [{"page_size": -1}, {"page_size": 1001}, {"page_token": "é"}, {"page_token": "Zm9v"}])
async def test_a_page_that_is_none_is_refused_by_its_field(world: World, bad: dict[str, Any]) -> None:
    refused = await told(asked(world, **bad))
    assert refused.reason == "ARGUMENT_INVALID"
    assert next(iter(bad)) in refused.text


async def test_who_is_unknown_is_told_nothing(world: World) -> None:
    assert (await told(asked(world, "nobody"))).reason == "AGENT_UNAUTHENTICATED"
