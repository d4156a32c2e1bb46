"""One server of a cluster killed in the middle of calls: only calls of its cells fail, nothing is lost or doubled."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from redis.crc import key_slot

from gateway.core import keys
from gateway.core.cells import cell_of
from gateway.core.record import subject_ref
from gateway.redis_clients import connected, primaries
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from tests.e2e.policy import cap, policy
from tests.e2e.requests import send
from tests.e2e.waiting import eventually, until
from tests.e2e.world import KEY, Told, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.stores import ClusterProcesses

SALES = credential("sales-bot")
CELLS = 12


@pytest.fixture
async def world(own_cluster: ClusterProcesses, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[World]:
    """Two gateways on a cluster that the test may hurt, and a tenant with a dozen cells."""
    async with contextlib.AsyncExitStack() as stack:
        redis = await connected(own_cluster.url)
        stack.push_async_callback(redis.aclose)
        world = World(redis, own_cluster.url, tmp_path, stack)
        for _ in range(2):
            await world.gateway()
        await world.publish(policy(upstream.address, tenants=[{"name": "acme", "cells": CELLS}], caps=[cap(3)]))
        yield world
        assert await world.seen.leaks() == []


async def keepers(url: str) -> dict[int, str]:
    """The server that keeps each cell."""
    slots = {n: key_slot(keys.cell("acme", n).encode()) for n in range(CELLS)}
    kept = await primaries(url)
    return {
        n: next(server for server, ranges in kept.items() if any(first <= slot <= last for first, last in ranges))
        for n, slot in slots.items()
    }


async def test_a_server_killed_in_the_middle_of_calls_fails_those_of_its_cells_only_and_loses_or_doubles_nothing(
    world: World, own_cluster: ClusterProcesses, upstream: FakeUpstream
) -> None:
    of_cell = await keepers(own_cluster.url)
    assert len(set(of_cell.values())) == 3
    killed = own_cluster.nodes[2]

    def lost(customer: str) -> bool:
        ref = subject_ref(KEY, tenant="acme", subject=customer)
        return of_cell[cell_of(CELLS, ref)].endswith(f":{killed.port}")

    agents = [world.agent(each) for each in world.gateways]
    ended: list[tuple[str, Told]] = []
    stop = asyncio.Event()

    async def calling(n: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            customer = f"contacts/c-{n}-{turn // 5}"
            answer = await told(agents[n % 2].messages.SendMessage(send(customer), metadata=SALES))
            ended.append((customer, answer))

    def refused_since(count: int) -> int:
        return sum(each.reason == "STORE_UNAVAILABLE" for _, each in ended[count:])

    async with asyncio.TaskGroup() as group:
        for n in range(16):
            group.create_task(calling(n))
        await until(lambda: len(ended) > 200, what="load")
        before = len(ended)
        killed.kill()
        await until(lambda: refused_since(before) > 20, what="callers hear of it")
        await until(lambda: len(ended) > before + 300, what="the rest goes on")
        await asyncio.to_thread(own_cluster.mend)
        again = len(ended)

        def well() -> bool:
            return len(ended) > again + 200 and refused_since(len(ended) - 100) == 0

        await until(well, what="all is well again")
        stop.set()

    assert {each.reason for _, each in ended} == {"", "CAP_EXCEEDED", "STORE_UNAVAILABLE"}
    refused = [(customer, each) for customer, each in ended if each.reason == "STORE_UNAVAILABLE"]
    assert {lost(customer) for customer, _ in refused} == {True}
    assert {each.code for _, each in refused} == {grpc.StatusCode.UNAVAILABLE}
    assert all(each.detail(details.RetryInfo) for _, each in refused)

    reached = Counter(SendMessageRequest.FromString(each).message.customer for each in upstream.messages)
    assert max(reached.values()) <= 3
    async with auditing(world.redis_url, world.home / "audit") as auditor:

        async def all_recorded() -> bool | None:
            found = await auditor.listed()
            missing = {each.decision for _, each in ended} - {each.name.removeprefix("decisions/") for each in found}
            return (not missing and all(each.settle_time.seconds for each in found)) or None

        assert await eventually(all_recorded, what="every call is recorded and settled")

    async def counted() -> bool | None:
        return await world.taken() == len(upstream.messages) or None

    assert await eventually(counted, what="what was not sent is given back")
    spools = [file for each in world.home.glob("gateway-*") for file in (each / "spool").iterdir()]
    assert [file for file in spools if file.stat().st_size] == []
