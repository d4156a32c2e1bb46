"""One call halts agents, versions, routes or channels, in every gateway and from the very next call on."""

import grpc
import pytest

from gateway.adapters.stops import StopStore
from gateway.core.stops import ALL, Stop
from tests.e2e.policy import cap, policy
from tests.e2e.requests import get, send
from tests.e2e.world import World, credential, told
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.every_store

SALES = credential("sales-bot")
FRENCH = credential("sales-bot", ("accept-language", "fr"))


def stop(what: str) -> Stop:
    return Stop(what=what, reason="it drifts", since_ms=0)


@pytest.mark.parametrize("what", [ALL, "agent=sales-bot", "channel=email"])
async def test_a_stop_is_met_by_the_next_call_of_every_gateway_until_it_is_lifted(
    world: World, upstream: FakeUpstream, what: str
) -> None:
    await world.gateway()
    await world.publish(policy(upstream.address, caps=[cap(100)]))
    agents = [world.agent(each) for each in world.gateways]
    store = StopStore(world.redis)
    for agent in agents:
        assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""

    await store.stop("acme", stop(what))
    halted = [await told(agent.messages.SendMessage(send(), metadata=FRENCH)) for agent in agents]

    assert {(each.code, each.reason) for each in halted} == {(grpc.StatusCode.PERMISSION_DENIED, "STOPPED")}
    assert what in halted[0].text
    assert (len(upstream.asked), await world.taken()) == (2, 2)
    records = await world.settled(4)
    assert [record.outcome.stop for record in records[-2:]] == [what, what]

    await store.resume("acme", what)
    assert (await told(agents[1].messages.SendMessage(send(), metadata=SALES))).reason == ""


async def test_a_stop_of_a_channel_or_of_another_agent_leaves_the_rest_alone(
    world: World, upstream: FakeUpstream
) -> None:
    await world.gateway()
    await world.publish(policy(upstream.address))
    agent = world.agent(world.gateways[0])
    store = StopStore(world.redis)
    await store.stop("acme", stop("channel=sms"))
    await store.stop("acme", stop("agent=marketing-bot"))

    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == ""
    refused = await told(agent.contacts.GetContact(get(), metadata=credential("marketing-bot")))
    assert refused.reason == "STOPPED"
