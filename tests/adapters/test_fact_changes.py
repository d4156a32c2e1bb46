"""What events tell is written once and for good, in whatever order, however often and by whomever they are brought."""

import asyncio
import random
from itertools import permutations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.fact_changes import Damaged, FactChanges, Taken, Told, Words
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.fact_changes import Change, Known, Word, changed
from gateway.redis_clients import Client, connected
from tests.stores import Store

REF = "a" * 32
OTHER = "b" * 32

words: dict[str, st.SearchStrategy[Word]] = {
    "traits.plan": st.none() | st.sampled_from(["free", "pro", ""]),
    "scores.churn": st.none() | st.floats(0, 1),
    "segments.vip": st.none() | st.just(value=True),
    "segments.new": st.none() | st.just(value=True),
    "time_zone": st.none() | st.sampled_from(["Europe/Paris", "UTC"]),
    "language": st.sampled_from(["fr", "en"]),
}
changes = st.sampled_from(sorted(words)).flatmap(
    lambda fact: st.builds(Change, fact=st.just(fact), at_ms=st.integers(0, 4), word=words[fact])
)


async def read(redis: Client, ref: str = REF) -> Facts:
    stored = await redis.get(keys.facts(keys.cell("acme"), ref))
    assert isinstance(stored, bytes)
    return msgspec.json.decode(stored, type=Facts)


def plan(message: str, value: Word, *, at_ms: int, ref: str = REF) -> Told:
    return Told(ref, message, (Change("traits.plan", at_ms, value),))


@given(st.lists(changes, max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_changes_comes_to_the_same_facts(told: list[Change], draw: random.Random) -> None:
    again = told + [draw.choice(told) for _ in range(3) if told]
    draw.shuffle(again)
    assert changed(Known(Facts()), again) == changed(Known(Facts()), told)


@given(st.lists(changes, min_size=1, max_size=4))
def test_it_does_not_matter_how_changes_are_parted_into_batches(told: list[Change]) -> None:
    wanted = changed(Known(Facts()), told)
    for order in permutations(told):
        known = Known(Facts())
        for change in order:
            known = changed(known, [change])
        assert known == wanted


def test_an_event_changes_nothing_that_it_does_not_tell_of() -> None:
    ada = Facts(consents={"email": True}, segments=("z", "a"), traits={"plan": "free", "city": "Lyon"}, unit="c" * 32)
    after = changed(Known(ada), [Change("traits.plan", 7, "pro")]).facts
    assert after == msgspec.structs.replace(ada, traits={"plan": "pro", "city": "Lyon"})


@pytest.mark.every_store
async def test_what_events_tell_is_where_gateways_read_it(redis: Client) -> None:
    store = FactChanges(redis)
    assert await store.take("acme", [plan("1", "pro", at_ms=5), plan("2", "free", at_ms=9, ref=OTHER)]) == Taken()
    assert (await read(redis)).traits == {"plan": "pro"}
    assert (await read(redis, OTHER)).traits == {"plan": "free"}


@pytest.mark.every_store
async def test_a_late_event_does_not_overwrite_what_is_newer(redis: Client) -> None:
    store = FactChanges(redis)
    await store.take("acme", [plan("1", "pro", at_ms=5)])
    late = Told(REF, "2", (Change("traits.plan", 4, "free"), Change("traits.city", 4, "Lyon")))
    assert await store.take("acme", [late]) == Taken()
    assert (await read(redis)).traits == {"plan": "pro", "city": "Lyon"}


@pytest.mark.every_store
async def test_an_event_is_taken_once_whatever_it_says_the_second_time(redis: Client) -> None:
    store = FactChanges(redis)
    await store.take("acme", [plan("1", "pro", at_ms=5)])
    assert await store.take("acme", [plan("1", "free", at_ms=9), plan("1", "free", at_ms=9)]) == Taken(frozenset({"1"}))
    assert (await read(redis)).traits == {"plan": "pro"}
    assert 0 < await redis.pttl(keys.told(keys.cell("acme"), REF, "1")) <= 24 * 3_600_000


@pytest.mark.every_store
async def test_a_hundred_who_bring_the_same_event_have_it_taken_once(redis_process: Store, redis: Client) -> None:
    async with await connected(redis_process.url) as another:
        stores = [FactChanges(redis), FactChanges(another)]
        told = await asyncio.gather(
            *(
                stores[n % 2].take("acme", [plan("same", "pro", at_ms=5), plan(f"{n}", f"{n}", at_ms=n)])
                for n in range(100)
            )
        )
    assert sum("same" not in each.repeated for each in told) == 1
    assert (await read(redis)).traits == {"plan": "99"}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, min_size=1, max_size=12), st.randoms(use_true_random=False))
async def test_batches_that_meet_come_to_what_one_after_the_other_would(
    redis: Client, told: list[Change], draw: random.Random
) -> None:
    await redis.flushall()
    store = FactChanges(redis)
    events = [Told(draw.choice([REF, OTHER]), f"{n}", (change,)) for n, change in enumerate(told)]
    brought = events + draw.choices(events, k=len(events))
    draw.shuffle(brought)
    await asyncio.gather(*(store.take("acme", brought[n::3]) for n in range(3)))
    for ref in {event.subject_ref for event in events}:
        wanted = changed(
            Known(Facts()), [change for event in events if event.subject_ref == ref for change in event.changes]
        )
        assert await read(redis, ref) == wanted.facts


@pytest.mark.every_store
@pytest.mark.parametrize("part", ["facts", "times"])
async def test_what_is_damaged_of_one_subject_is_left_alone_and_takes_nobody_elses_with_it(
    redis: Client, part: str
) -> None:
    store, cell = FactChanges(redis), keys.cell("acme")
    await store.take("acme", [plan("1", "pro", at_ms=5)])
    key = keys.facts(cell, REF) if part == "facts" else keys.fact_times(cell, REF)
    await redis.set(key, b'{"traits": "\xff"')
    taken = await store.take("acme", [plan("2", "free", at_ms=9), plan("3", "free", at_ms=9, ref=OTHER)])
    assert taken == Taken(damaged=frozenset({REF}))
    assert await redis.get(key) == b'{"traits": "\xff"'
    with pytest.raises(Damaged):
        await store.read("acme", REF)
    other = await store.read("acme", OTHER)
    assert other is not None
    assert (other.facts.traits, other.times) == ({"plan": "free"}, {"traits.plan": 9})
    assert await store.read("acme", "c" * 32) is None


@pytest.mark.every_store
async def test_whoever_changes_facts_by_what_they_were_loses_nothing_to_the_others(redis: Client) -> None:
    store = FactChanges(redis)

    def one_more(known: Known | None) -> Words:
        count = int(known.facts.traits["count"]) if known else 0
        return Words((Change("traits.count", count, str(count + 1)),))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(store.change("acme", REF, one_more))
            group.create_task(store.take("acme", [plan(str(number), "pro", at_ms=number)]))
    assert (await read(redis)).traits == {"plan": "pro", "count": "20"}


async def test_a_change_that_is_refused_and_one_of_damaged_facts_leave_everything_as_it_was(redis: Client) -> None:
    store, key = FactChanges(redis), keys.facts(keys.cell("acme"), REF)

    def refuse(_known: Known | None) -> Words:
        raise LookupError

    with pytest.raises(LookupError):
        await store.change("acme", REF, refuse)
    assert await redis.get(key) is None
    await redis.set(key, b"{")
    with pytest.raises(Damaged):
        await store.change("acme", REF, lambda _known: Words())
    assert await redis.get(key) == b"{"
