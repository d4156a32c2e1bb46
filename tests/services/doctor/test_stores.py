"""The doctor sees what is wrong with a real store, and says nothing wrong of one that is well."""

import asyncio

import pytest

from gateway.adapters import admission
from gateway.redis_clients import Client, connected
from services.doctor.observing import Grade, Observation
from services.doctor.stores import look_at_store
from tests.e2e.waiting import eventually
from tests.stores import ClusterProcesses, RedisProcess


async def seen(url: str) -> dict[str, Observation]:
    """What is seen of a store, by its key."""
    _, found = await look_at_store(url, store_timeout_ms=10_000)
    return {each.what: each for each in found}


async def load_functions(redis: Client) -> None:
    """What a gateway does as it starts."""
    _, source = admission.library()
    await redis.execute_command("FUNCTION", "LOAD", "REPLACE", source)


@pytest.mark.one_server
async def test_a_store_as_pilote_up_starts_it_is_well(own_redis: RedisProcess) -> None:
    async with await connected(own_redis.url) as redis:
        await load_functions(redis)
    found = await seen(own_redis.url)
    assert {each.grade for each in found.values()} == {Grade.GOOD}
    assert {"store-up", "store-keeps", "store-room", "store-functions", "store-quick"} <= found.keys()


@pytest.mark.one_server
async def test_what_loses_promises_is_bad(forgetful_redis: RedisProcess) -> None:
    async with await connected(forgetful_redis.url) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        await redis.config_set("maxmemory", "2500kb")
        for number in range(2_000):
            await redis.set(f"filler:{number}", b"x" * 1_000)
    found = await seen(forgetful_redis.url)
    for what in ("store-evicts", "store-evicted", "store-forgets", "store-full"):
        assert found[what].grade is Grade.BAD, what
    assert found["store-evicts"].values["policy"] == "allkeys-lru"
    assert found["store-functions-missing"].grade is Grade.WARNING


@pytest.mark.one_server
async def test_a_file_that_is_never_synced_is_a_warning(own_redis: RedisProcess) -> None:
    async with await connected(own_redis.url) as redis:
        await redis.config_set("appendfsync", "no")
    assert (await seen(own_redis.url))["store-never-syncs"].grade is Grade.WARNING


@pytest.mark.one_server
async def test_a_replica_is_told_from_a_primary(own_redis: RedisProcess) -> None:
    async with await connected(own_redis.url) as redis:
        await redis.replicaof("127.0.0.1", "1")
    assert (await seen(own_redis.url))["store-replica"].grade is Grade.BAD


@pytest.mark.one_server
async def test_a_wrong_password_is_no_store_that_is_away(own_redis: RedisProcess) -> None:
    async with await connected(own_redis.url) as redis:
        await redis.execute_command("ACL", "SETUSER", "eve", "on", ">swordfish", "~*", "&*", "+ping")
        await redis.config_set("requirepass", "another")
        found = await seen(own_redis.url.replace("unix://", "unix://eve:swordfish@"))
        assert [*found] == ["store-denied"]
        assert [*(await seen(own_redis.url))] == ["store-denied"]
        assert "swordfish" not in str(found)


@pytest.mark.one_server
async def test_a_store_that_is_away_or_hangs_is_told_in_time(own_redis: RedisProcess) -> None:
    assert [*(await seen("redis://127.0.0.1:1"))] == ["store-down"]
    assert [*(await seen("nonsense://"))] == ["store-url"]
    own_redis.freeze()
    async with asyncio.timeout(15):
        assert [*(await seen(own_redis.url))] == ["store-down"]


async def test_a_cluster_that_has_lost_a_server_is_not_covered(own_cluster: ClusterProcesses) -> None:
    addresses, before = await look_at_store(own_cluster.url, store_timeout_ms=10_000)
    assert len(addresses) == 3
    assert [each.grade for each in before if each.what == "cluster-covered"] == [Grade.GOOD]
    own_cluster.nodes[2].kill()

    async def uncovered() -> dict[str, Observation] | None:
        found = await seen(own_cluster.url)
        return found if "cluster-uncovered" in found else None  # the others must notice first

    found = await eventually(uncovered, what="a cluster that is not covered")
    assert found["cluster-uncovered"].grade is Grade.BAD
    assert int(found["cluster-uncovered"].values["missing"]) == 16_384 - 10_923
    assert str(found["store-down"].values["address"]).endswith(f":{own_cluster.nodes[2].port}")
