"""Logging in, confirming, choosing passwords, signing."""

from typing import Any

import argon2
import msgspec
import pytest

from gateway.redis_clients import Client
from gateway.signing import verify
from services.control.access.accesses import Access
from services.control.access.accounts import AccountProblem
from services.control.access.entrance import ConfirmationNeeded, LoggedIn, Refused
from services.control.access.sessions import CONFIRMED_MS, Session
from tests.services.control.access.conftest import GOOD, KEY, House

OTHER = "eight yellow teapots"


async def _confirmed(house: House, begun: LoggedIn, password: str = GOOD) -> Session | Refused:
    return await house.access.entrance.confirm(
        begun.session, begun.cookie, account=begun.account, password=password, now_ms=house.clock.now_ms
    )


async def _changed(house: House, begun: LoggedIn, *, old: str = GOOD, new: str = OTHER) -> LoggedIn | Refused:
    return await house.access.entrance.change_password(
        begun.session, account=begun.account, old=old, new=new, now_ms=house.clock.now_ms
    )


async def test_a_name_that_nobody_has_is_refused_like_a_wrong_password(house: House) -> None:
    await house.somebody("ada")
    refused = {
        await house.log_in(name, "wrong but long enough") for name in ("ada", "nobody", "", "No Body", "x" * 500)
    }
    assert refused == {Refused(code="login-wrong")}


async def test_a_name_may_be_typed_in_capitals_and_with_space_around_it(house: House) -> None:
    await house.somebody("ada")
    assert isinstance(await house.log_in(" Ada "), LoggedIn)


async def test_guesses_are_slowed_down_and_the_owners_browser_is_not(house: House) -> None:
    begun = await house.somebody("ada")
    answers = [await house.log_in("ada", f"guess number {n}") for n in range(20)]
    assert [each.code for each in answers if isinstance(each, Refused)] == ["login-wrong"] * 5 + [
        "login-throttled"
    ] * 15
    refused = await house.log_in("ada")
    assert isinstance(refused, Refused)
    assert refused.seconds == 2
    assert isinstance(await house.log_in("ada", device=begun.device), LoggedIn)
    assert isinstance(await house.log_in("ada", network="203.0.113.5"), LoggedIn)


@pytest.mark.parametrize("forged", ["other", "altered", "nonsense", "expired"])
async def test_a_device_cookie_of_somebody_else_helps_nobody(house: House, forged: str) -> None:
    ada, bob = await house.somebody("ada"), await house.somebody("bob")
    device = {"other": bob.device, "altered": ada.device[::-1], "nonsense": "x.y.z", "expired": ada.device}[forged]
    house.clock.now_ms += 366 * 24 * 3_600_000 if forged == "expired" else 0
    for n in range(5):
        await house.log_in("ada", f"guess number {n}")
    refused = await house.log_in("ada", device=device)
    assert isinstance(refused, Refused)
    assert refused.code == "login-throttled"


async def test_a_password_hashed_as_in_former_days_is_hashed_anew_at_the_next_login(
    house: House, redis: Client
) -> None:
    now = house.clock.now_ms
    costs = argon2.Parameters(argon2.Type.ID, 19, 16, 32, 2, 32, 1)
    today = Access(redis, keys=(KEY,), clock_ms=house.clock, profile=costs)
    begun = await house.somebody("ada")
    done = await today.entrance.log_in("ada", GOOD, network="::1", now_ms=now)
    assert isinstance(done, LoggedIn)
    kept = await today.accounts.secrets("ada")
    assert "m=32,t=2,p=1" in kept.password
    confirmed = await today.entrance.confirm(done.session, done.cookie, account=done.account, password=GOOD, now_ms=now)
    assert isinstance(confirmed, Session)
    assert done.account.public_key == begun.account.public_key


async def test_a_confirmed_session_signs_with_the_accounts_key_for_five_minutes(house: House) -> None:
    begun = await house.somebody("ada")
    entrance, now = house.access.entrance, house.clock.now_ms
    with pytest.raises(ConfirmationNeeded):
        entrance.key(begun.session, begun.cookie, account=begun.account, now_ms=now)
    confirmed = await _confirmed(house, begun)
    assert isinstance(confirmed, Session)
    signer = entrance.key(confirmed, begun.cookie, account=begun.account, now_ms=now).signer
    assert verify(begun.account.public_key, signer.sign(b"this"), b"this")
    with pytest.raises(ConfirmationNeeded):
        entrance.key(confirmed, begun.cookie, account=begun.account, now_ms=now + CONFIRMED_MS)


