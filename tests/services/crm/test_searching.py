"""Contacts are found by words, as a plain reading of them would find them, and not once they are gone."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import (
    CreateContactRequest,
    DeleteContactRequest,
    ListContactsRequest,
    StreamContactsRequest,
    UpdateContactRequest,
)
from services.crm.contacts import Contacts
from services.crm.server import FILE_NAME, running
from services.crm.words import words_of
from tests.services.crm.conftest import Clock, Crm
from tests.services.refusals import refused

WORDS = ("Éloïse", "eloi", "Straße", "o'neil", "ACME-42", "北京", "x_y", "42")


async def found(crm: Crm, query: str, **filters: str) -> list[str]:
    request = ListContactsRequest(query=query, **filters)  # type: ignore[arg-type]
    return [each.name.removeprefix("contacts/") for each in (await crm.contacts.ListContacts(request)).contacts]


async def made(crm: Crm, contact_id: str, contact: Contact) -> Contact:
    request = CreateContactRequest(contact=contact, contact_id=contact_id)
    return (await crm.contacts.CreateContact(request)).contact


async def test_words_are_found_wherever_they_stand_without_case_and_accents(crm: Crm) -> None:
    await made(crm, "eloise", Contact(display_name="Éloïse Lefèvre", company="Acme", tags=["vip"]))
    await made(crm, "bob", Contact(display_name="Bob", email="bob.lefevre@acme.example", attributes={"src": "Fair 26"}))
    await made(crm, "zed", Contact(display_name="Zed", company="Other", job_title="Acheteur"))
    assert await found(crm, "LEFEVRE") == ["eloise", "bob"]
    assert await found(crm, "acme vip") == ["eloise"]
    assert await found(crm, "fair") == ["bob"]
    assert await found(crm, "ach") == ["zed"]
    assert await found(crm, "acme", company="Acme") == ["eloise"]
    assert await found(crm, "evre") == []
    stream = crm.contacts.StreamContacts(StreamContactsRequest(query="lefevre"))
    assert [each.contact.name async for each in stream] == ["contacts/eloise", "contacts/bob"]


async def test_pages_of_what_is_found_follow_each_other(crm: Crm) -> None:
    for number in range(5):
        await made(crm, f"c{number}", Contact(display_name=f"Ada {number}"))
    request = ListContactsRequest(query="ada", page_size=2)
    names: list[str] = []
    while True:
        page = await crm.contacts.ListContacts(request)
        names += [each.name for each in page.contacts]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert names == [f"contacts/c{number}" for number in range(5)]
    other = ListContactsRequest(query="bob", page_token=request.page_token)
    with refused() as refusal:
        await crm.contacts.ListContacts(other)
    assert refusal.reason == "ARGUMENT_INVALID"


async def test_what_has_changed_is_found_by_its_new_words_and_what_is_erased_by_none(crm: Crm, home: Path) -> None:
    ada = await made(crm, "ada", Contact(display_name="Ada Byron"))
    ada.display_name = "Ada Lovelace"
    await crm.contacts.UpdateContact(UpdateContactRequest(contact=ada))
    assert (await found(crm, "byron"), await found(crm, "lovelace")) == ([], ["ada"])
    await crm.contacts.DeleteContact(DeleteContactRequest(name=ada.name))
    assert await found(crm, "lovelace") == []
    with closing(sqlite3.connect(home / FILE_NAME)) as file:
        assert file.execute("SELECT count(*) FROM contacts_words").fetchone() == (0,)


@pytest.mark.parametrize(
    ("query", "told"),
    [("x" * 201, "at most 200 characters"), (" ".join("abcdefghijk"), "at most 10 words"), ("--", "must have a word")],
)
async def test_a_question_that_cannot_be_answered_is_told_what_to_write(crm: Crm, query: str, told: str) -> None:
    with refused() as refusal:
        await crm.contacts.ListContacts(ListContactsRequest(query=query))
    assert told in refusal.text


async def test_what_an_earlier_version_kept_is_found_too(home: Path) -> None:
    async def served() -> list[str]:
        import grpc

        async with (
            running(listen="127.0.0.1:0", home=home, drain_seconds=1, clock_ms=Clock()) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            crm = Crm(channel, Clock())
            if not home.joinpath("made").exists():
                await made(crm, "ada", Contact(display_name="Ada Lovelace"))
                home.joinpath("made").touch()
            return await found(crm, "love")

    assert await served() == ["ada"]
    with closing(sqlite3.connect(home / FILE_NAME)) as file:
        file.execute("DROP TABLE contacts_words")
    assert await served() == ["ada"]


TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)


@given(
    people=st.dictionaries(st.sampled_from("abcd"), TEXTS, max_size=4),
    query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(lambda some: " ".join(w[:4] for w in some)),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_finds_what_a_plain_reading_finds(people: Mapping[str, str], query: str) -> None:
    contacts = Contacts()
    with closing(sqlite3.connect(":memory:")) as file:
        for statement in contacts.schema():
            file.execute(statement)
        for name, text in people.items():
            contacts.insert(file, Contact(display_name=text), wanted_id=name, now_ms=1)
        page = contacts.page(file, {"query": query}, after=0, size=10)
    asked = words_of(query)
    read = [name for name, text in people.items() if all(_begins(one, words_of(text)) for one in asked)]
    assert [each.name.removeprefix("contacts/") for each in page.resources] == read


def _begins(one: str, words: list[str]) -> bool:
    return any(word.startswith(one) for word in words)
