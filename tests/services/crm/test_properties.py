"""What holds for any paging and any update mask."""

import sqlite3
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import CallEnded, Reason
from pilote.crm.v1.contact_pb2 import Contact
from services.crm import contracts, paging
from services.crm.contacts import Contacts

_CHANGING = ("display_name", "email", "company", "tags", "attributes", "lifecycle_stage")
_texts = st.text(st.characters(codec="utf-8"), max_size=5)
_contacts = st.builds(
    Contact,
    display_name=_texts,
    email=_texts,
    company=_texts,
    tags=st.lists(_texts, max_size=3),
    attributes=st.dictionaries(_texts, _texts, max_size=3),
    lifecycle_stage=st.integers(0, 6),
)


@given(count=st.integers(0, 25), size=st.integers(1, 30), companies=st.integers(1, 3))
def test_pages_hold_every_match_once_in_order(count: int, size: int, companies: int) -> None:
    contacts, connection = Contacts(), sqlite3.connect(":memory:")
    for statement in contacts.schema():
        connection.execute(statement)
    for n in range(count):
        wanted = Contact(display_name="Ada", company=f"C{n % companies}")
        contacts.insert(connection, wanted, wanted_id=f"c{n:03}", now_ms=n)
    names, place = [], 0
    while True:
        page = contacts.page(connection, {"company": "C0"}, after=place, size=size)
        assert len(page.resources) <= size
        names += [contact.name for contact in page.resources]
        if page.next_place is None:
            break
        assert len(page.resources) == size
        place = page.next_place
    connection.close()
    assert names == [f"contacts/c{n:03}" for n in range(0, count, companies)]
    assert all(before < after for before, after in pairwise(names))


@given(st.integers(0, 2**63 - 1), st.dictionaries(_texts, st.one_of(_texts, st.integers(0, 9)), max_size=3))
def test_a_token_leads_back_to_its_place_for_the_same_question_only(after: int, filters: dict[str, str | int]) -> None:
    token = paging.page_token("contacts", filters, after=after)
    assert paging.place_after(token, table="contacts", filters=filters) == after
    with pytest.raises(CallEnded) as caught:
        paging.place_after(token, table="deals", filters=filters)
    assert caught.value.reason is Reason.ARGUMENT_INVALID


@given(st.text(min_size=1))
def test_no_text_at_all_breaks_the_reading_of_tokens(token: str) -> None:
    with pytest.raises(CallEnded) as caught:
        paging.place_after(token, table="contacts", filters={})
    assert caught.value.reason is Reason.ARGUMENT_INVALID


@given(held=_contacts, wanted=_contacts, paths=st.lists(st.sampled_from(_CHANGING), min_size=1, unique=True))
def test_a_mask_changes_its_fields_and_no_others(held: Contact, wanted: Contact, paths: list[str]) -> None:
    result = contracts.updated(held, wanted, paths=paths)
    for field in _CHANGING:
        assert getattr(result, field) == getattr(wanted if field in paths else held, field)


@given(held=_contacts, wanted=_contacts)
def test_without_a_mask_the_fields_that_are_set_change(held: Contact, wanted: Contact) -> None:
    result = contracts.updated(held, wanted, paths=())
    given_fields = {field.name for field, _ in wanted.ListFields()}
    for field in _CHANGING:
        assert getattr(result, field) == getattr(wanted if field in given_fields else held, field)


@given(held=_contacts, wanted=_contacts)
def test_a_star_changes_everything_that_may_change(held: Contact, wanted: Contact) -> None:
    held.name = "contacts/held"
    result = contracts.updated(held, wanted, paths=("*",))
    assert result.name == "contacts/held"
    for field in _CHANGING:
        assert getattr(result, field) == getattr(wanted, field)
