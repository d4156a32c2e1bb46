"""Limits of every shape, through a real gateway: what is refused, what the caller reads, what is free again."""

import asyncio
import datetime as dt
from typing import Any

import grpc
from google.rpc import error_details_pb2 as details

from tests.e2e.policy import Data, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.waiting import until
from tests.e2e.world import Agent, Told, World, credential, together, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")
FRENCH = credential("sales-bot", ("accept-language", "fr"))
MARKETING = credential("marketing-bot")


def limit(name: str = "bound", **more: Any) -> Data:
    return {"name": name, "by": ["agent"]} | more


def wait_s(refused: Told) -> float:
    return float(refused.detail(details.RetryInfo).retry_delay.ToMilliseconds()) / 1000


async def test_a_calendar_limit_counts_until_midnight_in_its_zone(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(
        policy(upstream.address, limits=[limit(max=2, calendar={"unit": "day", "zone": "Pacific/Auckland"})])
    )
    ended = [await told(agent.contacts.GetContact(get(ADA), metadata=SALES)) for _ in range(3)]
    assert [each.reason for each in ended] == ["", "", "LIMIT_EXCEEDED"]
    assert "2 of 2 within" in ended[2].text
    zone = dt.timezone(dt.timedelta(hours=13))  # Auckland in November, and the half of the year around it
    now = dt.datetime.now(zone)
    midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), zone)
    assert 0 < wait_s(ended[2]) <= (midnight - now).total_seconds() + 3_602
    assert (await told(agent.contacts.GetContact(get(ADA), metadata=MARKETING))).code is grpc.StatusCode.OK


async def test_as_many_calls_run_at_a_time_as_the_limit_says_and_the_next_once_one_has_ended(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, limits=[limit(concurrent=2)]))
    upstream.behave = upstream.hang
    running = [asyncio.ensure_future(told(agent.contacts.GetContact(get(ADA), metadata=SALES))) for _ in range(2)]
    await until(lambda: len(upstream.messages) == 2, what="two running calls")
    refused = await told(agent.contacts.GetContact(get(ADA), metadata=FRENCH))
    assert refused.reason == "LIMIT_EXCEEDED"
    assert "2 appels sur 2 sont en cours" in refused.detail(details.LocalizedMessage).message
    assert 0 < wait_s(refused) <= 1
    upstream.let_go.set()
    assert [each.code for each in await asyncio.gather(*running)] == [grpc.StatusCode.OK] * 2

    async def free() -> bool:
        return (await told(agent.contacts.GetContact(get(ADA), metadata=SALES))).code is grpc.StatusCode.OK

    async with asyncio.timeout(1):
        while not await free():
            pass


async def test_fifty_at_once_never_run_more_than_the_limit_says(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, limits=[limit(concurrent=3)]))
    running, most = 0, 0

    async def count(asked: Any, _context: Any) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return bytes(asked.messages[-1])

    upstream.behave = count
    ended = await together(*(agent.contacts.GetContact(get(ADA), metadata=SALES) for _ in range(50)))
    assert {each.reason for each in ended} <= {"", "LIMIT_EXCEEDED"}
    assert 1 <= most <= 3


async def test_only_calls_that_meet_the_expression_count_and_each_key_for_itself(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    one = limit(
        methods=["/pilote.crm.v1.MessageService/SendMessage"],
        when='request.message.campaign != ""',
        by=[],
        key="request.message.campaign",
        max=1,
        window="1h",
    )
    await world.publish(policy(upstream.address, limits=[one]))

    async def sent(campaign: str) -> str:
        message = send(ADA)
        message.message.campaign = campaign
        return (await told(agent.messages.SendMessage(message, metadata=SALES))).reason

    assert [await sent(each) for each in ("", "", "spring", "autumn", "spring")] == ["", "", "", "", "LIMIT_EXCEEDED"]
    kept = await world.settled(5)
    assert all("spring" not in ask.by for each in kept for ask in each.record.buckets)


async def test_an_expression_that_fails_refuses_unless_it_is_to_be_skipped(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    failing = limit(when='facts.scores["none"] > 1.0', max=9, window="1h")
    await world.publish(policy(upstream.address, limits=[failing]))
    refused = await told(agent.contacts.GetContact(get(ADA), metadata=SALES))
    assert (refused.reason, "bound" in refused.text) == ("LIMIT_EXCEEDED", True)
    await world.publish(policy(upstream.address, limits=[failing | {"on_missing": "skip"}]))
    assert (await told(agent.contacts.GetContact(get(ADA), metadata=SALES))).code is grpc.StatusCode.OK


async def test_the_rest_of_every_limit_is_told_in_trailers(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    limits = [
        limit("hourly", max=10, window="1h"),
        limit("running", concurrent=4),
        limit("watched", max=1, window="1h", mode="monitor"),
    ]
    await world.publish(policy(upstream.address, limits=limits))
    await told(agent.contacts.GetContact(get(ADA), metadata=SALES))
    ended = await told(agent.contacts.GetContact(get(ADA), metadata=SALES))
    assert ended.code is grpc.StatusCode.OK
    assert str(ended.trailers["ratelimit"]).startswith('"hourly";r=8;t=')
    assert '"hourly";q=10;w=3600' in str(ended.trailers["ratelimit-policy"])
