"""Every gateway hears of every erasure, on one server and in a cluster, and the store's files are rewritten."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from gateway.core import keys
from gateway.records.erasures import KEPT_MS, Erasures
from gateway.redis_clients import Client, connected
from tests.e2e.waiting import eventually
from tests.stores import Store, files_below

pytestmark = pytest.mark.every_store
ADA, BOB, EVE = "a" * 32, "b" * 32, "e" * 32


class Heard:
    """What a gateway has heard."""

    def __init__(self) -> None:
        self.dropped: list[tuple[str, str]] = []

    def drop(self, tenant: str, subject_ref: str) -> None:
        self.dropped.append((tenant, subject_ref))

    async def until(self, *wanted: tuple[str, str]) -> None:
        """Wait until all of that was heard, ten seconds at most."""
        async with asyncio.timeout(10):
            while not set(wanted) <= set(self.dropped):  # noqa: ASYNC110 - it is told by another process
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def listening(url: str) -> AsyncIterator[Heard]:
    """A gateway that listens, over a connection of its own."""
    heard = Heard()
    async with await connected(url) as redis:
        task = asyncio.create_task(Erasures(redis).follow(heard.drop))
        try:
            yield heard
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_who_is_erased_is_told_to_all_who_listen_and_to_who_comes_later(redis: Client, redis_url: str) -> None:
    erasures = Erasures(redis)
    async with listening(redis_url) as one, listening(redis_url) as two:
        await erasures.announce([("acme", ADA), ("globex", ADA)], now_ms=1_000)
        for heard in (one, two):
            await heard.until(("acme", ADA), ("globex", ADA))
        await erasures.announce([("acme", BOB)], now_ms=1_001)
        await one.until(("acme", BOB))
        async with listening(redis_url) as late:
            await late.until(("acme", ADA), ("globex", ADA), ("acme", BOB))
        assert one.dropped.count(("acme", ADA)) == 1


async def test_who_is_erased_again_is_told_again(redis: Client, redis_url: str) -> None:
    erasures = Erasures(redis)
    async with listening(redis_url) as heard:
        await erasures.announce([("acme", ADA)], now_ms=1_000)
        await heard.until(("acme", ADA))
        await erasures.announce([("acme", ADA)], now_ms=2_000)
        await erasures.announce([("acme", EVE)], now_ms=2_000)
        await heard.until(("acme", EVE))
        assert heard.dropped.count(("acme", ADA)) == 2


async def test_erasures_that_no_gateway_needs_any_more_are_not_kept(redis: Client) -> None:
    erasures = Erasures(redis)
    await erasures.announce([("acme", ADA)], now_ms=1_000)
    await erasures.announce([("acme", BOB)], now_ms=1_000 + KEPT_MS)
    assert await redis.zrange(keys.ERASED, 0, -1) == [f"acme/{BOB}".encode()]


async def test_what_others_have_written_there_does_no_harm(redis: Client, redis_url: str) -> None:
    for member in (b"\xff\xfe", b"no-slash", b"a/b/c"):
        await redis.zadd(keys.ERASED, {member: 1})
    async with listening(redis_url) as heard:
        await Erasures(redis).announce([("acme", ADA)], now_ms=1_000)
        await heard.until(("acme", ADA))
    await redis.delete(keys.ERASED)
    await redis.set(keys.ERASED, "text")
    async with listening(redis_url) as heard:
        await redis.delete(keys.ERASED)
        await Erasures(redis).announce([("acme", ADA)], now_ms=1_000)
        await heard.until(("acme", ADA))


async def test_the_stores_files_are_rewritten(own_redis: Store) -> None:
    async with await connected(own_redis.url) as redis:
        await redis.set("{acme}secret", "what-is-deleted-4711")
        await redis.delete("{acme}secret")
        assert await Erasures(redis).rewrite_files()

        async def gone() -> bool | None:
            files = await asyncio.to_thread(files_below, own_redis.home)
            return not any(b"what-is-deleted-4711" in data for data in files.values()) or None

        assert await eventually(gone, what="nothing that was deleted is in a file")


async def test_a_store_without_such_files_has_nothing_to_rewrite(forgetful_redis: Store) -> None:
    async with await connected(forgetful_redis.url) as redis:
        assert await Erasures(redis).rewrite_files()


@pytest.mark.one_server  # whom to forbid it in a cluster, a client does not know
async def test_a_server_that_forbids_it_is_not_asked_again(own_redis: Store, caplog: pytest.LogCaptureFixture) -> None:
    async with await connected(own_redis.url) as redis:
        await redis.execute_command("ACL", "SETUSER", "default", "-bgrewriteaof")
        assert await Erasures(redis).rewrite_files()
        assert "lets us not rewrite" in caplog.text
