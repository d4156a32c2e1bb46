"""Facts are cached, and never longer than they are true."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.adapters.facts import CACHED_SUBJECTS, FactStore
from gateway.adapters.redis_cluster import opened
from gateway.adapters.redis_connection import StoreConnection
from gateway.core import keys
from gateway.core.call import UNKNOWN_SUBJECT, Facts
from gateway.core.errors import CallEnded, Reason
from gateway.redis_clients import Client, connected
from tests.adapters.conftest import PATIENT_MS, freeze, thaw, until
from tests.stores import Store

ACME, GLOBEX = keys.cell("acme"), keys.cell("globex")
KEY = keys.facts(ACME, "s")


class Desk:
    """A fact store, and another client that writes facts."""

    def __init__(self, url: str, redis: Client, connection: StoreConnection) -> None:
        self._url = url
        self.redis = redis
        self.connection = connection
        self.facts = FactStore(self.connection, self._listener)

    def _listener(self, server: str) -> Redis:
        retry = Retry(NoBackoff(), 1)
        return redis_clients.server(self._url, server, protocol=2, retry=retry, client_name="listener")

    async def write(self, language: str, key: str = KEY) -> None:
        await self.redis.set(key, f'{{"language":"{language}"}}')

    async def language(self, ref: str = "s") -> str:
        return (await self.facts.get(ACME, ref)).language

    async def caching(self) -> bool:
        """Whether a subject that was read is in the cache."""
        await self.facts.get(ACME, "probe")
        return self.cached("probe")

    def cached(self, ref: str) -> bool:
        return keys.facts(ACME, ref) in self.facts._cache

    async def says(self, language: str) -> bool:
        try:
            return await self.language() == language
        except CallEnded:
            return False


@pytest.fixture
async def desk(own_redis: Store) -> AsyncIterator[Desk]:
    redis = await connected(own_redis.url)
    desk = Desk(own_redis.url, redis, await opened(own_redis.url, timeout_ms=PATIENT_MS))
    desk.facts.listen([ACME])
    await until(desk.caching)
    yield desk
    await desk.facts.close()
    await desk.connection.close()
    await desk.redis.aclose()


async def test_facts_are_read_in_full(desk: Desk) -> None:
    await desk.redis.set(
        KEY, b'{"consents":{"email":true},"segments":["vip"],"scores":{"churn":0.5},"time_zone":"UTC"}'
    )
    facts = await desk.facts.get(ACME, "s")
    assert facts == Facts(consents={"email": True}, segments=("vip",), scores={"churn": 0.5}, time_zone="UTC")


async def test_of_whom_nothing_is_known_that_is_known_and_cached_too(desk: Desk) -> None:
    assert await desk.facts.get(ACME, "s") is UNKNOWN_SUBJECT
    assert desk.cached("s")
    await desk.write("fr")
    await until(lambda: desk.says("fr"))


async def test_a_write_is_seen_and_the_next_read_is_from_the_cache_again(desk: Desk) -> None:
    for language in ("fr", "en", "de"):
        await desk.write(language)
        await until(lambda language=language: desk.says(language))  # type: ignore[misc]
        await until(lambda: _kept(desk))


async def _kept(desk: Desk) -> bool:
    await desk.language()
    return desk.cached("s")


async def test_deleting_expiring_and_flushing_are_seen(desk: Desk) -> None:
    for forget in (desk.redis.delete(KEY), desk.redis.pexpire(KEY, 1), desk.redis.flushall()):
        await desk.write("fr")
        await until(lambda: desk.says("fr"))
        await forget
        await until(lambda: desk.says(""))


async def test_a_tenants_facts_are_not_anothers(desk: Desk) -> None:
    await desk.write("fr")
    assert (await desk.facts.get(keys.cell("other"), "s")) is UNKNOWN_SUBJECT


async def test_a_value_read_before_a_write_is_not_kept_after_it_though_others_read_meanwhile(desk: Desk) -> None:
    await desk.write("old")
    await until(lambda: desk.says("old"))
    desk.facts._forget([KEY.encode()])

    async def kept() -> bool:
        await desk.language()
        return desk.cached("s")

    early = asyncio.ensure_future(kept())
    await asyncio.sleep(0)  # it has asked by now
    # The invalidation overtakes the reply, which comes on another connection, and somebody else asks again.
    desk.facts._forget([KEY.encode()])
    late = asyncio.ensure_future(desk.language())
    assert not await early
    await late
    assert desk.facts._reading == {}


async def test_readers_that_give_up_leave_nothing_behind(desk: Desk) -> None:
    readers = [asyncio.ensure_future(desk.facts.get(ACME, f"r{n}")) for n in range(50)]
    await asyncio.sleep(0)
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)
    assert desk.facts._reading == {}


async def test_hundred_writers_and_readers_end_with_everybody_knowing_the_last_value(desk: Desk) -> None:
    async def write(n: int) -> None:
        await desk.write(f"v{n}")

    for n in range(100):
        await asyncio.gather(write(n), *(desk.language() for _ in range(10)))
    await until(lambda: desk.says("v99"))
    assert await desk.language() == "v99"


async def test_whoever_stands_for_a_person_first_does_so_for_good_and_nothing_else_is_lost(desk: Desk) -> None:
    await desk.redis.set(KEY, '{"language":"fr"}')
    await asyncio.gather(*(desk.facts.stand_for(ACME, "s", unit=f"{n:032x}") for n in range(100)))
    await until(desk.caching)
    facts = await desk.facts.get(ACME, "s")
    await desk.facts.stand_for(ACME, "s", unit="f" * 32)
    assert (await desk.facts.get(ACME, "s"), facts.language) == (facts, "fr")
    assert facts.unit.startswith("0")


async def test_of_whom_only_the_unit_is_known_nothing_is_known_to_rules(desk: Desk) -> None:
    await desk.facts.stand_for(ACME, "new", unit="a" * 32)
    facts = await desk.facts.get(ACME, "new")
    assert (facts.known, facts.unit) == (False, "a" * 32)


async def test_a_restart_of_the_store_empties_the_cache_and_caching_begins_anew(desk: Desk, own_redis: Store) -> None:
    await desk.write("old")
    await until(lambda: desk.says("old"))
    own_redis.kill()
    own_redis.start()
    await until(lambda: _written(desk, "new"))
    await until(lambda: desk.says("new"))
    await until(desk.caching)
    await desk.write("newest")
    await until(lambda: desk.says("newest"))


async def _written(desk: Desk, language: str) -> bool:
    try:
        await desk.write(language)
    except (RedisError, OSError):
        return False
    return True


async def test_when_the_listening_connection_is_cut_nothing_stale_is_served_afterwards(desk: Desk) -> None:
    for n in range(5):
        await until(desk.caching)
        await desk.redis.client_kill_filter(_type="pubsub")
        await desk.write(f"v{n}")
        await until(lambda n=n: desk.says(f"v{n}"))  # type: ignore[misc]


async def test_a_server_that_drops_idle_clients_does_not_silence_the_invalidations(desk: Desk) -> None:
    await until(desk.caching)
    clients = await desk.redis.client_list()
    ours = [client for client in clients if client["name"] == "listener"]
    assert [client["sub"] for client in ours] == ["1"]  # subscribers are never dropped for idling


async def test_a_server_that_falls_silent_is_no_longer_believed_after_a_second(own_redis: Store, desk: Desk) -> None:
    await desk.language()
    freeze(own_redis)
    async with asyncio.timeout(1):  # what was withdrawn meanwhile may be decided upon for so long
        await until(lambda: _forgotten(desk))
    thaw(own_redis)
    await until(desk.caching)


async def _forgotten(desk: Desk) -> bool:
    return not desk.cached("s")


async def test_a_revision_with_other_tenants_is_heard_for_them(desk: Desk) -> None:
    await desk.write("fr")
    await until(lambda: desk.says("fr"))
    desk.facts.listen([ACME, GLOBEX])
    desk.facts.listen([GLOBEX, ACME])
    await until(desk.caching)
    await desk.facts.get(GLOBEX, "s")
    await desk.write("de", keys.facts(GLOBEX, "s"))
    await until(lambda: _language_of(desk, GLOBEX, "de"))


async def _language_of(desk: Desk, cell: keys.Cell, language: str) -> bool:
    return (await desk.facts.get(cell, "s")).language == language


async def test_the_cache_has_an_end(desk: Desk) -> None:
    await asyncio.gather(*(desk.facts.get(ACME, str(n)) for n in range(CACHED_SUBJECTS + 10)))
    assert len(desk.facts._cache) == CACHED_SUBJECTS
    assert desk.cached(str(CACHED_SUBJECTS + 9))


async def test_damaged_facts_are_told_with_what_to_do_and_are_no_facts(desk: Desk) -> None:
    for stored in (b"{", b'{"consent":{}}', b"[]", b"\xff", b'{"language":"\xff"}'):
        await desk.redis.set(KEY, stored)
        desk.facts._forget(None)
        with pytest.raises(CallEnded) as caught:
            await desk.facts.get(ACME, "s")
        assert caught.value.reason is Reason.FACTS_DAMAGED
        assert "pilote facts import --replace-damaged" in caught.value.message


async def test_without_the_store_what_is_not_cached_cannot_be_read(desk: Desk, own_redis: Store) -> None:
    own_redis.kill()
    with pytest.raises(CallEnded) as caught:
        await desk.facts.get(ACME, "somebody")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
