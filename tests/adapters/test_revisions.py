"""Publishing and following revisions."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import PeopleAsked, Published, RevisionConflict, RevisionStore
from gateway.core.errors import CallEnded, Reason
from gateway.core.movement import NotOnlyMoved, rollouts_in
from gateway.redis_clients import Client, connected
from tests.adapters.conftest import freeze, thaw
from tests.policies import policy
from tests.stores import Store

pytestmark = pytest.mark.every_store


def published(author: str) -> Published:
    return Published(sha256="0" * 64, author=author, created_ms=1, reason="why", document=msgspec.Raw(b'{"a":1}'))


class Follower:
    """Notes the revisions it is given; fails the first `failures` times as a store that is down does."""

    def __init__(self, store: RevisionStore, *, failures: int = 0) -> None:
        self.seen: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self._failures = failures
        self.task = asyncio.ensure_future(store.follow(self._swap))

    async def _swap(self, number: int, revision: Published) -> None:
        if self._failures:
            self._failures -= 1
            raise CallEnded(Reason.STORE_UNAVAILABLE, "")
        self.seen.put_nowait((number, revision.author))

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    async def next(self) -> tuple[int, str]:
        async with asyncio.timeout(5):
            return await self.seen.get()


@pytest.fixture
async def store(redis: Client) -> RevisionStore:
    return RevisionStore(redis)


@pytest.fixture
async def follower(store: RevisionStore) -> AsyncIterator[Follower]:
    follower = Follower(store)
    yield follower
    await follower.close()


async def test_revisions_are_numbered_and_stay_readable(store: RevisionStore) -> None:
    assert await store.active() == 0
    assert [await store.publish(published(author)) for author in ("ada", "eve")] == [1, 2]
    assert await store.active() == 2
    first = await store.read(1)
    assert first is not None
    assert (first.author, bytes(first.document)) == ("ada", b'{"a":1}')
    assert await store.read(3) is None


async def test_of_two_who_publish_at_once_the_second_learns_of_the_first(store: RevisionStore) -> None:
    results = await asyncio.gather(
        *(store.publish(published(str(n)), expected=0) for n in range(20)), return_exceptions=True
    )
    assert results.count(1) == 1
    assert [error.active for error in results if isinstance(error, RevisionConflict)] == [1] * 19
    assert await store.publish(published("next"), expected=1) == 2


async def test_a_follower_gets_what_is_active_and_then_every_change_within_a_second(
    store: RevisionStore, follower: Follower
) -> None:
    for number in range(1, 4):
        await store.publish(published(f"a{number}"))
        async with asyncio.timeout(1):
            assert await follower.seen.get() == (number, f"a{number}")


async def test_an_announcement_that_was_lost_is_made_up_for_by_the_poll(
    store: RevisionStore, follower: Follower, redis: Client
) -> None:
    body = msgspec.json.encode(published("silent"))
    await redis.hset(f"{store._all}", "9", body)
    await redis.set(store._active, "9")
    async with asyncio.timeout(1):
        assert await follower.seen.get() == (9, "silent")


async def test_another_revision_under_the_same_number_is_taken_too(
    store: RevisionStore, follower: Follower, redis: Client
) -> None:
    await store.publish(published("ada"))
    assert await follower.next() == (1, "ada")
    await redis.flushall()  # as a store that was restored from an older copy
    await store.publish(published("eve"))
    assert await follower.next() == (1, "eve")


async def test_a_swap_that_found_the_store_down_is_tried_again(store: RevisionStore) -> None:
    await store.publish(published("ada"))
    follower = Follower(store, failures=2)
    assert await follower.next() == (1, "ada")
    await follower.close()


async def test_while_the_store_is_down_the_follower_waits_and_then_goes_on(own_redis: Store) -> None:
    async with await connected(own_redis.url, socket_timeout=0.1, socket_connect_timeout=0.1) as redis:
        store = RevisionStore(redis)
        follower = Follower(store)
        await store.publish(published("ada"))
        assert await follower.next() == (1, "ada")
        freeze(own_redis)
        await asyncio.sleep(0.3)  # longer than its timeout: it has asked in vain by now
        thaw(own_redis)
        await store.publish(published("eve"))
        assert await follower.next() == (2, "eve")
        own_redis.kill()
        own_redis.start()
        async with await connected(own_redis.url) as other:
            number = await RevisionStore(other).publish(published("bob"))
        assert await follower.next() == (number, "bob")
        await follower.close()


WITH_ROLLOUT = canonical(
    load(
        policy(
            routes=[
                {
                    "name": "crm",
                    "methods": ["/pilote.*"],
                    "arms": [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm", "weight": 0}],
                }
            ],
            rollouts=[{"name": "up", "route": "crm", "arm": "new", "against": "old"}],
        )
    ).document
)


def with_rollout() -> Published:
    return msgspec.structs.replace(published("ada"), document=msgspec.Raw(WITH_ROLLOUT))


async def test_every_revision_says_what_it_was_made_from_and_the_statements_form_a_chain(store: RevisionStore) -> None:
    await store.publish(with_rollout())
    await store.publish(published("eve"))
    entries = await store.entries((1, 2, 3))
    assert [(entry.statement.base, entry.statement.author) for entry in entries.values()] == [(0, "ada"), (1, "eve")]
    assert entries[2].statement.base_sha256 == entries[1].statement.sha256


async def test_publishing_without_an_expectation_always_builds_on_what_is_active(store: RevisionStore) -> None:
    numbers = await asyncio.gather(*(store.publish(published(str(n))) for n in range(20)))
    assert sorted(numbers) == list(range(1, 21))
    entries = await store.entries(range(1, 21))
    assert [entry.statement.base for entry in entries.values()] == list(range(20))


async def test_a_rollout_moves_by_a_revision_with_its_reason_and_nothing_else_can_change(store: RevisionStore) -> None:
    await store.publish(with_rollout())
    rollout = msgspec.structs.replace(rollouts_in(WITH_ROLLOUT)[0], state="running", since_ms=5, reason="started")
    assert await store.advance(rollout, base=1, reason="up: started", now_ms=5) == 2
    now = await store.read(2)
    assert now is not None
    assert (rollouts_in(bytes(now.document)), now.reason) == ((rollout,), "up: started")
    entry = await store.entry(2)
    assert entry is not None
    assert (entry.statement.how, entry.statement.base) == ("rollout", 1)
    with pytest.raises(NotOnlyMoved):
        await store.advance(msgspec.structs.replace(rollout, alpha=0.4), base=2, reason="", now_ms=6)
    with pytest.raises(NotOnlyMoved):
        await store.advance(msgspec.structs.replace(rollout, name="none"), base=2, reason="", now_ms=6)
    assert await store.active() == 2


async def test_of_many_controllers_that_move_a_rollout_at_once_one_does(store: RevisionStore) -> None:
    await store.publish(with_rollout())
    rollout = msgspec.structs.replace(rollouts_in(WITH_ROLLOUT)[0], state="running")
    moves = [store.advance(rollout, base=1, reason="up", now_ms=n) for n in range(30)]
    results = await asyncio.gather(*moves, return_exceptions=True)
    assert results.count(2) == 1
    assert [error.active for error in results if isinstance(error, RevisionConflict)] == [2] * 29


async def test_nothing_unsigned_is_published_where_a_policy_names_people(store: RevisionStore) -> None:
    people = b'{"people":[{"name":"ada","public_key":"ed25519:%s"}]}' % (b"a" * 64)
    with pytest.raises(PeopleAsked):
        await store.publish(msgspec.structs.replace(published("ada"), document=msgspec.Raw(people)))
    assert await store.active() == 0
