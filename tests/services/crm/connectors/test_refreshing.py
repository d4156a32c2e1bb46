"""Logins by refresh tokens that are good for one use."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest, ListContactsRequest
from services.crm.connectors.conformance import CHECKS, Check
from tests.services.crm.connectors.conftest import Bench, bench
from tests.services.refusals import refused

_CHANGED: Final = {
    "  secret: {env: VENDOR_SECRET}\n": "  secret: {env: VENDOR_SECRET}\n  refresh: {env: VENDOR_REFRESH}\n",
    "  kind: oauth2\n": "  kind: oauth2\n  grant: refresh_token\n  refresh_token: refresh\n",
}


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Bench]:
    """Before a vendor whose token endpoint replaces the refresh token each time, and takes no old one."""
    async with bench("rest.yaml", tmp_path, changed=_CHANGED) as opened:
        yield opened


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_login_by_refresh_token_does_what_the_contract_says(found: Bench, check: Check) -> None:
    await check(found.system)


async def test_the_refresh_token_that_comes_is_what_the_next_refresh_shows(found: Bench) -> None:
    for count in range(1, 5):
        await found.system.contacts.ListContacts(ListContactsRequest())
        assert (found.vendor.logins, found.vendor.refresh_token) == (count, f"refresh-{count}")
        found.vendor.expire()


async def test_many_calls_at_once_use_one_refresh_token_once(found: Bench) -> None:
    contacts = found.system.contacts
    await contacts.CreateContact(CreateContactRequest(contact=Contact(display_name="Ada")))
    for count in (2, 3):
        found.vendor.expire()
        pages = await asyncio.gather(*(contacts.ListContacts(ListContactsRequest()) for _ in range(50)))
        assert {len(page.contacts) for page in pages} == {1}
        assert found.vendor.refresh_token == f"refresh-{count}"


async def test_a_refresh_token_that_is_taken_no_more_is_the_operators_matter(found: Bench) -> None:
    found.vendor.refresh_token = "another"
    with refused() as refusal:
        await found.system.contacts.ListContacts(ListContactsRequest())
    assert refusal.reason == "UPSTREAM_UNAVAILABLE"
