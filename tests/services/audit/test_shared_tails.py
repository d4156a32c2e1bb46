"""Whoever follows decisions hears of all that are stored in a database, whichever process stores them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from redis.asyncio import Redis

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import audit_service_pb2 as pb
from pilote.audit.v1 import audit_service_pb2_grpc
from services.audit.postgres.store import PostgresStore
from services.audit.server import running
from services.audit.shared_tails import SharedTails
from services.audit.tails import Tail
from tests import postgres
from tests.postgres import PostgresProcess
from tests.services.audit.conftest import KEY, Stub, a_record, a_settlement, admit, an_id, append, settle
from tests.services.audit.kinds import Postgres
from tests.services.audit.test_log import admitted, copied, settled, told

pytestmark = [
    pytest.mark.skipif(postgres.programs() is None, reason="there is no PostgreSQL here"),
    pytest.mark.one_server,
]


@pytest.fixture
async def two(postgres_process: PostgresProcess) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two processes' stores in one database, which is empty."""
    database = Postgres(postgres_process)
    await database.new().close()
    # On a busy machine the other one's commit may take longer than the two seconds that a writer waits for it.
    both = PostgresStore(database.url, lock_ms=60_000), PostgresStore(database.url, lock_ms=60_000)
    yield both
    for store in both:
        await store.close()
    database.close()


async def taken(tails: SharedTails, tail: Tail) -> tuple[str, ...]:
    """What a follower is told by the next look; empty where that is nothing."""
    tail.put(["nothing more"])
    while await tails.step():
        pass
    return tuple(each for each in await tail.take(100_000) if each != "nothing more")


async def test_a_follower_hears_once_of_what_either_process_stores(two: tuple[PostgresStore, PostgresStore]) -> None:
    ours, theirs = two
    tails = SharedTails(ours.log)
    await theirs.write([admitted(0)])
    await tails.ready()
    with tails.follow() as tail:
        await theirs.write([admitted(1), copied(1), told(1)])
        await ours.write([admitted(1), admitted(2)])
        first = await taken(tails, tail)
        await theirs.write([settled(1), settled(2), settled(0), told(0)])
        second = await taken(tails, tail)
        await ours.write([settled(1), told(1)])  # known already

        assert first == (an_id(1), an_id(2))
        assert second == (an_id(1), an_id(2), an_id(0))
        assert await taken(tails, tail) == ()


async def test_whoever_comes_later_hears_of_nothing_that_was_stored_long_before(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    ours, theirs = two
    tails = SharedTails(ours.log)
    await theirs.write([admitted(number) for number in range(1_500)])
    await tails.step()
    await theirs.write([admitted(number) for number in range(1_500, 3_100)])
    await tails.step()  # nobody follows
    await tails.ready()
    with tails.follow() as tail:
        await theirs.write([admitted(number) for number in range(3_100, 6_000)])
        assert await taken(tails, tail) == tuple(an_id(number) for number in range(3_100, 6_000))


async def test_two_who_write_at_once_are_heard_completely(two: tuple[PostgresStore, PostgresStore]) -> None:
    tails, stop = SharedTails(two[0].log), asyncio.Event()
    await tails.ready()
    seen: list[str] = []

    async def write(store: PostgresStore, numbers: range) -> None:
        for start in numbers[::20]:
            await store.write([admitted(number) for number in range(start, start + 20)])

    async def look() -> None:
        while not stop.is_set():
            await tails.step()

    with tails.follow() as tail:
        async with asyncio.TaskGroup() as group:
            group.create_task(look())
            await asyncio.gather(write(two[0], range(400)), write(two[1], range(400, 800)))
            stop.set()
        seen += await taken(tails, tail)
    assert sorted(seen) == [an_id(number) for number in range(800)]


async def test_of_a_database_that_was_put_back_from_a_backup_new_decisions_are_told(
    two: tuple[PostgresStore, PostgresStore], postgres_process: PostgresProcess
) -> None:
    tails = SharedTails(two[0].log)
    await two[0].write([admitted(number) for number in range(10)])
    await tails.step()
    earlier = Postgres(postgres_process)
    store = earlier.new()
    await store.write([admitted(0)])
    tails._log = store.log
    with tails.follow() as tail:
        assert await taken(tails, tail) == ()
        await store.write([admitted(11)])
        assert await taken(tails, tail) == (an_id(11),)
    await store.close()
    earlier.close()


async def test_while_the_store_is_away_nobody_begins_to_follow(own_postgres: PostgresProcess) -> None:
    store = PostgresStore(own_postgres.url())
    tails = SharedTails(store.log)
    own_postgres.kill()
    with pytest.raises(CallEnded) as away:
        await tails.ready()
    await store.close()
    assert away.value.reason is Reason.STORE_UNAVAILABLE


async def test_a_service_tells_what_another_one_has_stored(
    redis: Redis, redis_url: str, own_postgres: PostgresProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with contextlib.AsyncExitStack() as stack:

        async def service() -> Stub:
            made = running(
                listen="127.0.0.1:0",
                redis_url=redis_url,
                home=tmp_path_factory.mktemp("home"),
                store_url=own_postgres.url(),
                pseudonym_key=KEY,
                drain_seconds=1,
            )
            port = await stack.enter_async_context(made)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
            stub: Stub = audit_service_pb2_grpc.AuditServiceStub(channel)
            return stub

        calls = [(await service()).TailDecisions(pb.TailDecisionsRequest(filter="agent = sales-bot")) for _ in "ab"]
        for call in calls:
            await call.initial_metadata()
        # Each entry is read by one of the two, whichever comes first.
        for number in range(40):
            await append(redis, admit(a_record(number)), settle(a_settlement(number)))
        async with asyncio.timeout(20):
            for call in calls:
                ended: set[str] = set()
                while len(ended) < 40:
                    answer: Any = await call.read()
                    if answer.decision.HasField("settle_time"):
                        ended.add(answer.decision.name)
                assert ended == {f"decisions/{an_id(number)}" for number in range(40)}
                call.cancel()
