"""A new revision is live everywhere within a second, while calls run, and none of them notices."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import grpc
import msgspec

from gateway.adapters.revisions import RevisionStore
from pilote.crm.v1.message_service_pb2 import SendMessagesRequest
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import get, one_by_one, send, send_one
from tests.e2e.waiting import until
from tests.e2e.world import Told, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, answering, fake_upstream

SALES = credential("sales-bot")


def _renamed(address: str) -> Data:
    """The same policy, but the upstream has another name and address."""
    return policy(
        address,
        upstreams=[{"name": "crm-2", "address": address, "timeout": "9s"}],
        routes=[{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": [{"name": "crm", "upstream": "crm-2"}]}],
    )


async def test_a_gateway_that_starts_knows_the_active_policy_before_it_takes_a_call(
    world: World, upstream: FakeUpstream
) -> None:
    number = await world.publish(policy(upstream.address))
    async with world.started() as another:
        assert another.pipeline.revision is not None
        assert another.pipeline.revision.number == number


async def test_a_revision_is_live_in_two_gateways_while_calls_run_and_no_call_is_dropped(
    world: World, upstream: FakeUpstream
) -> None:
    await world.gateway()
    await world.wait_for(1)
    agents = [world.agent(each) for each in world.gateways]
    ended: list[Told] = []
    stop = asyncio.Event()

    def gone_on(count: int) -> bool:
        return len(ended) >= count

    async def calling(n: int) -> None:
        while not stop.is_set():
            agent = agents[n % 2]
            call = (
                agent.contacts.GetContact(get(), metadata=SALES)
                if n % 4
                else agent.messages.SendMessage(send(f"contacts/c-{n}"), metadata=SALES)
            )
            ended.append(await told(call))

    async with fake_upstream() as second, asyncio.TaskGroup() as group:
        for n in range(200):
            group.create_task(calling(n))
        await until(lambda: len(ended) >= 200, what="all callers have called")
        addresses = (second.address, upstream.address, second.address)
        for number, address in enumerate(addresses, start=2):
            await world.publish(_renamed(address) if number % 2 else policy(address))
            await until(partial(gone_on, len(ended) + 200), what="calls go on")
        stop.set()
    assert {(each.code, each.reason) for each in ended} == {(grpc.StatusCode.OK, "")}
    assert {each.trailers["pilote-revision"] for each in ended} == {"1", "2", "3", "4"}
    assert len(await world.settled(len(ended))) == len(ended)


async def test_a_call_admitted_under_one_revision_ends_under_it(world: World, upstream: FakeUpstream) -> None:
    agent, upstream.behave = world.agent(), upstream.hang
    running = asyncio.ensure_future(told(agent.messages.SendMessage(send(), metadata=SALES)))
    await asyncio.wait_for(upstream.arrived.wait(), 30)
    async with fake_upstream() as second:
        await world.publish(_renamed(second.address))
        after = await told(agent.contacts.GetContact(get(), metadata=SALES))
        upstream.let_go.set()
        before = await running
    assert (before.code, before.trailers["pilote-revision"]) == (grpc.StatusCode.OK, "1")
    assert (after.code, after.trailers["pilote-revision"]) == (grpc.StatusCode.OK, "2")
    assert (len(upstream.asked), len(second.asked)) == (1, 1)


async def test_further_messages_of_a_stream_are_judged_by_the_revision_of_their_time(
    world: World, upstream: FakeUpstream
) -> None:
    agent = world.agent()
    swapped = asyncio.Event()

    async def requests() -> AsyncIterator[SendMessagesRequest]:
        yield send_one("contacts/a")
        await swapped.wait()
        yield send_one("contacts/b")
        yield send_one("contacts/b")

    call = agent.messages.SendMessages(requests(), metadata=SALES)
    await call.read()
    async with fake_upstream() as second:
        await world.publish(_renamed(second.address) | {"caps": [cap(1)]})
        swapped.set()
        rest = await told(call)
        assert rest.reason == "CAP_EXCEEDED"
        assert len(upstream.messages) == 2
        assert second.messages == []


async def test_revisions_that_cannot_be_used_leave_the_old_one_running_and_do_not_stop_later_ones(
    world: World, upstream: FakeUpstream
) -> None:
    agent = world.agent()
    store = RevisionStore(world.redis)
    broken = [
        b'{"agents": 3}',
        b"[]",
        b"null",
        msgspec.json.encode(policy(upstream.address, rules=[allow_all() | {"when": "no such thing"}])),
        msgspec.json.encode(policy("nowhere")),
    ]
    for document in broken:
        await world.publish_raw(document)
    await world.redis.hset("pilote:{revisions}:all", "99", b"not even JSON")
    await world.redis.set("pilote:{revisions}:active", "99")
    still = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert (still.code, still.trailers["pilote-revision"]) == (grpc.StatusCode.OK, "1")
    assert await store.active() == 99
    looked = asyncio.get_running_loop().time() + 0.7  # longer than a poll: every gateway has seen it by then
    await until(lambda: asyncio.get_running_loop().time() > looked, what="a poll")
    number = await world.publish(policy(upstream.address))
    upstream.behave = answering(b"")
    after = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert after.trailers["pilote-revision"] == str(number)


async def test_calls_before_any_revision_are_refused_and_recorded(empty_world: World) -> None:
    await empty_world.gateway()
    agent = empty_world.agent()
    ended = await together(*(agent.contacts.GetContact(get(), metadata=SALES) for _ in range(5)))
    assert {each.reason for each in ended} == {"REVISION_MISSING"}
    kept = await empty_world.settled(5, tenant="_")
    assert {each.record.id for each in kept} == {each.decision for each in ended}
    assert await empty_world.redis.sismember("pilote:{directory}:streams", "pilote:{_/0}:decisions")


async def test_a_gateway_that_starts_later_answers_by_the_active_revision(world: World) -> None:
    later = await world.gateway()
    await world.wait_for(1)
    told_by = await told(world.agent(later).contacts.GetContact(get(), metadata=SALES))
    assert told_by.code is grpc.StatusCode.OK


async def test_an_agent_that_a_revision_leaves_out_is_a_stranger_at_once(world: World, upstream: FakeUpstream) -> None:
    agent = world.agent()
    data = policy(upstream.address)
    await agent.contacts.GetContact(get(), metadata=SALES)
    data["agents"] = data["agents"][1:]
    await world.publish(data)
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == "AGENT_UNAUTHENTICATED"
    refused = await told(agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES))
    assert refused.reason == "AGENT_UNAUTHENTICATED"
