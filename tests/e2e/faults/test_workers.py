"""Gateway workers that die, freeze, are replaced one after the other, or are given a revision that must not run."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.adapters.revisions import RevisionStore
from gateway.adapters.workers import Report, Workers
from tests.e2e.faults.load import by_kit
from tests.e2e.faults.reconciling import Account, now_s, reconciled
from tests.e2e.faults.site import Site, site
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.waiting import eventually, until
from tests.signatures import PEOPLE, entry, published
from tests.stores import RedisProcess, Store

Show = Callable[[Account], None]
pytestmark = pytest.mark.timeout(300)
STARTING_S = 90
"""A machine that does other things, too, may take so long to start a process."""


@pytest.mark.integration
@pytest.mark.one_store
@pytest.mark.one_server
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_one_of_two_workers(own_redis: RedisProcess, tmp_path: Path, show: Show, how: str) -> None:
    """Its own callers hear it; what it had begun is in doubt, and keeps its slot."""
    async with site(own_redis, tmp_path) as its:
        async with its.load.running():
            await its.load.more(20)
            (its.workers[0].kill if how == "killed" else its.workers[0].freeze)()
            await its.load.more(30)
            (its.workers[0].start if how == "killed" else its.workers[0].thaw)()
            if how == "killed":
                await its.serving(its.ports[0])
            lifted = now_s()
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted)
        show(account)
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "STORE_UNAVAILABLE"}
    assert account.first_success_s < 1
    assert account.last_failure_s < 3


@pytest.mark.integration
@pytest.mark.one_store
async def test_workers_are_replaced_one_after_the_other_without_a_failed_call(
    own_redis: Store, tmp_path: Path, show: Show
) -> None:
    """On one port, the new one first; callers use the client kit, which tries again as its README says."""
    async with site(own_redis, tmp_path, one_port=True) as its, by_kit(f"127.0.0.1:{its.ports[0]}") as call:
        its.load.call = call
        async with its.load.running():
            await its.load.more(20)
            for n, old in enumerate(its.workers):
                new = its.another()
                new.start()
                await until(lambda new=new: _serves(new.log), what="a new worker", within=STARTING_S)  # type: ignore[misc]
                assert await asyncio.to_thread(old.stop) == 0, n
                await its.load.more(10)
            lifted = now_s()
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted)
        show(account)
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED"}
    assert account.doubtful == 0


def _serves(log: Path | None) -> bool:
    return log is not None and log.exists() and "is active" in log.read_text()


@pytest.mark.one_store
@pytest.mark.one_server
async def test_poisoned_revisions_run_nowhere_and_no_call_notices(
    own_redis: RedisProcess, tmp_path: Path, show: Show
) -> None:
    """Workers keep the revision that runs, and say which one they refuse and why."""
    async with site(own_redis, tmp_path) as its:
        store = RevisionStore(its.world.redis)
        poisons: list[tuple[str, Callable[[], Any]]] = [
            ("unusable", lambda: its.world.publish_raw(b'{"agents": 3}')),
            ("unusable", lambda: its.world.publish_raw(_policy(its, rules=[allow_all() | {"when": "no such thing"}]))),
            ("altered", lambda: _altered(its, store)),
            ("unsigned", lambda: _unsigned(its, store)),
            ("damaged", lambda: _damaged(its)),
        ]
        async with its.load.running():
            await its.load.more(10)
            for why, publish in poisons:
                refused = await _refused(its, int(await publish()))
                assert {each.refused.why for each in refused if each.refused} == {why}
                assert {each.revision for each in refused} == {1}
            good = await its.world.publish_raw(_policy(its, caps=[cap(2)]))
            await eventually(lambda: _all_run(its, good), what="the next good revision everywhere")
            lifted = now_s()
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted)
        show(account)
        said = [json.loads(line) for home in its.homes for line in (home / "gateway.log").read_text().splitlines()]
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED"}
    assert account.doubtful == 0
    assert sum(each["level"] == "ERROR" for each in said) == len(poisons) * len(its.homes)


def _policy(its: Site, **sections: Any) -> bytes:
    return msgspec.json.encode(policy(its.crm_link.address) | sections)


async def _altered(its: Site, store: RevisionStore) -> int:
    """The words of one revision under the entry of another."""
    said, other = published(_policy(its)), published(_policy(its, caps=[cap(9)]))
    base = await store.active()
    return await store.add(other, entry(said, base=base, before=await store.entry(base)))


async def _unsigned(its: Site, store: RevisionStore) -> int:
    """A policy that names people, and that nobody has signed."""
    said = published(_policy(its, people=PEOPLE))
    base = await store.active()
    return await store.add(said, entry(said, base=base, before=await store.entry(base)))


async def _damaged(its: Site) -> int:
    await its.world.redis.hset("pilote:{revisions}:all", "99", b"not even JSON")
    await its.world.redis.set("pilote:{revisions}:active", "99")
    return 99


async def _refused(its: Site, number: int) -> tuple[Report, ...]:
    """What all workers report, once each says that it does not run that revision."""

    async def look() -> tuple[Report, ...] | None:
        said = [each for each in await Workers(its.world.redis).all() if each.worker.startswith("gateway-")]
        refusing = tuple(each for each in said if each.refused is not None and each.refused.revision == number)
        return refusing if len(refusing) == len(its.workers) else None

    return await eventually(look, what=f"{number} refused by all")


async def _all_run(its: Site, number: int) -> bool | None:
    said = [each for each in await Workers(its.world.redis).all() if each.worker.startswith("gateway-")]
    return [each.revision for each in said] == [number] * len(its.workers) or None
