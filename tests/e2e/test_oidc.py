"""People log in through their company's provider, a real one, and everything that would let in somebody else fails."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.redis_clients import Client
from gateway.signing import verify
from services.control.access.oidc.configuration import Oidc, OidcFile
from services.control.access.rights import Role
from services.control.access.sessions import Session
from tests.e2e.insiders import Browser, Inside, inside
from tests.fakes.openid.running import SECRET, gone_through, provider
from tests.services.ports import free

PEOPLE: Final[dict[str, dict[str, Any]]] = {
    "u1": {"name": "Ada Lovelace", "preferred_username": "Ada", "email": "ada@example.com", "groups": ["officers"]},
    "u2": {"name": "Ada B.", "preferred_username": "ada", "email": "ada@example.com", "groups": ["moderators", "x"]},
    "u3": {"name": "Nobody", "preferred_username": "nobody", "groups": ["x"]},
    "u4": {"preferred_username": "1<Ünusual>@example.com", "groups": ["officers", "moderators"]},
}
GRANTS: Final[Any] = {"officers": {"*": (Role.OFFICER,)}, "moderators": {"acme": (Role.MODERATOR,)}}


@dataclass
class Firm:
    """A control plane whose people come through a provider."""

    house: Inside
    issuer: str

    async def through(self, browser: Browser, subject: str, path: str = "/oidc/login?next=/v1/session") -> Any:
        """What a browser ends at that begins at our `path`."""
        answer = await asyncio.to_thread(gone_through, browser.session, f"{self.house.url}{path}", subject)
        if answer.url.endswith("/v1/session") and answer.ok:
            browser.csrf = answer.json()["csrfToken"]
        return answer

    async def somebody(self, subject: str) -> tuple[Browser, Any]:
        """A browser in which somebody has logged in through the provider, and who they are."""
        browser = self.house.browser()
        answer = await self.through(browser, subject)
        assert answer.ok, answer.text
        return browser, answer.json()


@asynccontextmanager
async def firm(redis: Client, redis_url: str, *, secret: str = SECRET, grants: Any = GRANTS, **client: Any) -> Any:
    """One at which only `PEOPLE` are known."""
    (port,) = free(1)
    url = f"http://127.0.0.1:{port}"
    async with provider(url, PEOPLE, **client) as issuer:
        oidc = Oidc(file=OidcFile(issuer=issuer, client_id="pilote", label="Example", grants=grants), secret=secret)
        async with inside(redis, redis_url, listen=f"127.0.0.1:{port}", url=url, oidc=oidc) as house:
            yield Firm(house, issuer)


@pytest.fixture
async def company(redis: Client, redis_url: str) -> AsyncIterator[Firm]:
    """One at which people are known."""
    async with firm(redis, redis_url) as company:
        yield company


async def test_somebody_logs_in_and_has_the_roles_of_their_groups(company: Firm) -> None:
    browser, me = await company.somebody("u1")
    assert (me["name"], me["kind"], list(me["rights"])) == ("ada", "session", ["*"])
    account = me["account"]
    assert (account["displayName"], account["email"]) == ("Ada Lovelace", "ada@example.com")
    assert (account["provider"], account["grants"]) == (company.issuer, {"*": ["officer"]})
    assert account["publicKey"].startswith("ed25519:")
    assert (await browser.ask("GET", "/v1/workers")).ok
    again = (await company.somebody("u1"))[1]
    assert again["account"]["publicKey"] == account["publicKey"]


async def test_the_same_address_and_the_same_name_are_not_the_same_person(company: Firm) -> None:
    local = await company.house.somebody("ada", Role.ADMIN)
    _, first = await company.somebody("u1")
    _, second = await company.somebody("u2")
    names = [first["name"], second["name"]]
    assert all(name.startswith("ada-") for name in names)
    assert len({"ada", *names}) == 3
    assert (second["account"]["grants"], list(second["rights"])) == ({"acme": ["moderator"]}, ["acme"])
    assert (await local.ask("GET", "/v1/session")).json()["account"]["provider"] == ""


async def test_a_name_that_is_none_here_becomes_one_and_groups_add_up(company: Firm) -> None:
    _, me = await company.somebody("u4")
    assert me["name"] == "nusual"
    assert me["account"]["grants"] == {"*": ["officer"], "acme": ["moderator"]}


async def test_whom_no_group_gives_a_role_is_not_let_in(company: Firm) -> None:
    answer = await company.through(company.house.browser(), "u3")
    assert (answer.status_code, answer.json()["reason"]) == (403, "OIDC_ROLE")
    assert await company.house.access.accounts.all() == ()


async def test_a_disabled_account_stays_out_whatever_the_provider_says(company: Firm) -> None:
    await company.somebody("u1")
    await company.house.access.administration.enable("ada", "disabled")
    answer = await company.through(company.house.browser(), "u1")
    assert (answer.status_code, answer.json()["reason"]) == (403, "OIDC_DISABLED")


async def test_other_groups_give_other_roles_at_the_next_login(redis: Client, redis_url: str) -> None:
    (port,) = free(1)
    url = f"http://127.0.0.1:{port}"
    async with provider(url, PEOPLE) as issuer:
        later: Any = {"officers": {"globex": (Role.SRE,)}}
        for grants in (GRANTS, later):
            oidc = Oidc(file=OidcFile(issuer=issuer, client_id="pilote", grants=grants), secret=SECRET)
            async with inside(redis, redis_url, listen=f"127.0.0.1:{port}", url=url, oidc=oidc) as house:
                _, me = await Firm(house, issuer).somebody("u1")
                assert me["account"]["grants"] == {tenant: list(roles) for tenant, roles in grants["officers"].items()}
        assert len(await house.access.accounts.all()) == 1


async def _back(company: Firm, browser: Browser, subject: str) -> str:
    """The URL with which the provider sends a browser back that began here, not followed."""
    url, before = f"{company.house.url}/oidc/login", f"{company.house.url}/oidc/callback"
    answer = await asyncio.to_thread(gone_through, browser.session, url, subject, before=before)
    return str(answer.headers["location"])


async def _reason(browser: Browser, url: str) -> str:
    answer = await asyncio.to_thread(lambda: browser.session.get(url, timeout=20, headers={"accept": "*/*"}))
    return str(answer.json()["reason"])


async def test_a_browser_in_which_nobody_began_is_not_let_in(company: Firm) -> None:
    victim, attacker = company.house.browser(), company.house.browser()
    url = await _back(company, attacker, "u1")
    assert await _reason(victim, url) == "OIDC_REFUSED"
    await _back(company, victim, "u2")
    assert await _reason(victim, url) == "OIDC_REFUSED"
    assert "pilote" not in victim.session.cookies


@pytest.mark.parametrize("change", ["code", "state", "iss", "gone"])
async def test_what_the_provider_says_must_come_back_unchanged(company: Firm, change: str) -> None:
    browser = company.house.browser()
    url = await _back(company, browser, "u1")
    values = {name: each[0] for name, each in parse_qs(urlsplit(url).query).items()}
    values[change] = "https://evil.example" if change == "iss" else "another"
    if change == "gone":
        values = {}
    query = "&".join(f"{name}={value}" for name, value in values.items())
    assert await _reason(browser, f"{company.house.url}/oidc/callback?{query}") == "OIDC_REFUSED"
    assert await _reason(browser, url) == "OIDC_REFUSED"  # what the browser kept is gone


async def test_a_wrong_secret_lets_nobody_in(redis: Client, redis_url: str) -> None:
    async with firm(redis, redis_url, secret="another secret") as company:
        answer = await company.through(company.house.browser(), "u1")
        assert (answer.status_code, answer.json()["reason"]) == (403, "OIDC_REFUSED")


async def test_a_provider_that_is_away_is_said_so_and_passwords_still_let_in(redis: Client, redis_url: str) -> None:
    (port,) = free(1)
    oidc = Oidc(file=OidcFile(issuer=f"http://127.0.0.1:{port}", client_id="pilote"))
    async with inside(redis, redis_url, url="", oidc=oidc) as house:
        answer = await house.browser().ask("GET", "/oidc/login")
        assert (answer.status_code, answer.json()["reason"]) == (503, "OIDC_AWAY")
        await house.somebody("ada", Role.OFFICER)


async def test_whoever_shows_the_provider_anew_who_they_are_may_sign(company: Firm) -> None:
    browser, me = await company.somebody("u1")
    assert me["confirmExpireTime"] == ""
    refused = await browser.confirm("any password")
    assert refused.json()["reason"] == "CONFIRM_PROVIDER"
    answer = await company.through(browser, "u1", "/oidc/confirm?next=/v1/session")
    assert answer.json()["confirmExpireTime"] != ""
    access = company.house.access
    account = await access.accounts.known("ada")
    cookie = browser.session.cookies["pilote"] or ""
    session = await access.sessions.find(cookie, now_ms=company.house.now_ms)
    assert isinstance(session, Session)
    key = access.entrance.key(session, cookie, account=account, now_ms=company.house.now_ms)
    assert verify(me["account"]["publicKey"], key.signer.sign(b"this"), b"this")


async def test_somebody_else_at_the_provider_confirms_nothing(company: Firm) -> None:
    browser, _ = await company.somebody("u1")
    ours = [each for each in browser.session.cookies if each.name.startswith("pilote")]
    browser.session.cookies.clear()
    for each in ours:
        browser.session.cookies.set_cookie(each)
    answer = await company.through(browser, "u2", "/oidc/confirm?next=/v1/session")
    assert (answer.status_code, answer.json()["reason"]) == (403, "OIDC_OTHER")
    assert (await browser.ask("GET", "/v1/session")).json()["confirmExpireTime"] == ""


async def test_an_account_of_the_provider_has_no_password_to_change_or_reset(company: Firm) -> None:
    browser, _ = await company.somebody("u1")
    answer = await browser.change_password("any password", "seven green umbrellas")
    assert (answer.status_code, answer.json()["reason"]) == (403, "PASSWORD_NONE")
    answer = await company.house.browser().log_in("ada", "")
    assert answer.json()["reason"] == "LOGIN_WRONG"


async def test_nobody_is_sent_to_another_site_in_the_end(company: Firm) -> None:
    for path in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"):
        answer = await company.through(company.house.browser(), "u1", f"/oidc/login?next={path}")
        assert answer.url.startswith(company.house.url)


async def test_the_login_page_offers_the_provider_and_logging_out_leads_to_it_too(company: Firm) -> None:
    people = {"accept": "text/html"}
    shown = await company.house.browser().ask("GET", "/login?next=/holds", headers=people, lang="fr")
    assert "Se connecter avec Example" in shown.text
    assert 'href="/oidc/login?next=/holds"' in shown.text
    browser, _ = await company.somebody("u1")
    left = await browser.ask("POST", "/logout", headers=people)
    assert "You are still logged in at Example" in left.text
    assert (await browser.ask("GET", "/v1/session")).status_code == 401
    found = re.search(rf'href="({re.escape(company.issuer)}/session/end[^"]+)"', left.text)
    assert found is not None, left.text
    values = parse_qs(urlsplit(html.unescape(found[1])).query)
    assert values["post_logout_redirect_uri"] == [f"{company.house.url}/login"]
    at_provider = await asyncio.to_thread(lambda: browser.session.get(html.unescape(found[1]), timeout=20))
    assert at_provider.ok
    assert "logout" in at_provider.text.lower()


async def test_somebody_who_comes_for_a_page_and_is_not_let_in_reads_why(company: Firm) -> None:
    browser = company.house.browser()
    browser.session.headers["accept"] = "text/html"
    answer = await company.through(browser, "u3")
    assert answer.status_code == 403
    assert "None of your groups may do anything here" in answer.text
