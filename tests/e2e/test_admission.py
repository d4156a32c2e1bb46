"""Caps hold across agents, gateways and failures."""

import grpc
import pytest

from tests.e2e.policy import cap, policy
from tests.e2e.requests import send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, answering, failing

AGENTS = ("sales-bot", "marketing-bot", "research-bot")
pytestmark = pytest.mark.every_store

SALES = credential("sales-bot")


@pytest.mark.parametrize("gateways", [1, 2])
async def test_of_a_hundred_contacts_at_once_exactly_the_cap_reaches_the_upstream(
    world: World, upstream: FakeUpstream, gateways: int
) -> None:
    while len(world.gateways) < gateways:
        await world.gateway()
    await world.publish(policy(upstream.address, caps=[cap(3)]))
    agents = [world.agent(each) for each in world.gateways]
    ended = await together(
        *(
            agents[n % gateways].messages.SendMessage(send(), metadata=credential(AGENTS[n % len(AGENTS)]))
            for n in range(100)
        )
    )
    assert [each.reason for each in ended].count("") == 3
    assert {each.reason for each in ended} == {"", "CAP_EXCEEDED"}
    assert len(upstream.asked) == 3
    assert await world.taken() == 3
    assert len(await world.settled(100)) == 100


async def test_a_channel_by_another_spelling_is_the_same_channel(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, channels=["email"])]))
    await agent.messages.SendMessage(send(channel=" EMAIL "), metadata=SALES)
    refused = await told(agent.messages.SendMessage(send(channel="email"), metadata=SALES))
    assert refused.reason == "CAP_EXCEEDED"
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    "customer", ["contacts/ada-lovelace\n", " contacts/ada-lovelace", "contacts/ada lovelace", "contacts/adä"]
)
async def test_a_customer_by_an_odd_spelling_is_refused(agent: Agent, upstream: FakeUpstream, customer: str) -> None:
    refused = await told(agent.messages.SendMessage(send(customer), metadata=SALES))
    assert refused.reason == "ARGUMENT_INVALID"
    assert upstream.asked == []


@pytest.mark.parametrize("code", [grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT])
async def test_a_contact_that_the_upstream_refused_gives_its_slot_back_within_a_second(
    world: World, agent: Agent, upstream: FakeUpstream, code: grpc.StatusCode
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1)]))
    upstream.behave = failing(code)
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).code is code
    upstream.behave = answering(b"")

    async def granted() -> bool | None:
        return (await told(agent.messages.SendMessage(send(), metadata=SALES))).code is grpc.StatusCode.OK or None

    assert await eventually(granted, what="the slot is free again", within=1)


async def test_a_contact_in_doubt_keeps_its_slot(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1)]))
    upstream.behave = failing(grpc.StatusCode.INTERNAL)
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == "UPSTREAM_IN_DOUBT"
    await world.settled(1)
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == "CAP_EXCEEDED"
    assert await world.taken() == 1


async def test_customers_and_channels_are_counted_each_for_itself(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1)]))
    for customer in ("contacts/a", "contacts/b"):
        for channel in ("email", "sms"):
            await agent.messages.SendMessage(send(customer, channel=channel), metadata=SALES)
    assert (await told(agent.messages.SendMessage(send("contacts/a"), metadata=SALES))).reason == "CAP_EXCEEDED"
    assert len(upstream.asked) == 4
