"""No item is given to two people at once, nor twice to one; whoever comes at the same time."""

import asyncio

import msgspec
import numpy as np
import pytest

from gateway.redis_clients import Client
from services.reviews.item import Flag, Label, flagged
from services.reviews.store import LEASE_MS, NotLeased, ReviewStore
from tests.services.reviews.test_item import item, says

pytestmark = pytest.mark.every_store


async def queue(redis: Client, count: int) -> ReviewStore:
    """One with items of acme that wait."""
    store = ReviewStore(redis)
    assert await store.add("acme", [item(number) for number in range(1, count + 1)]) == "done"
    return store


async def test_many_at_once_are_each_given_another_one_and_the_same_again(redis: Client) -> None:
    store = await queue(redis, 30)
    people = [f"person-{number}" for number in range(40)]
    given = await asyncio.gather(*(store.take("acme", who, now_ms=0) for who in people))
    got = [each.id for each in given if each is not None]
    assert (len(got), len(set(got))) == (30, 30)
    again = await asyncio.gather(*(store.take("acme", who, now_ms=1) for who in people))
    assert again == given
    assert await store.take("globex", people[0], now_ms=0) is None


@pytest.mark.parametrize("seed", range(3))
async def test_a_crowd_judges_all_there_is_each_item_by_two_or_three_of_them(redis: Client, seed: int) -> None:
    store, draw, held = await queue(redis, 25), np.random.default_rng(seed), dict[str, str]()

    async def judge(who: str) -> None:
        while (found := await store.take("acme", who, now_ms=10)) is not None:
            assert held.setdefault(found.id, who) == who, "two have it at once"
            for _ in range(int(draw.integers(3))):
                await asyncio.sleep(0)
            label = (Label.RIGHT, Label.UNCLEAR)[int(draw.integers(2))]
            del held[found.id]
            done = await store.answer("acme", found.id, says(who, label, at_ms=20))
            assert done.answers[-1].begun_ms == 10

    while await store.waiting("acme"):  # who finds nothing goes, and looks in again
        await asyncio.gather(*(judge(f"person-{number}") for number in range(6)))
    settled = await store.settled("acme")
    assert (len(settled), await store.waiting("acme"), await store.open("acme")) == (25, 0, ())
    for each in settled:
        by = [answer.by for answer in each.answers]
        assert len(set(by)) == len(by)
        assert (len(by) == 2) == (each.answers[0].label is each.answers[1].label)


async def test_an_item_is_given_to_another_when_its_time_is_over_and_the_slow_one_is_told(redis: Client) -> None:
    store = await queue(redis, 1)
    first = await store.take("acme", "ada", now_ms=0)
    assert first is not None
    assert await store.take("acme", "bob", now_ms=LEASE_MS - 1) is None
    assert await store.renew("acme", first.id, "ada", now_ms=LEASE_MS - 1)
    assert await store.take("acme", "bob", now_ms=LEASE_MS) is None
    assert await store.take("acme", "bob", now_ms=2 * LEASE_MS) == first
    assert not await store.renew("acme", first.id, "ada", now_ms=2 * LEASE_MS)
    with pytest.raises(NotLeased):
        await store.answer("acme", first.id, says("ada", Label.RIGHT))
    lease = await store.lease("acme", first.id, now_ms=2 * LEASE_MS)
    assert lease is not None
    assert (lease.holder, lease.begun_ms) == ("bob", 2 * LEASE_MS)


async def test_who_is_late_may_answer_as_long_as_nobody_else_has_it_and_the_whole_time_counts(redis: Client) -> None:
    store = await queue(redis, 2)
    first = await store.take("acme", "ada", now_ms=7)
    assert first is not None
    after = await store.answer("acme", first.id, says("ada", Label.RIGHT, at_ms=7 + 3 * LEASE_MS))
    assert after.answers[0].took_ms == 3 * LEASE_MS
    with pytest.raises(NotLeased):
        await store.answer("acme", first.id, says("ada", Label.RIGHT))
    second = await store.take("acme", "ada", now_ms=8)
    assert second is not None
    assert second.id != first.id


async def test_what_is_given_back_is_free_and_only_its_holder_gives_it_back(redis: Client) -> None:
    store = await queue(redis, 1)
    found = await store.take("acme", "a:b", now_ms=0)  # a name with what parts a lease
    assert found is not None
    assert not await store.release("acme", found.id, "bob")
    assert await store.take("acme", "bob", now_ms=0) is None
    assert await store.release("acme", found.id, "a:b")
    assert await store.take("acme", "bob", now_ms=0) == found


async def test_who_flags_what_they_look_at_is_given_another_one(redis: Client) -> None:
    store = await queue(redis, 2)
    first = await store.take("acme", "ada", now_ms=0)
    assert first is not None
    after = msgspec.structs.replace(flagged(first, Flag(by="ada", at_ms=0, text="odd")), version=2)
    assert await store.put(after)
    assert not await store.put(after)
    other = await store.take("acme", "ada", now_ms=0)
    assert other is not None
    assert other.id != first.id
    assert await store.take("acme", "bob", now_ms=0) == after


async def test_a_list_is_told_who_looks_at_what_in_one_question_and_somebody_what_they_have(redis: Client) -> None:
    store = await queue(redis, 3)
    assert await store.held("acme", "ada", now_ms=0) is None
    first = await store.take("acme", "ada", now_ms=0)
    assert first is not None
    ids = [each.id for each in await store.open("acme")]
    assert {item: each.holder for item, each in (await store.leases("acme", ids, now_ms=1)).items()} == {
        first.id: "ada"
    }
    held = await store.held("acme", "ada", now_ms=1)
    assert held is not None
    assert (held[0], held[1].until_ms) == (first, LEASE_MS)
    assert await store.leases("acme", ids, now_ms=LEASE_MS) == {}
    assert await store.held("acme", "ada", now_ms=LEASE_MS) is None
    assert await store.overdue("acme", now_ms=3) == 2
    assert await store.leases("acme", [], now_ms=0) == {}


async def test_beyond_a_hundred_that_one_may_not_judge_there_is_still_the_next(redis: Client) -> None:
    store = await queue(redis, 230)
    mine = [msgspec.structs.replace(each, barred=("ada",), version=2) for each in (await store.open("acme"))[:229]]
    assert await store.add("acme", mine) == "done"
    found = await store.take("acme", "ada", now_ms=0)
    assert found is not None
    assert found.due_ms == 230


async def test_an_hour_is_drawn_once_and_whole(redis: Client) -> None:
    store = await queue(redis, 1)
    assert await store.add("acme", [item(2), item(1)], hour=7, drawn=b"{}") == "version"
    adds = [store.add("acme", [item(2)], hour=7, drawn=b"{}") for _ in range(20)]
    assert sorted(await asyncio.gather(*adds)) == ["done", *["known"] * 19]
    assert await store.hours("acme") == {7: b"{}"}
    assert await store.waiting("acme") == 2
    await store.trim("acme", lapsed=[item(2)], hours=[7])
    assert (await store.hours("acme"), [each.id for each in await store.open("acme")]) == ({}, [item(1).id])
