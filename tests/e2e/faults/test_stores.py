"""Stores that run out of memory or of disk, die, freeze, hand over to a replica, or hand a slot to another server."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from gateway.core import keys
from tests.e2e.faults.reconciling import Account, now_s, reconciled
from tests.e2e.faults.site import Site, site
from tests.e2e.processes import UNLIMITED, limit_files
from tests.e2e.waiting import eventually, until
from tests.stores import ClusterNode, ClusterProcesses, RedisProcess, ask, patient

Show = Callable[[Account], None]
pytestmark = pytest.mark.timeout(300)
EXPECTED = {"OK", "CAP_EXCEEDED", "STORE_UNAVAILABLE"}
CELL = keys.cell("acme", 0)


def _refused(its: Site) -> int:
    return sum(each.what == "STORE_UNAVAILABLE" for each in its.load.answers)


@pytest.mark.one_store
@pytest.mark.one_server
async def test_out_of_memory(own_redis: RedisProcess, tmp_path: Path, show: Show) -> None:
    """It refuses writes (`noeviction`) and forgets nothing; records wait on the gateways' disks."""
    async with site(own_redis, tmp_path) as its:
        async with its.load.running():
            await its.load.more(20)
            await its.world.redis.config_set("maxmemory", 1)
            await its.load.more(30)
            await its.world.redis.config_set("maxmemory", 0)
            lifted = now_s()
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted)
        show(account)
    assert {"OK", "STORE_UNAVAILABLE"} <= set(account.answers) <= EXPECTED
    assert account.doubtful == 0
    assert account.first_success_s < 1


@pytest.mark.integration
@pytest.mark.one_store
@pytest.mark.one_server
async def test_disk_of_the_store_full(own_redis: RedisProcess, tmp_path: Path, show: Show) -> None:
    """It refuses writes until its append-only file grows again."""
    async with site(own_redis, tmp_path) as its:
        async with its.load.running():
            await its.load.more(20)
            (process,) = own_redis.processes
            files = max(file.stat().st_size for file in own_redis.home.rglob("*.aof"))
            limit_files(process.pid, files + 20_000)
            await until(lambda: _refused(its) > 30, what="the store refuses")
            limit_files(process.pid, UNLIMITED)
            lifted = now_s()
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted)
        show(account)
    assert {"OK", "STORE_UNAVAILABLE"} <= set(account.answers) <= EXPECTED
    assert account.first_success_s < 5


@pytest.mark.integration
@pytest.mark.one_store
@pytest.mark.one_server
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_the_one_server(own_redis: RedisProcess, tmp_path: Path, show: Show, how: str) -> None:
    async with site(own_redis, tmp_path) as its:
        async with its.load.running():
            await its.load.more(20)
            own_redis.kill() if how == "killed" else own_redis.freeze()
            await its.load.more(40)
            if how == "killed":
                await asyncio.to_thread(own_redis.start)
            else:
                own_redis.thaw()
            lifted = now_s()
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted)
        show(account)
    assert {"OK", "STORE_UNAVAILABLE"} <= set(account.answers) <= EXPECTED
    assert account.first_success_s < 2


def _keeper(cluster: ClusterProcesses) -> ClusterNode:
    """The server that keeps the tenant's cell now."""
    slot = key_slot(CELL.encode())
    for node in cluster.nodes:
        if node.process is not None:
            for first, last, primary, *_ in ask(patient(node.url), "CLUSTER", "SLOTS"):
                if first <= slot <= last:
                    return next(each for each in cluster.nodes if each.port == primary[1])
    raise AssertionError("nobody keeps the slot")


