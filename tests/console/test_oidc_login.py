"""Somebody comes in through their company's provider, a real one, in a real browser."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.redis_clients import Client
from tests.console.conftest import Visit
from tests.console.visiting import Visitor
from tests.e2e.test_oidc import Firm, firm
from tests.stores import Store

pytestmark = pytest.mark.one_store
LOOKS = pytest.mark.parametrize(
    ("look", "into"),
    [({}, "Log in with Example"), ({"phone": True, "locale": "fr-FR"}, "Se connecter avec Example")],
    ids=["desk", "phone-french"],
)


@pytest_asyncio.fixture(loop_scope="session")
async def company(redis: Client, redis_process: Store) -> AsyncIterator[Firm]:
    async with firm(redis, redis_process.url) as company:
        yield company


async def through(visitor: Visitor, company: Firm, subject: str) -> None:
    """Be that person at the provider, which asks who it is, and then whether we may know."""
    page = visitor.page
    await page.wait_for_url(re.compile(re.escape(company.issuer)))
    await page.locator("input[name=login]").fill(subject)
    await page.locator("input[name=password]").fill("any")
    await page.locator("button[type=submit]").click()
    await page.locator("input[name=prompt][value=consent]").wait_for(state="attached")
    await page.locator("button[type=submit]").click()
    await page.wait_for_url(re.compile(re.escape(company.house.url)))


@LOOKS
async def test_somebody_comes_in_through_the_provider_and_is_where_they_wanted_to_be(
    visit: Visit, company: Firm, look: dict[str, object], into: str
) -> None:
    ada = await visit(company.house.url, **look)
    page = await ada.go("/policy/history?x=1")
    assert await ada.axe() == []
    await ada.snap(f"oidc-1-login-{len(look)}")
    await page.get_by_role("link", name=into).click()
    await through(ada, company, "u1")
    await page.wait_for_url(f"{company.house.url}/policy/history?x=1")
    await expect(page.locator("#side .who")).to_contain_text("ada")
    ada.expected.add(503)  # no audit service answers here
    await ada.snap(f"oidc-2-in-{len(look)}")


async def test_whom_no_group_gives_a_role_reads_so_and_is_not_in(visit: Visit, company: Firm) -> None:
    nobody = await visit(company.house.url)
    nobody.expected = {401, 403}
    page = await nobody.go("/login")
    await page.get_by_role("link", name="Log in with Example").click()
    await through(nobody, company, "u3")
    await page.get_by_text("None of your groups may do anything here").wait_for()
    await nobody.snap("oidc-3-nobody")
    await nobody.go("/policy")
    assert "/login" in page.url