async def test_another_cookie_does_not_open_the_key_though_the_store_is_read(house: House) -> None:
    begun = await house.somebody("ada")
    await _confirmed(house, begun)
    found = await house.access.sessions.find(begun.cookie, now_ms=house.clock.now_ms)
    assert found is not None
    with pytest.raises(ConfirmationNeeded):
        house.access.entrance.key(found, "another cookie", account=begun.account, now_ms=house.clock.now_ms)


async def test_a_wrong_password_confirms_nothing_and_guessing_is_slow_there_too(house: House) -> None:
    begun = await house.somebody("ada")
    answers = [await _confirmed(house, begun, "a wrong one, guessed") for _ in range(8)]
    codes = [each.code for each in answers if isinstance(each, Refused)]
    assert codes == ["confirm-wrong"] * 5 + ["login-throttled"] * 3


async def test_another_password_keeps_the_key_and_ends_all_sessions(house: House) -> None:
    begun, elsewhere = await house.somebody("ada"), await house.log_in("ada")
    assert isinstance(elsewhere, LoggedIn)
    done = await _changed(house, begun)
    assert isinstance(done, LoggedIn)
    assert done.account.public_key == begun.account.public_key
    for cookie in (begun.cookie, elsewhere.cookie):
        assert await house.access.sessions.find(cookie, now_ms=house.clock.now_ms) is None
    assert await house.log_in("ada", GOOD) == Refused(code="login-wrong")
    assert isinstance(await _confirmed(house, done, OTHER), Session)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("not the password", OTHER, "confirm-wrong"),
        (GOOD, "short", "password-short"),
        (GOOD, GOOD, "password-same"),
        (GOOD, "ada-loves-numbers", ""),
        (GOOD, "motdepasse1234", "password-common"),
    ],
)
async def test_a_password_is_changed_or_it_is_said_why_not(house: House, old: str, new: str, code: str) -> None:
    begun = await house.somebody("bob")
    done = await _changed(house, begun, old=old, new=new)
    assert (done.code if isinstance(done, Refused) else "") == code
    assert isinstance(await house.log_in("bob", GOOD if code else new), LoggedIn)


async def test_who_has_no_password_of_their_own_yet_has_no_key(house: House) -> None:
    once = await house.access.administration.bootstrap(now_ms=house.clock.now_ms)
    begun = await house.log_in("admin", once or "")
    assert isinstance(begun, LoggedIn)
    confirmed = await _confirmed(house, begun, once or "")
    assert isinstance(confirmed, Session)
    with pytest.raises(AccountProblem) as caught:
        house.access.entrance.key(confirmed, begun.cookie, account=begun.account, now_ms=house.clock.now_ms)
    assert caught.value.code == "sign-nothing"


async def test_nothing_in_the_store_is_a_password_a_cookie_or_a_private_key(house: House, redis: Client) -> None:
    begun = await house.somebody("ada")
    confirmed = await _confirmed(house, begun)
    assert isinstance(confirmed, Session)
    key = house.access.entrance.key(confirmed, begun.cookie, account=begun.account, now_ms=house.clock.now_ms)
    _, token = await house.access.tokens.make(
        begun.account, name="ci", scopes=("see", "sign"), key=key, now_ms=house.clock.now_ms
    )
    kept = await _everything(redis)
    assert b"argon2id" in kept
    for secret in (GOOD, begun.cookie, token, token[-49:], key._private.hex(), repr(key._private)[2:-1]):
        assert secret.encode() not in kept
    assert msgspec.json.encode(key._private)[1:-1] not in kept


async def _everything(redis: Client) -> bytes:
    readers: dict[Any, Any] = {
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"zset": lambda name: redis.zrange(name, 0, -1),
    }
    names = [name async for name in redis.scan_iter(match="*")]
    return b"".join([name + repr(await readers[await redis.type(name)](name)).encode() for name in names])
