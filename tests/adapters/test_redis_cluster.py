"""Every key of a cluster finds its server, wherever it moves; a server that is away takes only its own with it."""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from gateway.adapters.facts import FactStore
from gateway.adapters.redis_cluster import ClusterConnection, opened
from gateway.adapters.redis_connection import CommandRefused, RedisConnection, StoreConnection, StoreDown
from gateway.core import keys
from gateway.redis_clients import client, primaries, server
from tests.adapters.conftest import PATIENT_MS, until
from tests.conftest import RedisProcess
from tests.stores import ClusterNode, ClusterProcesses, ask, patient

KEYS = tuple(f"k{n}" for n in range(60))
HASTY_MS = 100


@pytest.fixture(scope="module")
def mended() -> Iterator[ClusterProcesses]:
    home = Path(tempfile.mkdtemp(prefix="pilote-"))
    cluster = ClusterProcesses(home, append_only=True)
    cluster.start()
    yield cluster
    cluster.kill()
    shutil.rmtree(home)


@pytest.fixture
def shared_cluster(mended: ClusterProcesses) -> ClusterProcesses:
    """A cluster that a test may hurt: it takes two seconds to make a new one, so it is mended before the next."""
    mended.mend()
    for node in mended.nodes:
        ask(patient(node.url), "FLUSHALL")
    return mended


@pytest.fixture
async def cluster(shared_cluster: ClusterProcesses) -> AsyncIterator[ClusterConnection]:
    """A connection that gives up early, to a cluster that may be hurt."""
    connection = ClusterConnection(shared_cluster.url, timeout_ms=HASTY_MS)
    await connection.open()
    yield connection
    await connection.close()


@pytest.fixture
async def patient_cluster(own_cluster: ClusterProcesses) -> AsyncIterator[ClusterConnection]:
    connection = ClusterConnection(own_cluster.url, timeout_ms=PATIENT_MS)
    await connection.open()
    yield connection
    await connection.close()


def of(node: ClusterNode, connection: ClusterConnection) -> list[str]:
    """Those of `KEYS` that this server keeps."""
    return [key for key in KEYS if connection.server_of(key).endswith(f":{node.port}")]


async def reply(connection: StoreConnection, *command: str) -> Any:
    """The reply, or the exception's type."""
    try:
        return await connection.send(*command)
    except (StoreDown, CommandRefused) as error:
        return type(error)


async def answers(connection: ClusterConnection, names: list[str]) -> bool:
    return all([await reply(connection, "GET", name) is not StoreDown for name in names])


def node_id(node: ClusterNode) -> str:
    told: bytes = ask(patient(node.url), "CLUSTER", "MYID")
    return told.decode()


@pytest.mark.one_server
async def test_the_server_says_whether_it_is_one_of_a_cluster(
    own_redis: RedisProcess, shared_cluster: ClusterProcesses
) -> None:
    for url, kind in ((own_redis.url, RedisConnection), (shared_cluster.url, ClusterConnection)):
        connection = await opened(url, timeout_ms=PATIENT_MS)
        assert type(connection) is kind
        await connection.close()


async def test_commands_of_one_turn_find_their_servers_and_get_their_own_replies(
    cluster: ClusterConnection, shared_cluster: ClusterProcesses
) -> None:
    assert all(of(node, cluster) for node in shared_cluster.nodes)
    await asyncio.gather(*(cluster.send("SET", f"k{n}", n) for n in range(300)))
    assert await asyncio.gather(*(cluster.send("GET", f"k{n}") for n in range(300))) == [
        str(n).encode() for n in range(300)
    ]


async def test_what_a_server_refuses_fails_alone(cluster: ClusterConnection) -> None:
    await cluster.send("SET", "k", "text")
    assert [await reply(cluster, "LPUSH", "k", "x"), await reply(cluster, "GET", "k")] == [CommandRefused, b"text"]


async def test_a_key_that_has_moved_is_followed_at_once(
    cluster: ClusterConnection, shared_cluster: ClusterProcesses
) -> None:
    one, two, three = shared_cluster.nodes
    key = of(one, cluster)[0]
    moves: list[None] = []
    cluster.on_move(lambda: moves.append(None))
    for node in (two, one, three):  # the new owner first
        ask(patient(node.url), "CLUSTER", "SETSLOT", key_slot(key.encode()), "NODE", node_id(two))
    assert await cluster.send("SET", key, "here") == b"OK"
    assert cluster.server_of(key).endswith(f":{two.port}")
    assert moves
    assert ask(patient(two.url), "GET", key) == b"here"
    assert await cluster.send("GET", key) == b"here"


async def test_a_key_on_its_way_to_another_server_is_asked_for_there(
    cluster: ClusterConnection, shared_cluster: ClusterProcesses
) -> None:
    one, two, _ = shared_cluster.nodes
    key, slot = of(one, cluster)[0], key_slot(of(one, cluster)[0].encode())
    ask(patient(two.url), "CLUSTER", "SETSLOT", slot, "IMPORTING", node_id(one))
    ask(patient(one.url), "CLUSTER", "SETSLOT", slot, "MIGRATING", node_id(two))
    assert await cluster.send("SET", key, "there") == b"OK"
    assert await cluster.send("GET", key) == b"there"
    assert cluster.server_of(key).endswith(f":{one.port}")  # until the move is over
    ask(patient(one.url), "CLUSTER", "SETSLOT", slot, "STABLE")
    assert await cluster.send("GET", key) is None


