"""Members are listed in the order in which they were added, each exactly once, however large the pages are."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.fact_changes import FactChanges
from gateway.core import keys
from gateway.redis_clients import Client
from services.intake.audiences import Audiences, Named
from services.intake.member_order import NameDamaged, Place

KEY: Final = b"pseudonym key of these tests...."
NAME: Final = keys.audience("acme", "vip")
customers = st.lists(st.integers(0, 30).map(lambda number: f"contacts/{number}"), max_size=12)


class Told:
    """An audience and a clock that goes on by a millisecond with each synchronisation."""

    def __init__(self, redis: Client) -> None:
        self.now_ms = 1_700_000_000_000
        self.audiences = Audiences(redis, FactChanges(redis), pseudonym_key=KEY, clock_ms=lambda: self.now_ms)

    async def sync(self, *joining: str, leaving: Sequence[str] = (), whole: bool = False) -> None:
        async def named() -> AsyncIterator[Sequence[Named]]:
            for some, member in ((leaving, False), (joining, True)):
                yield [Named(self.audiences.ref("acme", each), member, each) for each in some]

        self.now_ms += 1
        await self.audiences.sync("acme", "vip", named=named(), whole=whole)

    async def page(self, after: Place | None = None, *, size: int = 1_000) -> tuple[list[str], Place | None]:
        found, last = await self.audiences.order.page("acme", "vip", after=after, size=size)
        assert len(found) <= size
        return [each.customer for each in found], last

    async def all(self, *, size: int) -> list[str]:
        found, last = await self.page(size=size)
        while last is not None:
            more, last = await self.page(last, size=size)
            assert more, "a page that is told of has somebody on it"
            found += more
        return found

    def in_order(self, customers: set[str]) -> list[str]:
        """Those who are added at once, as they are listed."""
        return sorted(customers, key=lambda each: self.audiences.ref("acme", each))


@pytest.mark.every_store
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(customers, customers, st.booleans()), min_size=1, max_size=4), st.integers(1, 13))
async def test_pages_of_any_size_show_each_member_once_by_the_time_of_joining(
    redis: Client, steps: list[tuple[list[str], list[str], bool]], size: int
) -> None:
    await redis.flushall()
    told, wanted = Told(redis), list[str]()
    for joining, leaving, whole in steps:
        await told.sync(*joining, leaving=leaving, whole=whole)
        stay = set(joining) if whole else set(wanted) - (set(leaving) - set(joining))
        wanted = [each for each in wanted if each in stay]
        wanted += told.in_order(set(joining) - set(wanted))
    assert await told.all(size=size) == wanted
    assert (await told.audiences.look("acme", "vip")).members == len(wanted)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.integers(0, 30).map(lambda number: f"contacts/{number}"), min_size=2, max_size=12),
    st.integers(1, 5),
    st.data(),
)
async def test_who_joins_or_leaves_between_two_pages_moves_nobody_else(
    redis: Client, members: set[str], size: int, data: Any
) -> None:
    await redis.flushall()
    told = Told(redis)
    await told.sync(*members)
    first, last = await told.page(size=size)
    gone = data.draw(st.sets(st.sampled_from(sorted(members))))
    await told.sync("contacts/new", leaving=sorted(gone))
    back = data.draw(st.sets(st.sampled_from(sorted(gone)))) if gone else set()
    await told.sync(*back)
    if last is None:
        return
    second, last = await told.page(last, size=1_000)
    assert last is None
    stayed = [each for each in told.in_order(members) if each not in gone and each not in first]
    assert second == [*stayed, "contacts/new", *told.in_order(back)], "who came back stands at the end"


@pytest.mark.every_store
async def test_what_is_kept_of_members_tells_nobody_who_they_are_and_goes_with_them(redis: Client) -> None:
    told = Told(redis)
    await told.sync("contacts/ada", "contacts/bob")
    names: Any = await redis.hgetall(f"{NAME}:names")
    assert len(names) == 2
    assert not any(b"contacts" in part for pair in names.items() for part in pair)
    await told.sync(leaving=["contacts/bob"])
    assert await redis.hlen(f"{NAME}:names") == 1
    await told.audiences.drop("acme", "vip")
    assert [key async for key in redis.scan_iter(f"{NAME}*")] == []
    assert await told.all(size=1) == []


async def test_a_name_that_was_put_in_anothers_place_is_not_shown(redis: Client) -> None:
    told = Told(redis)
    await told.sync("contacts/ada", "contacts/bob")
    names: Any = await redis.hgetall(f"{NAME}:names")
    one, other = names
    await redis.hset(f"{NAME}:names", one, names[other])
    with pytest.raises(NameDamaged):
        await told.all(size=5)


async def test_members_that_were_kept_without_an_order_stand_in_it_once_they_are_told_again(redis: Client) -> None:
    told = Told(redis)
    await told.sync("contacts/ada", "contacts/bob")
    await told.audiences.order.drop(NAME)  # as an earlier version has left it
    await told.sync("contacts/ada", "contacts/eve")
    assert set(await told.all(size=1)) == {"contacts/ada", "contacts/eve"}
    assert (await told.audiences.look("acme", "vip")).members == 3


async def test_a_synchronisation_that_was_interrupted_loses_nobodys_place(redis: Client) -> None:
    told = Told(redis)
    await told.sync("contacts/ada", "contacts/bob")
    # As it stands when a process ends after it has changed facts, and before anything else.
    for what, part in (("", "joined"), (":names", "named")):
        await redis.rename(f"{NAME}{what}", f"{NAME}:{part}")
    await redis.delete(f"{NAME}:order")
    await told.sync("contacts/eve")
    assert set(await told.all(size=2)) == {"contacts/ada", "contacts/bob", "contacts/eve"}


async def test_who_was_about_to_leave_when_a_synchronisation_was_interrupted_has_left_everywhere(redis: Client) -> None:
    told = Told(redis)
    await told.sync("contacts/ada", "contacts/bob")
    ref = told.audiences.ref("acme", "contacts/ada")
    await redis.sadd(f"{NAME}:left", bytes.fromhex(ref))
    await told.sync("contacts/eve")
    assert await told.all(size=2) == ["contacts/bob", "contacts/eve"]
    assert not await told.audiences.belongs("acme", "vip", ref)
    known = await FactChanges(redis).read("acme", ref)
    assert known is not None
    assert known.facts.segments == ()
    await told.sync("contacts/ada")
    assert await told.all(size=2) == ["contacts/bob", "contacts/eve", "contacts/ada"]
    known = await FactChanges(redis).read("acme", ref)
    assert known is not None
    assert known.facts.segments == ("vip",)


async def test_what_breaks_off_while_it_is_told_changes_no_order(redis: Client) -> None:
    told = Told(redis)
    await told.sync("contacts/ada")

    async def named() -> AsyncIterator[Sequence[Named]]:
        yield [Named(told.audiences.ref("acme", "contacts/bob"), True, "contacts/bob")]  # noqa: FBT003
        raise LookupError

    with pytest.raises(LookupError):
        await told.audiences.sync("acme", "vip", named=named(), whole=True)
    assert await told.all(size=1) == ["contacts/ada"]
    await told.sync("contacts/eve")
    assert await told.all(size=1) == ["contacts/ada", "contacts/eve"]