@pytest.mark.integration
async def test_a_replica_takes_over(own_cluster: ClusterProcesses, tmp_path: Path, show: Show) -> None:
    """The tenant's primary dies for good. What the replica had not heard of yet, the gateways tell it."""
    killed = _keeper(own_cluster)
    await asyncio.to_thread(own_cluster.add_replica, of=killed)
    async with site(own_cluster, tmp_path) as its:
        async with its.load.running():
            await its.load.more(20)
            killed.kill()
            died = now_s()
            await until(lambda: _refused(its) > 10, what="callers hear of it")
            await its.load.until_well()
        account = await reconciled(its, lifted_s=died)
        show(account)
    assert {"OK", "STORE_UNAVAILABLE"} <= set(account.answers) <= EXPECTED
    assert account.last_failure_s < 15  # node timeout (2 s), election, and our look at who keeps what


async def _moved_by_hand(source: ClusterNode, target: ClusterNode, slot: int, others: tuple[ClusterNode, ...]) -> None:
    """As `redis-cli --cluster reshard` does: key by key, while calls go on."""
    one, two = patient(source.url), patient(target.url)
    ids = {node.port: ask(patient(node.url), "CLUSTER", "MYID").decode() for node in (source, target)}
    ask(two, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source.port])
    ask(one, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target.port])
    while names := ask(one, "CLUSTER", "GETKEYSINSLOT", slot, 10):
        ask(one, "MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *names)
        await asyncio.sleep(0)
    for node in (target, source, *others):
        ask(patient(node.url), "CLUSTER", "SETSLOT", slot, "NODE", ids[target.port])


async def _moved_at_once(source: ClusterNode, target: ClusterNode, slot: int, others: tuple[ClusterNode, ...]) -> None:
    """As Valkey 9 does by itself: copied beside the calls, then handed over in one moment."""
    del others
    client = patient(source.url)
    ask(
        client, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", ask(patient(target.url), "CLUSTER", "MYID")
    )

    async def over() -> bool | None:
        (newest, *_) = ask(client, "CLUSTER", "GETSLOTMIGRATIONS")
        state = newest[b"state"]
        assert state not in (b"failed", b"cancelled"), newest
        return state == b"success" or None

    await eventually(over, what="the slot has moved")


@pytest.mark.integration
@pytest.mark.parametrize("move", [_moved_by_hand, _moved_at_once])
async def test_a_slot_moves(own_cluster: ClusterProcesses, tmp_path: Path, show: Show, move: Any) -> None:
    """The slot of the tenant's cell goes to another server in the middle of calls."""
    source = _keeper(own_cluster)
    target, other = (node for node in own_cluster.nodes if node is not source)
    async with site(own_cluster, tmp_path) as its:
        async with its.load.running():
            await its.load.more(40)
            began = now_s()
            await move(source, target, key_slot(CELL.encode()), (other,))
            lifted = now_s()
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted)
        show(account)
    assert _keeper(own_cluster) is target
    assert set(account.answers) <= EXPECTED
    assert account.first_success_s < 1
    assert lifted - began < 10


@pytest.mark.integration
@pytest.mark.one_store
@pytest.mark.one_server
async def test_disk_of_a_gateway_full_while_the_store_is_away(
    own_redis: RedisProcess, tmp_path: Path, show: Show
) -> None:
    """Neither the store nor the disk takes records then: calls stay refused, and go through once the store is back."""
    async with site(own_redis, tmp_path) as its:
        async with its.load.running():
            await its.load.more(20)
            for worker in its.workers:
                limit_files(worker.pid, 1)
            own_redis.kill()
            await its.load.more(20)
            await asyncio.to_thread(own_redis.start)
            lifted = now_s()
            await its.load.until_well()
        refused = [each for each in its.load.answers if each.what == "STORE_UNAVAILABLE"]
        lost = {each.decision for each in refused} - (await its.world.kept()).keys()
        account = await reconciled(its, lifted_s=lifted, unrecorded=lost)
        show(account)
    assert {"OK", "STORE_UNAVAILABLE"} <= set(account.answers) <= EXPECTED
    assert 0 < len(lost) <= len(refused)  # what is lost is refusals, and nothing else