async def test_a_server_that_falls_silent_takes_only_its_own_keys_with_it_and_is_taken_back(
    cluster: ClusterConnection, shared_cluster: ClusterProcesses
) -> None:
    silent, *others = shared_cluster.nodes
    assert silent.process is not None
    lost, kept = of(silent, cluster), [key for node in others for key in of(node, cluster)]
    silent.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    assert await reply(cluster, "GET", lost[0]) is StoreDown
    assert time.monotonic() - began < 20 * HASTY_MS / 1000
    began = time.monotonic()
    assert {await reply(cluster, "GET", key) for key in lost * 20} == {StoreDown}
    assert time.monotonic() - began < 20 * HASTY_MS / 1000  # the breaker is open: nobody waits, else each would
    await until(lambda: answers(cluster, kept))  # not at once where the machine is busy, for these are hasty too
    silent.process.send_signal(signal.SIGCONT)
    await until(lambda: answers(cluster, lost))


async def test_a_server_that_is_killed_takes_only_its_own_keys_with_it_and_is_found_again(
    cluster: ClusterConnection, shared_cluster: ClusterProcesses
) -> None:
    ups: list[None] = []
    cluster.on_up(lambda: ups.append(None))
    killed, *others = shared_cluster.nodes
    lost, kept = of(killed, cluster), [key for node in others for key in of(node, cluster)]
    await cluster.send("SET", lost[0], "safe")
    killed.kill()
    await until(lambda: _down(cluster, lost[0]))
    assert await answers(cluster, kept)
    await cluster.everywhere("PING")  # those that are down are passed over
    killed.start()
    await until(lambda: answers(cluster, lost))
    assert ups
    assert await cluster.send("GET", lost[0]) == b"safe"


async def _down(connection: ClusterConnection, key: str) -> bool:
    return await reply(connection, "GET", key) is StoreDown


@pytest.mark.integration
async def test_a_replica_that_takes_over_is_found(
    own_cluster: ClusterProcesses, patient_cluster: ClusterConnection
) -> None:
    killed, cluster = own_cluster.nodes[0], patient_cluster
    own_cluster.add_replica(of=killed)
    lost = of(killed, cluster)
    await cluster.send("SET", lost[0], "copied")

    async def copied() -> bool:
        return bool(await cluster.beside(lost[0], "WAIT", 1, HASTY_MS // 2) == 1)

    await until(copied)
    killed.kill()
    await until(lambda: _down(cluster, lost[0]))
    await until(lambda: answers(cluster, lost))
    assert await cluster.send("GET", lost[0]) == b"copied"
    assert not cluster.server_of(lost[0]).endswith(f":{killed.port}")


async def test_the_first_server_of_the_url_that_answers_is_enough(shared_cluster: ClusterProcesses) -> None:
    shared_cluster.nodes[0].kill()
    connection = await opened(shared_cluster.url, timeout_ms=HASTY_MS)
    assert len(connection.servers) == 3
    await connection.close()
    assert len(await primaries(shared_cluster.url)) == 3
    async with client(shared_cluster.url, cluster=True) as redis:
        key = next(key for key in KEYS if key_slot(key.encode()) > 6000)
        assert await redis.set(key, "x")


async def test_without_any_server_opening_fails(shared_cluster: ClusterProcesses) -> None:
    shared_cluster.kill()
    with pytest.raises(StoreDown):
        await opened(shared_cluster.url, timeout_ms=HASTY_MS)
    with pytest.raises(StoreDown):
        await ClusterConnection(shared_cluster.url, timeout_ms=HASTY_MS).open()


async def test_when_no_server_answers_nothing_was_done_everywhere(
    cluster: ClusterConnection, shared_cluster: ClusterProcesses
) -> None:
    shared_cluster.kill()
    with pytest.raises(StoreDown):
        await cluster.everywhere("PING")


async def test_facts_are_heard_from_every_server_also_after_their_slot_has_moved(
    shared_cluster: ClusterProcesses, cluster: ClusterConnection
) -> None:
    cells = [keys.cell("acme", n) for n in range(12)]
    assert len({cluster.server_of(keys.facts(cell, "s")) for cell in cells}) == 3
    facts = FactStore(cluster, lambda name: server(shared_cluster.url, name, protocol=2))
    facts.listen(cells)

    async def cached(cell: keys.Cell) -> bool:
        await facts.get(cell, "s")
        return keys.facts(cell, "s") in facts._cache

    async def says(cell: keys.Cell, language: str) -> bool:
        return (await facts.get(cell, "s")).language == language

    async with client(shared_cluster.url, cluster=True) as redis:
        for language in ("fr", "en"):
            for cell in cells:
                await until(lambda cell=cell: cached(cell))  # type: ignore[misc]
                await redis.set(keys.facts(cell, "s"), f'{{"language":"{language}"}}')
                await until(lambda cell=cell, language=language: says(cell, language))  # type: ignore[misc]
        moved = cells[0]
        to = next(
            n for n in shared_cluster.nodes if not cluster.server_of(keys.facts(moved, "s")).endswith(f":{n.port}")
        )
        await redis.delete(keys.facts(moved, "s"))
        for node in (to, *shared_cluster.nodes):
            ask(patient(node.url), "CLUSTER", "SETSLOT", key_slot(moved.encode()), "NODE", node_id(to))
        await redis.set(keys.facts(moved, "s"), '{"language":"de"}')
        await until(lambda: says(moved, "de"))
        await until(lambda: cached(moved))
        await redis.set(keys.facts(moved, "s"), '{"language":"it"}')
        await until(lambda: says(moved, "it"))
    await facts.close()
