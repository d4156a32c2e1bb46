"""The store killed and frozen in the middle of load: callers hear it soon, and nothing is lost or let through."""

import asyncio
import contextlib
import time
from collections import Counter
from pathlib import Path

import grpc
import pytest

from gateway import redis_clients
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from tests.adapters.conftest import freeze, thaw
from tests.e2e.policy import cap, policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually, until
from tests.e2e.world import Told, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream, fake_upstream
from tests.stores import Store

SALES = credential("sales-bot")


def _customers(upstream: FakeUpstream) -> Counter[str]:
    return Counter(SendMessageRequest.FromString(each).message.customer for each in upstream.messages)


async def test_killed_in_the_middle_of_load_the_store_loses_no_record_and_no_cap_is_exceeded(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world, agent = fragile_world, fragile_world.agent()
    await world.publish(policy(upstream.address, caps=[cap(3)]))
    ended: list[Told] = []
    longest = 0.0
    stop = asyncio.Event()

    async def calling(n: int) -> None:
        nonlocal longest
        turn = 0
        while not stop.is_set():
            turn += 1
            began = time.monotonic()
            request = send(f"contacts/c-{n}-{turn // 5}", request_id=f"{n}-{turn}" if n % 2 else "")
            ended.append(await told(agent.messages.SendMessage(request, metadata=SALES)))
            longest = max(longest, time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        for n in range(20):
            group.create_task(calling(n))
        await until(lambda: len(ended) > 200, what="load")
        own_redis.kill()
        await until(lambda: ended[-1].reason == "STORE_UNAVAILABLE", what="callers hear of it")
        down = len(ended)
        await until(lambda: len(ended) > down + 50, what="the process goes on")
        await asyncio.to_thread(own_redis.start)
        await until(lambda: ended[-1].code is grpc.StatusCode.OK, what="calls go through again")
        up = len(ended)
        await until(lambda: len(ended) > up + 100, what="load")
        stop.set()

    assert longest < 20  # nobody hangs; what a second is worth depends on who else is at work
    assert {each.reason for each in ended} <= {"", "CAP_EXCEEDED", "STORE_UNAVAILABLE"}
    assert max(_customers(upstream).values()) <= 3
    sent = {str(asked.values("pilote-decision-id")[0]) for asked in upstream.asked}
    async with auditing(world.redis_url, world.home / "audit") as auditor:

        async def all_recorded() -> bool | None:
            found = {each.name.removeprefix("decisions/"): each for each in await auditor.listed()}
            missing = {each.decision for each in ended} - found.keys()
            running = [each for each in found.values() if each.settle_time.seconds == 0]
            return (not missing and not running) or None

        assert await eventually(all_recorded, what="every call is recorded and settled")
    assert sent <= {each.decision for each in ended}
    spool = world.home / "gateway-0" / "spool"
    await until(lambda: not any(file.stat().st_size for file in spool.iterdir()), what="an empty spool")


async def test_a_gateway_that_starts_before_its_store_waits_for_it(
    own_redis: Store, upstream: FakeUpstream, tmp_path: Path
) -> None:
    own_redis.kill()
    async with contextlib.AsyncExitStack() as stack:
        redis = redis_clients.client(own_redis.url, cluster=False)
        stack.push_async_callback(redis.aclose)
        world = World(redis, own_redis.url, tmp_path, stack)
        starting = asyncio.create_task(world.gateway())
        await asyncio.to_thread(own_redis.start)
        await starting
        await world.publish(policy(upstream.address))
        assert (await told(world.agent().messages.SendMessage(send(), metadata=SALES))).code is grpc.StatusCode.OK


async def test_a_frozen_store_fails_calls_within_its_timeout_and_then_goes_on(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world = fragile_world
    quick = await world.gateway(store_timeout_ms=100)
    await world.publish(policy(upstream.address, caps=[cap(3)]))
    agent = world.agent(quick)
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).code is grpc.StatusCode.OK
    freeze(own_redis)
    try:
        began = time.monotonic()
        first = await told(agent.messages.SendMessage(send(), metadata=SALES))
        waited = time.monotonic() - began
        began = time.monotonic()
        others = await asyncio.gather(
            *(told(agent.messages.SendMessage(send(), metadata=SALES)) for _ in range(20)),
        )
        together = time.monotonic() - began
    finally:
        thaw(own_redis)
    assert (first.code, first.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
    assert {each.reason for each in others} == {"STORE_UNAVAILABLE"}
    assert 0.05 < waited < 2  # the timeout is 0.1, and the machine may be busy
    assert together < 2  # the breaker is open: nobody waits
    assert len(upstream.asked) == 1

    async def resumed() -> bool | None:
        return (await told(agent.messages.SendMessage(send(), metadata=SALES))).code is grpc.StatusCode.OK or None

    assert await eventually(resumed, what="calls go through again")

    async def given_back() -> bool | None:
        """What the store carried out late, for callers who had been refused, is taken back."""
        return await world.taken() == len(upstream.asked) or None

    assert await eventually(given_back, what="slots are given back")


async def test_what_was_refused_while_the_store_was_down_is_recorded_once_it_is_back(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world = fragile_world
    agent = world.agent()
    own_redis.kill()
    refused = [await told(agent.contacts.GetContact(get(), metadata=SALES)) for _ in range(5)]
    assert {each.reason for each in refused} == {"STORE_UNAVAILABLE"}
    folder = world.home / "gateway-0" / "spool"
    await until(lambda: any(file.stat().st_size for file in folder.glob("*.spool")), what="records wait on disk")
    await asyncio.to_thread(own_redis.start)

    async def replayed() -> bool | None:
        kept = await world.kept()
        return {each.decision for each in refused} <= kept.keys() or None

    assert await eventually(replayed, what="they are replayed")


async def test_an_upstream_that_was_restarted_is_found_again(world: World, upstream: FakeUpstream) -> None:
    agent = world.agent()
    async with fake_upstream() as mortal:
        port = mortal.port
        await world.publish(policy(mortal.address))
        assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == "UPSTREAM_UNAVAILABLE"
    async with fake_upstream(listen=f"127.0.0.1:{port}"):

        async def found() -> bool | None:
            return (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK or None

        assert await eventually(found, what="the upstream is found again")


@pytest.mark.every_store
async def test_a_store_that_comes_back_without_its_last_moments_is_told_them_again(
    forgetful_world: World, forgetful_redis: Store, upstream: FakeUpstream
) -> None:
    """As one does whose append-only file is synced every second, or a replica that takes over: here it forgets all."""
    world, agent = forgetful_world, forgetful_world.agent()
    pressure = {"half_life": "7d"}
    await world.publish(
        policy(upstream.address, caps=[cap(3, name="few"), cap(9, name="sent", counts_on="sent")], pressure=pressure)
    )
    sent = [await told(agent.messages.SendMessage(send(request_id=key), metadata=SALES)) for key in ("one", "two")]
    read = await told(agent.contacts.GetContact(get(), metadata=(("x-api-key", "wrong"),)))
    await world.settled(2)
    forgetful_redis.kill()
    await asyncio.to_thread(forgetful_redis.start)

    async def third() -> Told | None:
        ended = await told(agent.messages.SendMessage(send(request_id="three"), metadata=SALES))
        return ended if ended.code is grpc.StatusCode.OK else None

    last = await eventually(third, what="calls go through again")
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == "CAP_EXCEEDED"
    kept = await world.kept()
    assert {each.decision for each in (*sent, last)} <= kept.keys()
    assert all(kept[each.decision].settlement for each in sent)
    assert read.decision in await world.kept("_")
    assert (await world.taken("few"), await world.taken("sent")) == (3, 3)
    repeat = await told(agent.messages.SendMessage(send(request_id="one"), metadata=SALES))
    assert (repeat.code, len(upstream.messages)) == (grpc.StatusCode.OK, 3)
