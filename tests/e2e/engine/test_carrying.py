"""Which calls Envoy carries by itself, what their upstreams see of them, and what callers cannot make it do."""

import asyncio
from typing import Any

import grpc
import pytest

from tests.e2e.by_envoy import by_envoy, reached
from tests.e2e.policy import Data, policy
from tests.e2e.requests import ADA, get, one_by_one, send, send_one
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.upstream import FakeUpstream, answering, failing, fake_upstream

pytestmark = pytest.mark.one_store
SALES = credential("sales-bot")


async def test_a_plain_call_goes_by_envoy_and_is_recorded_settled_and_told_like_any(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await reached(agent, upstream)
    before = len(await world.kept())
    upstream.behave = answering(b"", trailers=(("x-page", "7"), ("pilote-decision-id", "forged")))
    sent = (*SALES, ("x-shard", "a"), ("x-shard", "b"), ("x-raw-bin", b"\x00\xff"), ("pilote-purpose", "test"))
    sent += (("x-envoy-auth-partial-body", "true"), ("x-envoy-auth-headers-to-remove", "x-shard"))  # counts for nothing
    answered = await told(agent.contacts.GetContact(get(), metadata=sent))
    (asked,) = upstream.asked
    assert by_envoy(asked)
    assert asked.messages == [get().SerializeToString()]
    assert asked.values("x-shard") == ["a", "b"]
    assert asked.values("x-raw-bin") == [b"\x00\xff"]
    assert asked.values("pilote-decision-id") == [answered.decision]
    assert asked.values("pilote-agent") == ["sales-bot"]
    for secret in ("x-api-key", "authorization", "pilote-upstream", "pilote-purpose", "x-forwarded-for"):
        assert asked.values(secret) == []
    assert answered.trailers["x-page"] == "7"
    assert answered.decision != "forged"
    assert answered.trailers["pilote-revision"] == str(await current(world))
    kept = (await world.settled(before + 1))[-1]
    assert kept.record.id == answered.decision
    assert kept.settlement is not None
    assert (kept.settlement.status, kept.settlement.in_doubt, kept.settlement.gave_back) == ("OK", False, False)
    assert (kept.settlement.messages_in, kept.settlement.messages_out) == (1, 1)
    assert kept.settlement.response_bytes == 0
    assert 0 < kept.settlement.upstream_us <= kept.settlement.total_us


async def current(world: World) -> int:
    """The number of the revision that the gateway runs."""
    revision = world.gateways[0].pipeline.revision
    assert revision is not None
    return revision.number


async def test_what_envoy_cannot_do_is_handed_over_and_decided_about_once(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await reached(agent, upstream)
    before = len(await world.kept())
    upstream.behave = answering(b"")
    # Whose repeat is given the first answer; a stream; a message that Envoy is not shown whole.
    assert (await told(agent.messages.SendMessage(send(request_id="r-1"), metadata=SALES))).code is grpc.StatusCode.OK
    repeat = await told(agent.messages.SendMessage(send(request_id="r-1"), metadata=SALES))
    assert repeat.code is grpc.StatusCode.OK
    stream = agent.messages.SendMessages(one_by_one([send_one(), send_one()]), metadata=SALES)
    assert (await told(stream)).code is grpc.StatusCode.OK
    long = await told(agent.messages.SendMessage(send(body="x" * 400_000), metadata=SALES))
    assert long.code is grpc.StatusCode.OK
    assert [by_envoy(each) for each in upstream.asked] == [False, False, False]
    assert len(upstream.asked[-1].messages[0]) > 400_000
    kept = await world.settled(before + 5)  # each message of the stream is one
    assert all(each.times == 1 for each in kept)


async def test_what_a_new_revision_forbids_envoy_is_handed_over_from_its_first_call_on(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await reached(agent, upstream)
    crowd = {"name": "crowd", "by": ["agent"], "concurrent": 5}
    for limits in ([crowd], [], [crowd]):
        await world.publish(policy(upstream.address, limits=limits))
        await agent.contacts.GetContact(get(), metadata=SALES)
        if limits:
            assert not by_envoy(upstream.asked[-1])


@pytest.mark.parametrize(
    "forged",
    [
        ("pilote-upstream", "crm"),
        ("pilote-upstream", "pilote"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-envoy-max-retries", "5"),
        ("x-envoy-retry-grpc-on", "unavailable"),
        ("pilote-fate", "untouched"),
        ("pilote-agent", "admin-bot"),
        ("pilote-call", "somebody-else-s"),
        ("x-pilote-envoy-key", "guessed"),
    ],
)
async def test_no_caller_can_tell_envoy_where_to_go_or_how_often(
    world: World, agent: Agent, upstream: FakeUpstream, forged: tuple[str, str]
) -> None:
    await reached(agent, upstream)
    answered = await told(agent.contacts.GetContact(get(), metadata=(*SALES, forged)))
    assert answered.code is grpc.StatusCode.OK
    (asked,) = upstream.asked
    upstream.behave = failing(grpc.StatusCode.UNAVAILABLE)
    await told(agent.contacts.GetContact(get(), metadata=(*SALES, forged)))
    assert len(upstream.asked) == 2  # once
    assert by_envoy(asked)
    assert asked.values("pilote-agent") == ["sales-bot"]
    assert asked.values(forged[0]) == (["sales-bot"] if forged[0] == "pilote-agent" else [])


@pytest.mark.parametrize("header", [("transfer-encoding", "chunked"), ("connection", "close"), ("upgrade", "h2c")])
async def test_headers_of_an_older_http_come_to_nobody_and_break_no_other_call(
    world: World, agent: Agent, upstream: FakeUpstream, header: tuple[str, str]
) -> None:
    await reached(agent, upstream)
    before = len(await world.kept())
    async with grpc.aio.insecure_channel(
        f"127.0.0.1:{world.gateways[0].port}", options=(("grpc.use_local_subchannel_pool", 1),)
    ) as channel:  # Envoy ends the connection
        refused = await told(Agent(channel).contacts.GetContact(get(), metadata=(*SALES, header)))
    assert refused.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)
    assert upstream.asked == []
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK
    assert len(await world.settled(before + 1)) == before + 1


async def test_nobody_is_let_in_without_a_credential_and_refusals_say_what_they_say_elsewhere(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await reached(agent, upstream)
    stranger = await told(agent.contacts.GetContact(get()))
    assert (stranger.code, stranger.reason) == (grpc.StatusCode.UNAUTHENTICATED, "AGENT_UNAUTHENTICATED")
    check: Any = agent.channel.unary_unary("/envoy.service.auth.v3.Authorization/Check")
    assert (await told(check(b"", metadata=(("x-pilote-envoy-carries", "grpc"),)))).code is (
        grpc.StatusCode.UNAUTHENTICATED
    )
    assert upstream.asked == []


async def test_no_call_fails_while_revisions_move_an_upstream(world: World, agent: Agent) -> None:
    async with fake_upstream() as one, fake_upstream() as other:
        await world.publish(policy(one.address))
        over, ends = asyncio.Event(), []

        async def call() -> None:
            while not over.is_set():
                ends.append((await told(agent.contacts.GetContact(get(), metadata=SALES))).code)

        calling = [asyncio.create_task(call()) for _ in range(4)]
        for place in (other, one, other, one, other):
            await world.publish(policy(place.address))
            came = len(place.asked)

            async def moved(place: FakeUpstream = place, came: int = came) -> bool | None:
                return any(by_envoy(each) for each in place.asked[came:]) or None

            await eventually(moved, what="a call that Envoy has carried to the new place")
        over.set()
        await asyncio.gather(*calling)
        assert set(ends) == {grpc.StatusCode.OK}
        kept = await world.settled(len(ends))
        assert len(one.asked) + len(other.asked) == len(ends) == len(kept)


async def test_an_upstream_is_asked_over_tls_by_envoy_too(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    """One whose certificate nobody knows is reached by neither."""
    data: Data = policy(upstream.address)
    data["upstreams"][0]["tls"] = True
    await world.publish(data)
    for _ in range(3):
        ended = await told(agent.contacts.GetContact(get(ADA), metadata=SALES))
        assert (ended.code, ended.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert upstream.asked == []
