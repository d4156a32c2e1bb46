"""What a peer that keeps to no rules does to a gateway, and to others who call it meanwhile: measured, and bounded."""

import asyncio
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.callrun import CallRun
from gateway.rpc.serving import BOUNDS, MOST_STREAMS, serving
from tests.e2e.requests import get
from tests.e2e.waiting import until
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.http2_attacker import (
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    MAX_CONCURRENT_STREAMS,
    PREFACE,
    RST_STREAM,
    Attacker,
    frame,
    head,
)

pytestmark = pytest.mark.one_store

METHOD = "/pilote.crm.v1.ContactService/GetContact"
KNOWN = tuple((name, str(value)) for name, value in credential("research-bot"))


@asynccontextmanager
async def attacking(*attacks: Callable[[threading.Event], Any]) -> AsyncIterator[None]:
    """Each in a thread of its own, until the block ends."""
    over = threading.Event()
    begun = [asyncio.create_task(asyncio.to_thread(attack, over)) for attack in attacks]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*begun)


async def latencies(agent: Agent, count: int) -> list[float]:
    """How long calls of another agent take, one after the other, in milliseconds. All of them must go well."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        await agent.contacts.GetContact(get(), metadata=credential("sales-bot"), timeout=30)
        found.append((time.perf_counter() - began) * 1_000)
    return found


def resets(port: int) -> Callable[[threading.Event], int]:
    """Rapid reset (CVE-2023-44487): begins calls and takes them back at once; answers how many, over how many lines."""

    def attack(over: threading.Event) -> int:
        headers, connections = head(METHOD, *KNOWN), 0
        while not over.is_set():
            connections += 1
            with Attacker(port) as attacker:
                taken = True
                while taken and not over.is_set():
                    numbers = [attacker.stream() for _ in range(100)]
                    taken = attacker.send(
                        b"".join(
                            frame(HEADERS, flags=END_HEADERS | END_STREAM, stream=number, payload=headers)
                            + frame(RST_STREAM, stream=number, payload=b"\0\0\0\x08")
                            for number in numbers
                        )
                    )
        return connections

    return attack


def floods(port: int, *, at_once: int = 250) -> Callable[[threading.Event], int]:
    """Makes whole calls, so many at once; answers how many have ended."""

    def attack(over: threading.Event) -> int:
        headers, ended = head(METHOD, *KNOWN), 0
        with Attacker(port) as attacker:
            came = attacker.frames()
            while not over.is_set():
                attacker.send(b"".join(attacker.call(headers) for _ in range(at_once)))
                left = at_once
                while left:
                    got = next(came)
                    left -= (got.kind == HEADERS and bool(got.flags & END_STREAM)) or got.kind == RST_STREAM
                ended += at_once
        return ended

    return attack


@pytest.mark.no_replay  # too many
@pytest.mark.integration
async def test_another_agents_calls_go_on_while_somebody_resets_calls_as_fast_as_they_can(world: World) -> None:
    agent, port = world.agent(), world.gateways[0].port
    async with attacking(resets(port)):
        found = await latencies(agent, 20)
    assert statistics.median(found) < 2_000
    await world.redis.flushall()  # thousands of records, which nobody needs explained


@pytest.mark.no_replay  # too many
@pytest.mark.integration
async def test_a_flood_of_one_agent_leaves_another_its_turn(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    agent, pipeline = world.agent(), world.gateways[0].pipeline
    found: dict[str, list[float]] = {"alone": await latencies(agent, 10), "in turn": [], "in one line": []}
    in_turn = pipeline._caller

    def in_one_line(run: CallRun) -> str:
        return ""

    async with attacking(*(floods(world.gateways[0].port) for _ in range(3))):
        await until(lambda: pipeline._gathering.busy, what="a busy gateway")
        for _ in range(3):  # interleaved, since the machine may have other things to do
            found["in turn"] += await latencies(agent, 4)
            pipeline._caller = in_one_line  # type: ignore[method-assign]
            found["in one line"] += await latencies(agent, 4)
            pipeline._caller = in_turn  # type: ignore[method-assign]
    middle = {how: statistics.median(each) for how, each in found.items()}
    with capsys.disabled():
        said = ", ".join(f"{how} {each:.0f} ms" for how, each in middle.items())
        print(f"\na call beside a flood of 750 at a time of another agent takes: {said}")  # noqa: T201
    await world.redis.flushall()
    # Which of the two is less, one run cannot say: gRPC's own queue, which comes before, is most of it.
    assert max(found["in turn"]) < 10_000


async def test_a_connection_is_told_how_many_streams_it_may_have_and_gets_no_more(world: World) -> None:
    def attack() -> tuple[int, set[int]]:
        with Attacker(world.gateways[0].port) as attacker:
            most = attacker.settings()[MAX_CONCURRENT_STREAMS]
            headers = head(METHOD, *KNOWN)
            numbers = [attacker.stream() for _ in range(most + 50)]
            for number in numbers:  # begun, and never ended
                attacker.send(frame(HEADERS, flags=END_HEADERS, stream=number, payload=headers))
            refused: set[int] = set()
            for got in attacker.frames():
                if got.kind == RST_STREAM:
                    refused.add(got.stream)
                if got.kind == GOAWAY or len(refused) == 50:
                    break
            return most, refused

    most, refused = await asyncio.to_thread(attack)
    assert most == MOST_STREAMS
    assert len(refused) in (0, 50)  # each of those too many, or the whole connection
    assert (await told(world.agent().contacts.GetContact(get(), metadata=credential("sales-bot")))).reason == ""


async def test_headers_beyond_measure_end_the_call_and_nothing_else(world: World) -> None:
    agent = world.agent()
    ended = await told(agent.contacts.GetContact(get(), metadata=credential("sales-bot", ("x-long", "a" * 40_000))))
    assert ended.code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
    assert (await told(agent.contacts.GetContact(get(), metadata=credential("sales-bot")))).reason == ""


@pytest.mark.parametrize("said", [b"", PREFACE[:10], PREFACE, PREFACE + b"\0\0"])
async def test_a_connection_that_never_gets_to_the_point_is_closed_and_others_are_served(said: bytes) -> None:
    quick = dict(BOUNDS) | {"grpc.server_handshake_timeout_ms": 300}

    def attack(port: int) -> list[bool]:
        attackers = [Attacker(port, greets=False) for _ in range(50)]
        try:
            for each in attackers:
                each.send(said)
            return [all(got.kind != HEADERS for got in each.frames()) for each in attackers]  # ends by their closing
        finally:
            for each in attackers:
                each.socket.close()

    async with (
        serving(lambda _: None, listen="127.0.0.1:0", names=(), drain_seconds=0, bounds=tuple(quick.items())) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        closing = asyncio.create_task(asyncio.to_thread(attack, port))
        stub = health_pb2_grpc.HealthStub(channel)
        await stub.Check(health_pb2.HealthCheckRequest(), timeout=20)
        assert await closing == [True] * 50


async def test_connections_beyond_the_bound_are_closed_at_once() -> None:
    few = dict(BOUNDS) | {"grpc.max_allowed_incoming_connections": 4}

    def attack(port: int) -> bool:
        attackers = [Attacker(port) for _ in range(4)]
        for each in attackers:
            each.settings()
        with Attacker(port) as late:
            refused = list(late.frames()) == []
        for each in attackers:
            each.socket.close()
        return refused

    async with serving(
        lambda _: None, listen="127.0.0.1:0", names=(), drain_seconds=0, bounds=tuple(few.items())
    ) as port:
        assert await asyncio.to_thread(attack, port)
