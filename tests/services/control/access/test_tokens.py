"""API tokens."""

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.control.access.accounts import AccountProblem
from services.control.access.rights import INSTALLATION, Right, Role, rights_of
from services.control.access.tokens import DAY_MS, MOST, USED_MS, Token
from tests.services.control.access.conftest import House

pytestmark = pytest.mark.every_store


async def test_a_token_is_found_by_the_whole_of_it_until_it_expires(house: House) -> None:
    tokens, now = house.access.tokens, house.clock.now_ms
    ada = (await house.somebody("ada")).account
    made, text = await tokens.make(ada, name="ci", scopes=("see",), days=1, now_ms=now)
    assert re.fullmatch(r"plt_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", text)
    assert await tokens.find(text, now_ms=now + DAY_MS - 1) == made
    assert await tokens.find(text, now_ms=now + DAY_MS) is None


async def test_a_token_that_was_mistyped_cut_or_made_up_is_none(house: House) -> None:
    tokens, now = house.access.tokens, house.clock.now_ms
    ada = (await house.somebody("ada")).account
    _, text = await tokens.make(ada, name="ci", scopes=("see",), now_ms=now)
    _, other = await tokens.make(ada, name="ci", scopes=("see",), now_ms=now)
    mixed = text[:17] + other[17:]
    for wrong in ("", text[:-1], text + "0", text.swapcase(), mixed, text.replace("plt_", "plt-"), f"{text}\n"):
        assert await tokens.find(wrong, now_ms=now) is None


async def test_a_revoked_token_is_none_and_only_its_owner_revokes_it(house: House) -> None:
    tokens, now = house.access.tokens, house.clock.now_ms
    ada = (await house.somebody("ada")).account
    made, text = await tokens.make(ada, name="ci", scopes=("see",), now_ms=now)
    assert not await tokens.revoke("bob", made.id)
    assert await tokens.revoke("ada", made.id)
    assert not await tokens.revoke("ada", made.id)
    assert await tokens.find(text, now_ms=now) is None
    assert await tokens.of("ada") == ()


async def test_when_it_was_used_is_known_to_ten_minutes(house: House) -> None:
    tokens, now = house.access.tokens, house.clock.now_ms
    ada = (await house.somebody("ada")).account
    made, _ = await tokens.make(ada, name="ci", scopes=("see",), now_ms=now)
    assert await tokens.of("ada") == ((made, 0),)
    for at in (now, now + USED_MS - 1):
        await tokens.use(made, now_ms=at)
        assert await tokens.of("ada") == ((made, now),)
    await tokens.use(made, now_ms=now + USED_MS)
    assert await tokens.of("ada") == ((made, now + USED_MS),)


async def test_of_a_hundred_at_once_as_many_are_made_as_one_may_have(house: House) -> None:
    ada = (await house.somebody("ada")).account
    tries = (house.access.tokens.make(ada, name="ci", scopes=("see",), now_ms=house.clock.now_ms) for _ in range(100))
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, AccountProblem) for each in done) == 100 - MOST
    assert len(await house.access.tokens.of("ada")) == MOST


_TENANTS = st.sampled_from(["*", "acme", "globex"])
_GRANTS = st.dictionaries(_TENANTS, st.lists(st.sampled_from(list(Role)), max_size=3).map(tuple), max_size=3)


@given(
    grants=_GRANTS,
    scopes=st.lists(st.sampled_from([*(right.value for right in Right), "sign"]), max_size=6).map(tuple),
    tenants=st.lists(_TENANTS, min_size=1, max_size=2).map(tuple),
)
def test_a_token_gives_never_more_than_its_owner_may(
    grants: dict[str, tuple[Role, ...]], scopes: tuple[str, ...], tenants: tuple[str, ...]
) -> None:
    owner = rights_of(grants)
    token = Token(
        id="x", account="ada", name="x", digest="", scopes=scopes, tenants=tenants, created_ms=0, expires_ms=0
    )
    given_rights = token.rights(owner)
    for right in set(Right) - {Right.ANYONE, Right.AGENT, Right.OWN}:
        for tenant in ("acme", "globex", "another", ""):
            if given_rights.may(right, tenant):
                assert owner.may(right, tenant)
                assert right.value in scopes
                assert "*" in tenants or tenant in (*tenants, "")
                assert "*" in tenants or right not in INSTALLATION
