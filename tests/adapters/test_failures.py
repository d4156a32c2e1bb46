"""Failures are added up exactly, whatever gateways write, and take bounded space."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.adapters import failures as module
from gateway.adapters.failures import RuleFailures, failures
from gateway.adapters.redis_cluster import opened
from gateway.adapters.redis_connection import StoreConnection, StoreDown
from gateway.core import keys
from gateway.core.record import RuleLook
from gateway.redis_clients import Client, connected
from tests.adapters.conftest import freeze, thaw, until
from tests.stores import Store

pytestmark = pytest.mark.every_store

BROKEN = (RuleLook(rule="fine", effect="allow"), RuleLook(rule="broken", effect="deny", error="a map has no such key"))


async def test_many_gateways_at_once_add_up(connection: StoreConnection, redis: Client) -> None:
    writers = [RuleFailures(connection) for _ in range(5)]
    for number in range(100):
        writers[number % 5].note("acme", BROKEN, revision=3, decision=f"{number:032x}", at_ms=1_000 + number)
    await asyncio.gather(*(each.close() for each in writers))
    (found,) = await failures(redis, "acme")
    assert (found.rule, found.count, found.first_ms, found.last_ms) == ("broken", 100, 1_000, 1_099)
    assert found.decision == f"{99:032x}"


async def test_an_earlier_failure_that_is_written_later_does_not_become_the_last(
    connection: StoreConnection, redis: Client
) -> None:
    for at_ms, decision in ((2_000, "b"), (1_000, "a")):
        writer = RuleFailures(connection)
        writer.note("acme", BROKEN, revision=at_ms, decision=decision, at_ms=at_ms)
        await writer.close()
    (found,) = await failures(redis, "acme")
    assert (found.count, found.first_ms, found.last_ms, found.decision, found.revision) == (2, 1_000, 2_000, "b", 2_000)


async def test_a_batch_whose_reply_was_lost_counts_once(connection: StoreConnection, redis: Client) -> None:
    writer = RuleFailures(connection)
    writer.note("acme", BROKEN, revision=1, decision="a", at_ms=1)
    (failure,) = writer._due.values()
    writer._due.clear()
    await writer._add("acme", [failure])
    writer._batch -= 1
    await writer._add("acme", [failure])
    await writer.close()
    assert [each.count for each in await failures(redis, "acme")] == [1]


async def test_of_too_many_rules_the_one_that_has_not_failed_for_longest_goes(
    connection: StoreConnection, redis: Client
) -> None:
    writer = RuleFailures(connection)
    for number in range(module.MOST_RULES + 2):
        look = RuleLook(rule=f"r{number}", effect="deny", error="e")
        writer.note("acme", (look,), revision=1, decision="a", at_ms=10_000 - number)
    await writer.close()
    assert int(await redis.hlen(keys.failures("acme"))) == module.MOST_RULES
    assert 0 < int(await redis.ttl(keys.failures("acme"))) <= module.KEPT_SECONDS


async def test_a_store_that_did_not_answer_gets_them_once_it_does(own_redis: Store) -> None:
    connection = await opened(own_redis.url, timeout_ms=50)
    redis = await connected(own_redis.url)
    writer = RuleFailures(connection)
    freeze(own_redis)
    writer.note("acme", BROKEN, revision=1, decision="a", at_ms=1)
    await until(_true_of(lambda: writer._batch == 1))
    with pytest.raises(StoreDown):  # sent after the batch, so that one was given up too
        await connection.send("GET", keys.failures("acme"))
    thaw(own_redis)
    await until(_true_of(lambda: writer._writing is None))
    await writer.close()
    assert [each.count for each in await failures(redis, "acme")] == [1]
    await connection.close()
    await redis.aclose()


def _true_of(holds: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return holds()

    return look


@pytest.mark.parametrize("looks", [(), (RuleLook(rule="fine", effect="allow"),)])
async def test_without_a_failure_nothing_is_written(
    connection: StoreConnection, redis: Client, looks: tuple[RuleLook, ...]
) -> None:
    writer = RuleFailures(connection)
    writer.note("acme", looks, revision=1, decision="a", at_ms=1)
    await writer.close()
    assert await failures(redis, "acme") == ()
