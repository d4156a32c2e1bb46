"""Accounts: made, changed by one person at a time, and never without anybody who may say who may what."""

import asyncio

import msgspec
import pytest

from gateway.redis_clients import Client
from services.control.access.account_store import AccountStore
from services.control.access.accounts import Account, AccountProblem, Secrets
from services.control.access.administration import BOOTSTRAP, ONE_TIME_MS, Edited
from services.control.access.entrance import LoggedIn, Refused
from services.control.access.rights import Role
from tests.services.control.access.conftest import GOOD, House

pytestmark = pytest.mark.every_store


async def _code(doing: object) -> str:
    with pytest.raises(AccountProblem) as caught:
        await doing  # type: ignore[misc]
    return caught.value.code


async def test_the_first_account_is_made_once_however_many_ask(house: House) -> None:
    administration, now = house.access.administration, house.clock.now_ms
    made = await asyncio.gather(*(administration.bootstrap(now_ms=now) for _ in range(10)))
    passwords = [each for each in made if each is not None]
    assert len(passwords) == 1
    done = await house.log_in(BOOTSTRAP, passwords[0])
    assert isinstance(done, LoggedIn)
    assert done.account.must_change
    assert set(done.account.grants["*"]) == {Role.ADMIN, Role.OFFICER}


async def test_where_there_is_an_account_no_first_one_is_made(house: House) -> None:
    await house.somebody("ada")
    assert await house.access.administration.bootstrap(now_ms=house.clock.now_ms) is None


async def test_a_name_that_is_taken_or_is_none_makes_no_account(house: House) -> None:
    await house.somebody("ada")
    administration, now = house.access.administration, house.clock.now_ms
    assert await _code(administration.add(Account(name="ada", created_ms=now), now_ms=now)) == "account-there"
    for name in ("", "Ada", "9lives", "a" * 64, "ada\n", "ada lovelace", "é"):
        assert await _code(administration.add(Account(name=name, created_ms=now), now_ms=now)) == "account-name"


async def test_of_two_who_change_an_account_from_the_same_version_one_is_told(house: House) -> None:
    version = (await house.somebody("ada")).account.version
    edits = (
        house.access.administration.edit("ada", Edited(display_name=name), version=version) for name in ("Ada", "A.")
    )
    done = await asyncio.gather(*edits, return_exceptions=True)
    problems = [each.code for each in done if isinstance(each, AccountProblem)]
    assert problems == ["account-changed"]


async def test_changes_without_a_version_all_arrive(house: House) -> None:
    await house.somebody("ada")
    grants = (house.access.administration.grant("ada", role, tenant="acme", granted=True) for role in Role)
    await asyncio.gather(*grants)
    account = await house.access.accounts.known("ada")
    assert set(account.grants["acme"]) == set(Role)


@pytest.mark.parametrize("way", ["disable", "revoke", "replace"])
async def test_the_last_active_admin_stays(house: House, way: str) -> None:
    admin = {"*": (Role.ADMIN,)}
    await house.somebody("ada", **admin)
    await house.somebody("bob", acme=(Role.ADMIN,))
    administration = house.access.administration

    def fell(name: str) -> object:
        if way == "disable":
            return administration.enable(name, "disabled")
        if way == "revoke":
            return administration.grant(name, Role.ADMIN, tenant="*", granted=False)
        return administration.edit(name, Edited(grants={"*": (Role.OFFICER,)}))

    assert await _code(fell("ada")) == "account-last-admin"
    await house.somebody("cy", **admin)
    done = await asyncio.gather(fell("ada"), fell("cy"), return_exceptions=True)  # type: ignore[call-overload]
    assert sum(isinstance(each, AccountProblem) for each in done) == 1
    assert sum(each.is_admin for each in await house.access.accounts.all()) == 1


async def test_an_account_that_was_disabled_cannot_log_in_until_it_is_enabled(house: House) -> None:
    begun = await house.somebody("ada")
    administration, sessions = house.access.administration, house.access.sessions
    await administration.enable("ada", "disabled")
    assert await sessions.find(begun.cookie, now_ms=house.clock.now_ms) is None
    refused = await house.log_in("ada")
    assert refused == Refused(code="login-wrong")
    await administration.enable("ada", "active")
    assert isinstance(await house.log_in("ada"), LoggedIn)


async def test_a_reset_gives_a_password_that_lets_in_once_and_takes_the_key(house: House) -> None:
    begun = await house.somebody("ada")
    assert begun.account.public_key
    reset, once = await house.access.administration.reset("ada", now_ms=house.clock.now_ms)
    assert reset.public_key == ""
    assert (await house.access.accounts.secrets("ada")).key is None
    assert await house.log_in("ada", GOOD) == Refused(code="login-wrong")
    first = await house.log_in("ada", once)
    assert isinstance(first, LoggedIn)
    done = await house.access.entrance.change_password(
        first.session, account=first.account, old=once, new=GOOD + "!", now_ms=house.clock.now_ms
    )
    assert isinstance(done, LoggedIn)
    assert done.account.public_key not in ("", begun.account.public_key)
    assert await house.log_in("ada", once) == Refused(code="login-wrong")


async def test_a_one_time_password_expires_and_that_is_said_to_those_only_who_have_it(house: House) -> None:
    account = Account(name="ada", created_ms=1)
    _, once = await house.access.administration.add(account, now_ms=house.clock.now_ms)
    house.clock.now_ms += ONE_TIME_MS
    assert await house.log_in("ada", "another one entirely") == Refused(code="login-wrong")
    assert await house.log_in("ada", once) == Refused(code="login-expired")


async def test_what_is_kept_of_a_password_is_not_in_the_account(house: House, redis: Client) -> None:
    await house.somebody("ada")
    secrets = await house.access.accounts.secrets("ada")
    assert secrets.password.startswith("$argon2id$")
    shown = msgspec.json.encode(await house.access.accounts.known("ada"))
    assert b"argon2" not in shown
    assert b"sealed" not in shown


async def test_one_person_of_a_provider_has_one_account(redis: Client) -> None:
    store = AccountStore(redis)
    ada = Account(name="ada", created_ms=1, issuer="https://id.example.com", subject="1")
    await store.create(ada, Secrets())
    assert await store.linked(ada.link) == ada
    assert await _code(store.create(msgspec.structs.replace(ada, name="eve"), Secrets())) == "account-linked"
    elsewhere = msgspec.structs.replace(ada, name="eve", issuer="https://other.example.com")
    await store.create(elsewhere, Secrets())
    await store.change("ada", lambda before: msgspec.structs.replace(before, issuer="", subject=""))
    assert await store.linked(ada.link) is None
