"""Lists that are paged by number, by `Link` headers and by next URLs, before a vendor that is really there."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest, ListContactsRequest
from services.crm.connectors import conformance
from services.crm.connectors.listing import next_link
from tests.services.crm.connectors.conftest import Bench, bench
from tests.services.refusals import refused

_BY_CURSOR: Final = """
    path: /api/people
    query: {limit: =page.size, after: =page.token, email: =filter.email}
    answer: results
    paging: {style: cursor, next: next, max_size: 50}
"""
_STYLES: Final = {
    "page": "/api/by-page\n    query: {size: =page.size, page: =page.number}\n    paging: {style: page}\n",
    "link": "/api/by-link\n    query: {size: =page.size}\n    paging: {style: link}\n",
    "url": "/api/by-url\n    query: {size: =page.size}\n    answer: items\n    paging: {style: url, next: next}\n",
}
_CHECKS: Final = (conformance.pages_hold_everything_once, conformance.page_of_another_list_is_refused)
_styled = pytest.mark.parametrize("style", list(_STYLES))


def _changed(style: str) -> dict[str, str]:
    return {_BY_CURSOR: f"\n    path: {_STYLES[style]}"}


async def _pages(found: Bench, size: int) -> list[list[str]]:
    pages, token = list[list[str]](), ""
    while not pages or token:
        page = await found.system.contacts.ListContacts(ListContactsRequest(page_size=size, page_token=token))
        pages.append([contact.display_name for contact in page.contacts])
        token = page.next_page_token
    return pages


async def _make(found: Bench, count: int) -> list[str]:
    names = [f"Ada {number}" for number in range(count)]
    for name in names:
        await found.system.contacts.CreateContact(CreateContactRequest(contact=Contact(display_name=name)))
    return names


@_styled
@pytest.mark.parametrize("check", _CHECKS, ids=lambda check: check.__name__)
async def test_every_style_does_what_the_contract_says(style: str, check: conformance.Check, tmp_path: Path) -> None:
    async with bench("rest.yaml", tmp_path, changed=_changed(style)) as found:
        await check(found.system)


@_styled
async def test_every_number_of_people_is_listed_in_order_whatever_the_size_of_pages(style: str, tmp_path: Path) -> None:
    async with bench("rest.yaml", tmp_path, changed=_changed(style)) as found:
        assert await _pages(found, 2) == [[]]
        names: list[str] = []
        for count in (1, 2, 4):
            names += [f"{count} {name}" for name in await _make(found, count)]
            wanted = [name.split(" ", maxsplit=1)[1] for name in names]
            for size in (1, 2, 3, 7, 8):
                pages = await _pages(found, size)
                assert [name for page in pages for name in page] == wanted
                assert all(len(page) <= size for page in pages)


async def test_a_page_after_a_counted_one_has_its_size_whatever_is_asked(tmp_path: Path) -> None:
    async with bench("rest.yaml", tmp_path, changed=_changed("page")) as found:
        names = await _make(found, 5)
        contacts = found.system.contacts
        first = await contacts.ListContacts(ListContactsRequest(page_size=2))
        second = await contacts.ListContacts(ListContactsRequest(page_size=50, page_token=first.next_page_token))
    assert [contact.display_name for contact in second.contacts] == names[2:4]


@pytest.mark.parametrize("style", ["link", "url"])
async def test_next_pages_may_have_whole_urls_of_the_same_host_and_of_no_other(style: str, tmp_path: Path) -> None:
    async with bench("rest.yaml", tmp_path, changed=_changed(style)) as found:
        names = await _make(found, 3)
        found.vendor.linked_at = found.url
        assert await _pages(found, 2) == [names[:2], names[2:]]
        found.vendor.linked_at = "http://127.0.0.1:9"
        with refused() as refusal:
            await _pages(found, 2)
        assert refusal.reason == "UPSTREAM_FAILED"


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ("", None),
        ('<https://a.example/?p=1>; rel="prev"', None),
        ('<https://a.example/?p=2>; rel="next"', "https://a.example/?p=2"),
        ("<https://a.example/?p=2>;rel=next", "https://a.example/?p=2"),
        ('</?p=2,3>; title="x"; REL="NEXT"', "/?p=2,3"),
        ('</?p=1>; rel="prev", </?p=3>; rel="next", </?p=9>; rel="last"', "/?p=3"),
        ('</?p=3>; rel="next"; title="a, b", </?p=9>; rel="last"', "/?p=3"),
        ('</?p=3>; title="a, b"; rel="next"', "/?p=3"),
        ('</?p=3>; rel="prefetch next"', "/?p=3"),
        ('</?p=1>; rel="nextish"', None),
        ('</?p=1>; title="rel=next"', None),
    ],
)
def test_the_next_page_is_found_in_a_link_header(header: str, url: str | None) -> None:
    assert next_link(header) == url


@given(st.text(max_size=300) | st.text(alphabet='<>;,="rel next', max_size=60))
def test_no_link_header_makes_reading_it_fail(header: str) -> None:
    assert (next_link(header) or "") in header
