"""Findings are kept once, whoever writes at the same time."""

import asyncio

import msgspec
import pytest

from gateway.redis_clients import Client
from services.findings import store as kept
from services.findings.finding import State, closed
from services.findings.store import FindingChanged, FindingStore
from tests.services.findings.test_finding import seen

pytestmark = pytest.mark.every_store


async def test_the_same_seen_by_many_at_once_is_one_finding(redis: Client) -> None:
    store = FindingStore(redis)
    looks = [store.see([seen(hour)], now_ms=0) for hour in range(8)]
    news = [each for some in await asyncio.gather(*looks) for each in some]
    (finding,) = await store.all("acme")
    assert (len(news), finding.seen.end_ms, await store.all("globex")) == (1, seen(7).end_ms, ())
    assert await store.get("acme", finding.id) == finding
    assert await store.get("acme", "0" * 16) is None


async def test_a_write_to_what_has_changed_since_is_refused_with_how_it_stands(redis: Client) -> None:
    store = FindingStore(redis)
    (finding,) = await store.see([seen()], now_ms=0)
    mine = await store.write(msgspec.structs.replace(finding, owner="mona"))
    with pytest.raises(FindingChanged) as refused:
        await store.write(msgspec.structs.replace(finding, owner="eve"))
    assert refused.value.finding == mine
    assert (await store.all("acme"))[0].owner == "mona"


async def test_closed_ones_come_last_and_are_new_again_when_they_come_back(redis: Client) -> None:
    store = FindingStore(redis)
    grave, slight = seen(), seen(about=(("agent", "b"),), size=0.1)
    first, _ = await store.see([grave, slight], now_ms=0)
    done = await store.write(closed(first, State.RESOLVED, now_ms=1))
    assert [each.seen.size for each in await store.all("acme")] == [0.1, 0.8]
    assert await store.see([grave, slight], now_ms=2) == ()
    (again,) = await store.see([seen(4)], now_ms=2)
    assert (again.id, again.version, again.state) == (done.id, done.version + 1, State.OPEN)


async def test_of_too_many_closed_ones_go_first(redis: Client) -> None:
    store = FindingStore(redis)
    many = [seen(number, about=(("agent", str(number)),)) for number in range(kept.MOST)]
    await asyncio.gather(*(store.see(many[start : start + 100], now_ms=0) for start in range(0, kept.MOST, 100)))
    late = (await store.all("acme"))[0]
    await store.write(closed(late, State.RESOLVED, now_ms=1))
    await store.see([seen(kept.MOST, about=(("agent", "new"),))], now_ms=1)
    found = await store.all("acme")
    assert len(found) == kept.MOST
    assert late.id not in {each.id for each in found}


async def test_numbers_that_json_cannot_say_hide_nothing(redis: Client) -> None:
    store, odd = FindingStore(redis), seen()
    wild = {"value": float("nan"), "low": float("-inf"), "high": float("inf")}
    await store.see([msgspec.structs.replace(odd, **wild)], now_ms=0)
    (finding,) = await store.all("acme")
    assert (finding.seen.value, finding.seen.low < -1e300, finding.seen.high > 1e300) == (0, True, True)
