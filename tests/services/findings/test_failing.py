"""Rules that fail are findings, whoever reads them, and come back where they fail once more."""

import asyncio

import msgspec

from gateway.core import keys
from gateway.core.failures import NO_KEY, RuleFailure
from gateway.redis_clients import Client
from services.findings.changing import Wanted, changed
from services.findings.failing import looked_through
from services.findings.finding import Finding, State
from services.findings.store import FindingStore


async def fails(redis: Client, count: int, last_ms: int, *, revision: int = 3) -> None:
    failure = RuleFailure(
        rule="asks",
        count=count,
        first_ms=10,
        last_ms=last_ms,
        error=f'{NO_KEY}: "x"',
        revision=revision,
        decision="d" * 32,
    )
    await redis.hset(keys.failures("acme"), "asks", msgspec.json.encode(failure))


async def look(redis: Client, now_ms: int = 1_000) -> tuple[Finding, ...]:
    return await looked_through(redis, FindingStore(redis), "acme", now_ms=now_ms)


async def test_many_who_read_at_once_see_one_finding_and_reading_again_changes_nothing(redis: Client) -> None:
    assert await look(redis) == ()
    await fails(redis, 7, 500)
    reads = await asyncio.gather(*(look(redis) for _ in range(20)))
    assert {len(each) for each in reads} == {1}
    (finding,) = await look(redis)
    assert (finding.seen.reach, finding.first_ms, finding.times, finding.version) == (7, 10, 1, 1)
    assert await look(redis) == (finding,)


async def test_a_resolved_one_opens_when_the_rule_fails_after_that(redis: Client) -> None:
    store = FindingStore(redis)
    await fails(redis, 7, 500)
    (finding,) = await look(redis)
    await store.write(changed(finding, Wanted(state=State.RESOLVED), by="mona", now_ms=600))
    await fails(redis, 8, 599)
    assert [(each.state, each.seen.reach) for each in await look(redis)] == [(State.RESOLVED, 8)]
    await fails(redis, 9, 700)
    assert [(each.state, each.reopened) for each in await look(redis)] == [(State.OPEN, 1)]


async def test_a_rule_that_fails_all_the_time_is_written_every_ten_seconds_and_at_once_under_another_revision(
    redis: Client,
) -> None:
    await fails(redis, 7, 500)
    await look(redis)
    await fails(redis, 8, 600)
    assert [each.seen.reach for each in await look(redis, now_ms=10_499)] == [7]
    assert [each.seen.reach for each in await look(redis, now_ms=10_500)] == [8]
    await fails(redis, 9, 700, revision=4)
    assert [each.seen.reach for each in await look(redis)] == [9]
