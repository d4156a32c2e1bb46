"""An audit service that dies, has no disk, or was away for an hour: calls go on, and it catches up without a gap."""

import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import pytest

from gateway.core import keys
from gateway.core.record import decision_id
from gateway.redis_clients import connected
from tests.e2e.audit_process import AuditProcess
from tests.e2e.faults.reconciling import Account, now_s, reconciled
from tests.e2e.faults.site import Site, site
from tests.e2e.processes import UNLIMITED, limit_files
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor
from tests.services.audit.conftest import a_record, a_settlement, admit, append, settle
from tests.stores import RedisProcess

Show = Callable[[Account], None]
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.one_store, pytest.mark.one_server]
HOUR_MS = 3_600_000
PER_SECOND = 10
"""Calls a second of the hour in which nobody wrote."""


@contextlib.asynccontextmanager
async def _auditing(its: Site) -> AsyncIterator[tuple[AuditProcess, Auditor]]:
    """The audit service of the site, as a process that has read all there is, and one who asks it."""
    process = AuditProcess(its.world.home / "audit-process", redis_url=its.world.redis_url)
    process.start()
    try:
        await process.until_it_is("SERVING", within=90)
        options = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 200))
        async with grpc.aio.insecure_channel(process.address, options=options) as channel:
            yield process, Auditor(channel)
    finally:
        process.kill()


async def _behind(its: Site) -> int:
    """Entries of the stream that the audit service has not stored."""
    (group,) = [
        each
        for each in await its.world.redis.xinfo_groups(keys.decisions(keys.cell("acme")))
        if each["name"] != b"tests"
    ]
    return int(group["lag"] or 0) + int(group["pending"])


async def _caught_up(its: Site) -> bool | None:
    return await _behind(its) == 0 or None


@pytest.mark.parametrize("how", ["killed", "without a disk"])
async def test_the_audit_service(own_redis: RedisProcess, tmp_path: Path, show: Show, how: str) -> None:
    async with site(own_redis, tmp_path) as its, _auditing(its) as (audit, auditor):
        async with its.load.running():
            await its.load.more(20)
            audit.kill() if how == "killed" else limit_files(audit.pid, 4_096)
            await its.load.more(40)
            assert await _behind(its) > 40  # a call is an entry or two
            if how == "killed":
                audit.start()
                await audit.until_it_is("SERVING", within=90)
            else:
                limit_files(audit.pid, UNLIMITED)
            lifted = now_s()
            await eventually(lambda: _caught_up(its), what="every entry stored", within=60)
            caught_up_s = now_s() - lifted
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted, auditor=auditor)
        show(account)
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED"}  # no caller hears of it
    assert caught_up_s < 30


async def test_an_hour_that_nobody_wrote_is_caught_up_with_while_calls_go_on(
    own_redis: RedisProcess, tmp_path: Path
) -> None:
    """The backlog of an hour at ten calls a second; a moderator sees a new call as soon as it is over."""
    count = 3_600 * PER_SECOND
    redis = await connected(own_redis.url)
    start_ms = time.time_ns() // 1_000_000 - HOUR_MS
    for first in range(0, count, 500):
        entries = []
        for number in range(first, first + 500):
            at_ms = start_ms + number * HOUR_MS // count
            its_id = decision_id(now_ms=at_ms, random=number.to_bytes(10))
            record = a_record(id=its_id, received_ms=at_ms, decided_ms=at_ms, expires_ms=at_ms + 30_000)
            entries += [admit(record), settle(a_settlement(id=its_id, settled_ms=at_ms + 5))]
        await append(redis, *entries)
    await redis.aclose()
    memory = (await _memory(own_redis.url)) >> 20
    audit = AuditProcess(tmp_path / "audit", redis_url=own_redis.url)
    audit.start()
    try:
        await audit.until_it_is("SERVING", within=90)
        began = now_s()
        async with grpc.aio.insecure_channel(audit.address) as channel:

            async def all_there() -> bool | None:
                groups = await _groups(own_redis.url)
                return groups == [(0, 0)] or None

            await eventually(all_there, what="the whole hour", within=200)
            took = now_s() - began
            found = {each.name for each in await Auditor(channel).listed()}
        assert len(found) == count
    finally:
        audit.kill()
    sys.stdout.write(
        f"\nan hour of {count:,} decisions, {memory} MB in the store, was caught up with in {took:.1f} s\n"
    )


async def _memory(url: str) -> int:
    async with await connected(url) as redis:
        return int((await redis.info("memory"))["used_memory"])


async def _groups(url: str) -> list[tuple[int, int]]:
    async with await connected(url) as redis:
        groups = await redis.xinfo_groups(keys.decisions(keys.cell("acme")))
        return [(int(each["lag"] or 0), int(each["pending"])) for each in groups]
