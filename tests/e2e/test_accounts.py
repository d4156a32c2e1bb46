"""People log in over HTTP, and administrators say who may do what: a real control plane, asked as browsers ask it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.redis_clients import Client
from services.control.access.rights import Role
from tests.e2e.insiders import GOOD, Browser, Inside, inside
from tests.e2e.waiting import eventually
from tests.e2e.world import auditing

OTHER = "eight yellow teapots"


@pytest.fixture
async def house(redis: Client, redis_url: str, tmp_path: Path) -> AsyncIterator[Inside]:
    """A control plane on an empty store, and an audit service that writes down who changes what."""
    async with auditing(redis_url, tmp_path) as auditor, inside(redis, redis_url, audit=auditor.address) as house:
        yield house


async def _told(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


async def test_the_first_administrator_lets_somebody_in(house: Inside) -> None:
    once = await house.access.administration.bootstrap(now_ms=house.now_ms)
    admin = house.browser()
    first = await admin.log_in("admin", once or "")
    assert first.json()["account"]["mustChangePassword"]
    assert await _told(await admin.ask("GET", "/v1/accounts")) == (403, "PASSWORD_MUST_CHANGE")
    changed = await admin.change_password(once or "")
    assert changed.json()["account"]["publicKey"].startswith("ed25519:")
    assert await _told(await admin.ask("POST", "/v1/accounts", {"name": "ada"})) == (403, "CONFIRMATION_NEEDED")
    assert (await admin.confirm()).json()["confirmExpireTime"]
    wanted = {"name": "ada", "displayName": "Ada", "grants": {"acme": ["moderator"]}, "email": "ada@example.com"}
    made = await admin.ask("POST", "/v1/accounts", wanted)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    ada = house.browser()
    assert (await ada.log_in("ada", made.json()["oneTimePassword"])).ok
    assert (await ada.change_password(made.json()["oneTimePassword"])).ok
    me = (await ada.ask("GET", "/v1/session")).json()
    assert (me["name"], me["kind"], list(me["rights"])) == ("ada", "session", ["acme"])
    assert "holds.decide" in me["rights"]["acme"]
    assert (await ada.ask("GET", "/v1/workers")).ok
    assert await _told(await ada.ask("GET", "/v1/accounts")) == (403, "RIGHT_MISSING")


async def test_without_a_session_nothing_is_shown(house: Inside) -> None:
    for path in ("/v1/session", "/v1/workers", "/v1/accounts", "/v1/tokens"):
        answer = await house.browser().ask("GET", path)
        assert await _told(answer) == (401, "PERSON_UNAUTHENTICATED")


async def test_cookies_are_for_the_browser_only_and_behind_tls_for_this_host_only(
    house: Inside, redis: Client, redis_url: str
) -> None:
    await house.somebody("ada", Role.OFFICER)
    plain = (await house.browser().log_in("ada")).raw.headers.getlist("set-cookie")
    assert [each.split("=")[0] for each in plain] == ["pilote", "pilote-device"]
    assert all("HttpOnly" in each and "SameSite=lax" in each and "Secure" not in each for each in plain)
    async with inside(redis, redis_url, url="https://pilote.example.com") as behind:
        own = {"origin": "https://pilote.example.com"}
        answer = await behind.browser().log_in("ada", headers=own)
        secure = answer.raw.headers.getlist("set-cookie")
        assert [each.split("=")[0] for each in secure] == ["__Host-pilote", "__Host-pilote-device"]
        assert all("Secure" in each and "Path=/" in each and "Domain" not in each for each in secure)
        assert "max-age" in answer.headers["strict-transport-security"]
        for forged in ("http://pilote.example.com", "https://pilote.example.com.evil.example", "null"):
            answer = await behind.browser().log_in("ada", headers={"origin": forged})
            assert await _told(answer) == (403, "LOGIN_FOREIGN")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-csrf-token": ""},
        {"x-csrf-token": "0" * 64},
        {"x-csrf-token": "\u00e9"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_a_change_that_another_site_may_have_made_is_refused(house: Inside, headers: dict[str, str]) -> None:
    ada = await house.somebody("ada", Role.OFFICER)
    assert await _told(await ada.ask("DELETE", "/v1/sessions", headers=headers)) == (403, "CSRF")
    assert (await ada.ask("DELETE", "/v1/sessions", headers={"sec-fetch-site": "same-origin"})).status_code == 204


async def test_the_token_of_another_session_is_none(house: Inside) -> None:
    ada, bob = await house.somebody("ada", Role.OFFICER), await house.somebody("bob", Role.OFFICER)
    answer = await ada.ask("DELETE", "/v1/session", headers={"x-csrf-token": bob.csrf})
    assert await _told(answer) == (403, "CSRF")


async def test_whoever_logs_out_is_out(house: Inside) -> None:
    ada = await house.somebody("ada", Role.OFFICER)
    cookie = ada.session.cookies["pilote"]
    answer = await ada.ask("DELETE", "/v1/session")
    assert answer.status_code == 204
    assert "pilote" not in ada.session.cookies
    again = await house.browser().ask("GET", "/v1/session", headers={"cookie": f"pilote={cookie}"})
    assert again.status_code == 401


async def _guesses(house: Inside, *networks: str) -> list[requests.Response]:
    """Twenty wrong passwords, one after the other, as if from these networks."""
    answers = []
    for n in range(20):
        headers = {"x-forwarded-for": networks[n % len(networks)]} if networks else {}
        answers.append(await house.browser().log_in("ada", f"guess {n} of many", headers=headers, lang="fr"))
    return answers


async def test_guesses_are_slowed_down_and_say_when_to_come_back(house: Inside) -> None:
    known = await house.somebody("ada", Role.OFFICER)
    answers = await _guesses(house)
    assert {each.status_code for each in answers[:5]} == {401}
    slowed = next(each for each in answers if each.status_code == 429)
    assert slowed.json()["reason"] == "LOGIN_THROTTLED"
    assert 1 <= int(slowed.headers["retry-after"]) <= 8
    assert slowed.json()["detail"].startswith("Trop de tentatives")
    assert (await known.log_in("ada")).ok


async def test_of_a_hundred_guesses_at_once_few_are_looked_at(house: Inside) -> None:
    await house.somebody("ada", Role.OFFICER)
    guesses = (house.browser().log_in("ada", f"guess number {n}") for n in range(100))
    codes = [answer.status_code for answer in await asyncio.gather(*guesses)]
    assert codes.count(401) + codes.count(429) == 100
    assert 5 <= codes.count(401) <= 8  # on a slow machine a wait may be over before the last of them come


async def test_one_sees_where_one_is_logged_in_and_ends_it_from_elsewhere(house: Inside) -> None:
    laptop = await house.somebody("ada", Role.OFFICER)
    phone = house.browser()
    await phone.log_in("ada", headers={"user-agent": "Mozilla/5.0 (iPhone) Safari/605"})
    found = (await laptop.ask("GET", "/v1/sessions")).json()["sessions"]
    assert {(each["browser"], each["current"]) for each in found} == {("Firefox, Linux", True), ("Safari, iOS", False)}
    other = next(each["id"] for each in found if not each["current"])
    assert (await laptop.ask("DELETE", f"/v1/sessions/{other}")).status_code == 204
    assert await _told(await laptop.ask("DELETE", f"/v1/sessions/{other}")) == (404, "SESSION_UNKNOWN")
    assert (await phone.ask("GET", "/v1/session")).status_code == 401
    assert (await laptop.ask("GET", "/v1/session")).ok


async def test_another_password_ends_all_sessions_but_the_one_it_begins(house: Inside) -> None:
    laptop, phone = await house.somebody("ada", Role.OFFICER), house.browser()
    await phone.log_in("ada")
    assert await _told(await laptop.change_password("not my password", OTHER)) == (403, "CONFIRM_WRONG")
    assert await _told(await laptop.change_password(GOOD, "too short")) == (400, "PASSWORD_SHORT")
    assert (await laptop.change_password(GOOD, OTHER)).ok
    assert (await laptop.ask("GET", "/v1/session")).ok
    assert (await phone.ask("GET", "/v1/session")).status_code == 401
    assert await _told(await phone.log_in("ada", GOOD)) == (401, "LOGIN_WRONG")


async def test_two_control_planes_on_one_store_see_the_same(house: Inside, redis: Client, redis_url: str) -> None:
    ada = await house.somebody("ada", Role.OFFICER)
    async with inside(redis, redis_url) as second:
        there = Browser(second.url, ada.session, ada.csrf)
        assert (await there.ask("GET", "/v1/session")).json()["name"] == "ada"
        assert (await there.ask("DELETE", "/v1/session")).status_code == 204
    assert (await ada.ask("GET", "/v1/session")).status_code == 401


async def _admin(house: Inside) -> Browser:
    admin = await house.somebody("boss", Role.ADMIN)
    assert (await admin.confirm()).ok
    return admin


async def test_other_rights_hold_at_once_and_change_the_cookie(house: Inside) -> None:
    admin, ada = await _admin(house), await house.somebody("ada", Role.SRE)
    before = ada.session.cookies["pilote"]
    shown = await admin.ask("GET", "/v1/accounts/ada")
    match = {"if-match": shown.headers["etag"]}
    done = await admin.ask("PATCH", "/v1/accounts/ada", {"grants": {"acme": ["copilot"]}}, headers=match)
    assert (done.status_code, done.json()["grants"]) == (200, {"acme": ["copilot"]})
    me = (await ada.ask("GET", "/v1/session")).json()
    assert list(me["rights"]) == ["acme"]
    assert ada.session.cookies["pilote"] != before
    assert (await ada.ask("DELETE", "/v1/sessions")).status_code == 204


async def test_a_change_names_the_version_that_it_was_made_from(house: Inside) -> None:
    admin = await _admin(house)
    await house.somebody("ada", Role.SRE)
    etag = (await admin.ask("GET", "/v1/accounts/ada")).headers["etag"]
    body: dict[str, Any] = {"displayName": "Ada"}
    assert await _told(await admin.ask("PATCH", "/v1/accounts/ada", body)) == (428, "MATCH_NEEDED")
    assert (await admin.ask("PATCH", "/v1/accounts/ada", body, headers={"if-match": etag})).ok
    now = (await admin.ask("GET", "/v1/accounts/ada")).headers["etag"]
    for stale in (etag, '"nonsense"', '"0"', f"W/{now}", f'{etag}, "x"'):
        answer = await admin.ask("PATCH", "/v1/accounts/ada", {"displayName": "A."}, headers={"if-match": stale})
        assert await _told(answer) == (412, "ACCOUNT_CHANGED")
        assert answer.headers["etag"] == now
    answer = await admin.ask("PATCH", "/v1/accounts/ada", {"displayName": "A."}, headers={"if-match": "nonsense"})
    assert await _told(answer) == (400, "ARGUMENT_INVALID")
    assert (await admin.ask("GET", "/v1/accounts/ada")).json()["displayName"] == "Ada"
    for known in (now, f"W/{now}", f'"x", {now}', "*"):
        answer = await admin.ask("GET", "/v1/accounts/ada", headers={"if-none-match": known})
        assert (answer.status_code, answer.headers["etag"], answer.content) == (304, now, b"")
    assert (await admin.ask("GET", "/v1/accounts/ada", headers={"if-none-match": etag})).status_code == 200
    several = {"if-match": f"{etag}, {now}"}
    assert (await admin.ask("PATCH", "/v1/accounts/ada", {"displayName": "A."}, headers=several)).ok


async def test_an_administrator_does_not_change_the_account_of_their_own(house: Inside) -> None:
    admin = await _admin(house)
    await house.somebody("vice", Role.ADMIN)
    for verb in ("disable", "reset", "enable"):
        assert await _told(await admin.ask("POST", f"/v1/accounts/boss:{verb}")) == (403, "ACCOUNT_SELF")
    body = {"grants": {"*": ["admin", "officer"]}}
    answer = await admin.ask("PATCH", "/v1/accounts/boss", body, headers={"if-match": "*"})
    assert await _told(answer) == (403, "ACCOUNT_SELF")


async def test_the_last_administrator_stays(house: Inside) -> None:
    admin = await _admin(house)
    vice = await house.somebody("vice", Role.ADMIN)
    assert (await vice.confirm()).ok
    assert (await admin.ask("POST", "/v1/accounts/vice:disable")).ok
    assert (await vice.ask("GET", "/v1/session")).status_code == 401
    assert (await admin.ask("POST", "/v1/accounts/vice:enable")).ok
    await vice.log_in("vice")
    await vice.confirm()
    both = await asyncio.gather(
        admin.ask("POST", "/v1/accounts/vice:disable"), vice.ask("POST", "/v1/accounts/boss:disable")
    )
    first, second = sorted(each.status_code for each in both)
    assert first == 200
    assert second in (401, 403)
    assert sum(each.is_admin for each in await house.access.accounts.all()) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "x",
        {"name": "Ada Lovelace"},
        {"name": "ada\n"},
        {"name": "ada", "grants": {"*": ["king"]}},
        {"name": "ada", "grants": {"ACME!": ["sre"]}},
        {"name": "ada", "email": "no address"},
        {"name": "ada", "displayName": "a\u0000b"},
        {"name": "ada", "displayName": "x" * 101},
        {"name": "ada", "role": "admin"},
    ],
)
async def test_an_account_that_cannot_be_is_not_made(house: Inside, body: Any) -> None:
    admin = await _admin(house)
    answer = await admin.ask("POST", "/v1/accounts", body)
    assert answer.status_code == 400
    assert [each.name for each in await house.access.accounts.all()] == ["boss"]


async def test_a_token_does_what_its_scopes_and_its_owner_may_until_it_is_revoked(house: Inside) -> None:
    admin, ada = await _admin(house), await house.somebody("ada", Role.OFFICER)
    wanted = {"name": "ci", "scopes": ["see", "people.manage"], "days": 7}
    assert await _told(await ada.ask("POST", "/v1/tokens", wanted)) == (403, "CONFIRMATION_NEEDED")
    await ada.confirm()
    made = (await ada.ask("POST", "/v1/tokens", wanted)).json()
    bearer = {"authorization": f"Bearer {made['secret']}"}
    program = house.browser()
    assert (await program.ask("GET", "/v1/workers", headers=bearer)).ok
    me = (await program.ask("GET", "/v1/session", headers=bearer)).json()
    assert (me["name"], me["kind"], me["csrfToken"]) == ("ada", "token", "")
    assert await _told(await program.ask("GET", "/v1/accounts", headers=bearer)) == (403, "RIGHT_MISSING")
    for method, path in (("GET", "/v1/sessions"), ("POST", "/v1/tokens"), ("POST", "/v1/session:confirm")):
        answer = await program.ask(method, path, {"password": GOOD}, headers=bearer)
        assert await _told(answer) == (403, "SESSION_NEEDED")
    (shown,) = (await ada.ask("GET", "/v1/tokens")).json()["tokens"]
    assert (shown["name"], bool(shown["lastUsedTime"]), "secret" in shown) == ("ci", True, False)
    await admin.ask("POST", "/v1/accounts/ada:disable")
    assert (await program.ask("GET", "/v1/workers", headers=bearer)).status_code == 401
    await admin.ask("POST", "/v1/accounts/ada:enable")
    assert (await program.ask("GET", "/v1/workers", headers=bearer)).ok
    await ada.log_in("ada")
    assert (await ada.ask("DELETE", f"/v1/tokens/{shown['id']}")).status_code == 204
    assert (await program.ask("GET", "/v1/workers", headers=bearer)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "ci", "scopes": []},
        {"name": "ci", "scopes": ["everything"]},
        {"name": "ci", "scopes": ["anyone"]},
        {"name": "ci", "scopes": ["see"], "days": 366},
        {"name": "ci", "scopes": ["see"], "days": 0},
        {"name": "", "scopes": ["see"]},
        {"name": "ci", "scopes": ["see"], "tenants": ["A B"]},
    ],
)
async def test_a_token_that_cannot_be_is_not_made(house: Inside, body: Any) -> None:
    ada = await house.somebody("ada", Role.OFFICER)
    await ada.confirm()
    assert (await ada.ask("POST", "/v1/tokens", body)).status_code == 400
    assert (await ada.ask("GET", "/v1/tokens")).json()["tokens"] == []


async def test_behind_a_trusted_proxy_its_word_counts_for_where_somebody_is(redis: Client, redis_url: str) -> None:
    async with inside(redis, redis_url, proxies="127.0.0.1") as house:
        await house.somebody("ada", Role.OFFICER)
        assert any(each.status_code == 429 for each in await _guesses(house, "192.0.2.1"))
        assert (await house.browser().log_in("ada", headers={"x-forwarded-for": "198.51.100.1"})).ok


async def test_without_a_trusted_proxy_nobody_chooses_where_they_are(house: Inside) -> None:
    await house.somebody("ada", Role.OFFICER)
    networks = (f"192.0.{n}.1" for n in range(20))
    assert any(each.status_code == 429 for each in await _guesses(house, *networks))


async def test_the_log_says_who_changed_which_account_and_why_and_no_address(house: Inside) -> None:
    admin = await _admin(house)
    wanted = {"name": "ada", "displayName": "Ada Lovelace", "email": "ada@example.com", "reason": "new colleague"}
    assert (await admin.ask("POST", "/v1/accounts", wanted)).status_code == 201
    etag = (await admin.ask("GET", "/v1/accounts/ada")).headers["etag"]
    change = {"grants": {"acme": ["sre"]}, "reason": "joins operations"}
    assert (await admin.ask("PATCH", "/v1/accounts/ada", change, headers={"if-match": etag})).ok
    answer = await admin.ask("PATCH", "/v1/accounts/ada", change, headers={"if-match": etag})
    assert answer.status_code == 412
    assert (await admin.ask("POST", "/v1/accounts/ada:disable", {"reason": "has left"})).ok
    notes = (await admin.ask("GET", "/v1/notes")).json()
    text = str(notes)
    assert "accounts/ada" in text
    for told in ("new colleague", "joins operations", "has left", "boss", "ACCOUNT_CHANGED"):
        assert told in text
    for kept in ("example.com", "Lovelace", "argon2"):
        assert kept not in text


async def test_the_log_says_when_passwords_were_chosen_and_guessed_and_nothing_of_them(house: Inside) -> None:
    ada, mia = await house.somebody("ada", Role.OFFICER), await house.somebody("mia", Role.AUDITOR)
    assert await _told(await ada.change_password("not my password", OTHER)) == (403, "CONFIRM_WRONG")
    assert (await ada.change_password(GOOD, OTHER)).ok
    for name in ("ada", "nobody-here"):
        answers = [await house.browser().log_in(name, f"guess {number}") for number in range(8)]
        assert answers[-1].status_code == 429

    async def said() -> list[dict[str, Any]] | None:
        found = (await mia.ask("GET", "/v1/notes?kind=change")).json()["notes"][::-1]
        return found if any(each["change"]["operation"] == "lock-out" for each in found) else None

    notes = await eventually(said, what="the lock-out is noted")
    told = [(each["person"], each["change"]["operation"], each["resource"]) for each in notes]
    assert told == [
        ("ada", "choose-password", "accounts/ada"),
        ("mia", "choose-password", "accounts/mia"),
        ("ada", "change-password", "accounts/ada"),
        ("unknown", "lock-out", "accounts/ada"),
    ]
    chosen = json.loads(notes[0]["change"]["after"]["json"])["publicKey"]
    assert chosen.startswith("ed25519:")
    text = str(notes)
    for kept in (GOOD, OTHER, "guess", "argon2", "127.0.0.1", "nobody-here"):
        assert kept not in text


async def test_without_the_log_no_account_is_changed(redis: Client, redis_url: str) -> None:
    async with inside(redis, redis_url) as house:
        admin = await _admin(house)
        assert await _told(await admin.ask("POST", "/v1/accounts", {"name": "ada"})) == (503, "STORE_UNAVAILABLE")
        assert [each.name for each in await house.access.accounts.all()] == ["boss"]


async def test_accounts_come_in_pages(house: Inside) -> None:
    admin = await _admin(house)
    for name in ("cy", "ada", "bob"):
        assert (await admin.ask("POST", "/v1/accounts", {"name": name})).status_code == 201
    first = (await admin.ask("GET", "/v1/accounts?pageSize=3")).json()
    assert [each["name"] for each in first["accounts"]] == ["ada", "bob", "boss"]
    second = (await admin.ask("GET", f"/v1/accounts?pageSize=3&pageToken={first['nextPageToken']}")).json()
    assert ([each["name"] for each in second["accounts"]], second["nextPageToken"]) == (["cy"], "")
    assert await _told(await admin.ask("GET", "/v1/accounts?pageToken=x")) == (400, "ARGUMENT_INVALID")


async def test_what_is_shown_once_is_not_kept_for_who_asks_again(house: Inside, redis: Client) -> None:
    admin = await _admin(house)
    await house.somebody("ada", Role.SRE)
    asked: tuple[tuple[str, Any, str], ...] = (
        ("/v1/accounts", {"name": "bob"}, "oneTimePassword"),
        ("/v1/accounts/ada:reset", {}, "oneTimePassword"),
        ("/v1/tokens", {"name": "ci", "scopes": ["see"]}, "secret"),
    )
    for number, (path, body, secret) in enumerate(asked):
        key = {"idempotency-key": f"key-{number}"}
        first = await admin.ask("POST", path, body, headers=key)
        assert first.ok, first.text
        again = await admin.ask("POST", path, body, headers=key)
        assert await _told(again) == (409, "ALREADY_EXISTS")
        kept = [await redis.get(name) async for name in redis.scan_iter(match="*:once:*")]
        assert kept
        shown = base64.b64encode(first.content)[:40]
        assert all(first.json()[secret].encode() not in each and shown not in each for each in kept if each)
