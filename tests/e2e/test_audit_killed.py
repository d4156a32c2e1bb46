"""The audit service and the store are killed in the middle of load and of sealing: each decision is kept, and once."""

import asyncio
import random
from pathlib import Path

import pytest

from gateway.core.record import decision_id
from gateway.redis_clients import connected
from services.audit.filters.filter import parse
from services.audit.sqlite.segments.hours import HOUR_MS
from services.audit.sqlite.store import SqliteStore
from tests.e2e.processes import Process, environment
from tests.e2e.waiting import eventually, until
from tests.services.audit.conftest import NOW_MS, a_record, a_settlement, admit, append, settle
from tests.services.ports import free
from tests.stores import Store

COUNT = 6_000
ROUND = 1_000


def _id(number: int) -> str:
    return decision_id(now_ms=NOW_MS - number % 5 * HOUR_MS + number, random=number.to_bytes(10))


def _decision(number: int) -> list[dict[str, bytes]]:
    at_ms = NOW_MS - number % 5 * HOUR_MS + number
    record = a_record(
        keep_days=36_500, id=_id(number), received_ms=at_ms, decided_ms=at_ms, expires_ms=at_ms + 30_000, route="crm"
    )
    return [admit(record), settle(a_settlement(id=_id(number), settled_ms=at_ms + 5))]


@pytest.mark.timeout(180)
async def test_whatever_dies_while_hours_are_sealed_each_decision_is_kept_once(
    own_redis: Store, tmp_path: Path
) -> None:
    (port,) = free(1)
    (tmp_path / "pseudonym.key").write_bytes(b"k" * 32)
    variables = environment(
        PILOTE_HOME=str(tmp_path),
        PILOTE_REDIS_URL=own_redis.url,
        PILOTE_AUDIT_LISTEN=f"127.0.0.1:{port}",
        PILOTE_METRICS_LISTEN="off",
        PILOTE_PSEUDONYM_KEY_FILE=str(tmp_path / "pseudonym.key"),
        # Every hour of the test is over, and sealed and cold as soon as nothing in it runs.
        PILOTE_AUDIT_SEAL_MINUTES="0",
        PILOTE_AUDIT_HOT_HOURS="0",
    )
    audit, draw = Process("services.cli", "audit", environment=variables), random.Random(3)  # noqa: S311
    redis = await connected(own_redis.url)
    await redis.config_set("appendfsync", "always")

    async def all_read() -> bool | None:
        groups = await redis.xinfo_groups("pilote:{acme/0}:decisions")
        return (groups != [] and all(each["lag"] == 0 for each in groups)) or None

    async def all_written() -> bool | None:
        groups = await redis.xinfo_groups("pilote:{acme/0}:decisions")
        done = [each["lag"] == 0 and each["pending"] == 0 for each in groups]
        return (done != [] and all(done)) or None  # no group: it has not looked at the stream yet

    for start in range(0, COUNT, ROUND):
        audit.start()
        for number in range(start, start + ROUND, 50):
            await append(redis, *(entry for each in range(number, number + 50) for entry in _decision(each)))
        if start % (2 * ROUND) == 0:  # a busy machine may take longer to start it than it is let live elsewhere
            await eventually(all_read, what="every entry read", within=60)
        await asyncio.sleep(1 + 3 * draw.random())  # at any moment of starting, writing and sealing
        audit.kill()
        if start == COUNT // 2:
            own_redis.kill()
            await redis.aclose()
            own_redis.start()
            redis = await connected(own_redis.url)
    audit.start()
    sealed = tmp_path / "audit" / "sealed"

    await eventually(all_written, what="every entry written", within=60)
    await until(lambda: any(sealed.glob("*.parquet")), what="an hour is sealed", within=60)
    audit.kill()
    await redis.aclose()
    store = SqliteStore(tmp_path)
    await store.mark_in_doubt(now_ms=NOW_MS + HOUR_MS)
    seen: list[str] = []
    while page := await store.page(parse(""), now_ms=NOW_MS, before=seen[-1] if seen else "", size=1_000):
        seen += [each.record.id for each in page]
    counts = await store.counts("", start_ms=0, end_ms=1 << 53)
    size, count, unreadable = await store.log.size(), await store.count(), store.unreadable
    settled = await store.span(parse("state = SETTLED"), now_ms=NOW_MS)
    await store.close()

    assert seen == sorted((_id(number) for number in range(COUNT)), reverse=True)
    assert (count, sum(each.decisions for each in counts), settled[0], size) == (COUNT, COUNT, COUNT, 2 * COUNT)
    assert unreadable == ()
    assert list(sealed.glob("*.parquet"))
