"""What is stored enters the log once, in order, and the log's tree is over exactly what is kept."""

from collections.abc import Callable
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.record import CustomerOutcome
from gateway.core.shadows import CopyEnd, ShadowResult
from services.audit.entries import Admitted, Copied, Entry, Noted, Reported, Settled, read
from services.audit.proofs.log import Place
from services.audit.store import DecisionStore
from services.proof.leaves import Leaf
from services.proof.merkle import consistent, root_by_inclusion, root_of
from tests.services.audit.conftest import GRANTED, NOW_MS, a_record, a_settlement, an_id
from tests.services.audit.kinds import Kind

encode: Final = msgspec.json.encode


def admitted(number: int) -> Admitted:
    record = a_record(number)
    return Admitted(record, GRANTED, encode(record), encode(GRANTED))


def settled(number: int) -> Settled:
    settlement = a_settlement(number)
    return Settled(settlement, encode(settlement))


def told(number: int) -> Reported:
    outcome = CustomerOutcome(
        decision=an_id(number), type="opened", occurred_ms=NOW_MS, reported_ms=NOW_MS, reporter="e"
    )
    return Reported(outcome, "acme", encode(outcome))


def copied(number: int) -> Copied:
    result = ShadowResult(
        id=an_id(number), kind="shadow", received_ms=NOW_MS, route="r", arm="b", upstream="u", end=CopyEnd.AGREED
    )
    return Copied(result, encode(result), "acme")


MAKE: Final[dict[str, Callable[[int], Admitted | Settled | Reported | Copied]]] = {
    "admit": admitted,
    "settle": settled,
    "outcome": told,
    "copy": copied,
}
BATCHES: Final = st.lists(st.lists(st.tuples(st.sampled_from(sorted(MAKE)), st.integers(0, 5)), max_size=8), max_size=6)


def leaf_of(kind: str, number: int) -> Leaf:
    entry = MAKE[kind](number)
    if isinstance(entry, Admitted):
        return Leaf(kind, (entry.raw_record, entry.raw_outcome))
    return Leaf(kind, (entry.raw,) if isinstance(entry, Settled) else (b"acme", entry.raw))


async def log_of(store: DecisionStore) -> tuple[Place, ...]:
    return await store.log.places(0, end=await store.log.size())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
async def test_whatever_comes_is_in_the_log_once_and_an_end_after_its_beginning(
    batches: list[list[tuple[str, int]]], stores: Kind
) -> None:
    store = stores.new()
    for _ in range(2):  # what is delivered again changes nothing
        for batch in batches:
            await store.write([MAKE[what](number) for what, number in batch])
    places = await log_of(store)
    await store.close()

    came = {each for batch in batches for each in batch}
    wanted = [each for each in came if each[0] != "settle" or ("admit", each[1]) in came]
    logged = [place.leaf.data for place in places if place.leaf is not None]
    assert sorted(logged) == sorted(leaf_of(*each).data for each in wanted)
    assert all(place.leaf is not None and place.leaf.hash == place.hash for place in places)
    for what, number in wanted:
        if what == "settle":
            assert logged.index(leaf_of("admit", number).data) < logged.index(leaf_of("settle", number).data)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
async def test_the_log_says_of_every_batch_which_decisions_it_changed(
    batches: list[list[tuple[str, int]]], stores: Kind
) -> None:
    store = stores.new()
    for batch in batches:
        before = await store.log.size()
        changed = await store.write([MAKE[what](number) for what, number in batch])
        found = await store.log.decisions(before, end=await store.log.size())
        assert set(found) == set(changed)
    await store.close()


async def test_entries_stand_in_the_log_in_the_order_in_which_they_came(store: DecisionStore) -> None:
    noted = Noted("erasure", b'{"subject_ref":"x"}')
    entries: list[Entry] = [settled(2), copied(1), admitted(1), told(1), settled(1), admitted(2), noted, admitted(1)]
    await store.write([settled(3)])
    await store.write([*entries, admitted(3)])
    logged = [place.leaf for place in await log_of(store)]

    assert logged == [
        *(leaf_of("copy", 1), leaf_of("admit", 1), leaf_of("outcome", 1), leaf_of("settle", 1)),
        *(leaf_of("admit", 2), leaf_of("settle", 2), Leaf("erasure", (noted.raw,))),
        *(leaf_of("admit", 3), leaf_of("settle", 3)),
    ]


async def test_every_entry_of_a_store_is_proved_and_every_log_continues_the_one_before(store: DecisionStore) -> None:
    roots = []
    for start in range(0, 600, 100):
        await store.write([each for number in range(start, start + 100) for each in (admitted(number), told(number))])
        roots.append(await store.log.root(await store.log.size()))
    size = await store.log.size()
    places = await store.log.places(0, end=size)
    proofs = await store.log.inclusion([place.index for place in places], size=size)

    assert size == 1_200
    assert roots[-1] == root_of([place.hash for place in places])
    for place, proof in zip(places, proofs, strict=True):
        assert proof.hash == place.hash
        assert root_by_inclusion(proof.hash, proof.path, index=place.index, size=size) == roots[-1]
    for number, root in enumerate(roots, start=1):
        path = await store.log.consistency(number * 200, second=size)
        assert consistent(path, first=(number * 200, root), second=(size, roots[-1]))


async def test_a_decision_knows_where_it_stands_in_the_log(store: DecisionStore) -> None:
    await store.write([admitted(0), admitted(1), settled(1)])
    await store.write([told(0), settled(0)])
    found = [await store.get(an_id(number), now_ms=NOW_MS) for number in range(2)]

    assert [(each.leaf, each.settled_leaf) for each in found if each] == [(0, 4), (1, 2)]


async def test_a_batch_that_fails_leaves_no_leaf(store: DecisionStore) -> None:
    await store.write([admitted(0)])
    broken = msgspec.structs.replace(admitted(1), raw_record=None)
    with pytest.raises(TypeError):
        await store.write([admitted(2), broken])
    await store.write([admitted(3)])

    assert [place.leaf for place in await store.log.places(0, end=await store.log.size())] == [
        *(leaf_of("admit", 0), leaf_of("admit", 3)),
    ]


def test_what_is_no_text_is_not_stored_since_no_export_could_say_it() -> None:
    fields = {b"k": b"settle", b"r": encode(a_settlement()).replace(b'"OK"', b'"OK","x":"\xff"')}

    assert "utf-8" in str(getattr(read(fields, stream=b"s"), "why", ""))
