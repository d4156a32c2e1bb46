"""A person who is deleted and created anew is still the same person to assignments."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.core.call import Facts
from gateway.core.record import subject_ref
from pilote.crm.v1 import contact_service_pb2 as contacts
from pilote.crm.v1.contact_pb2 import Contact
from services.crm.server import running as crm_running
from tests.e2e.policy import policy
from tests.e2e.world import KEY, World, credential, told


@pytest.fixture
async def crm(empty_world: World, tmp_path: Path) -> AsyncIterator[World]:
    await empty_world.gateway()
    async with crm_running(listen="127.0.0.1:0", home=tmp_path / "crm", drain_seconds=1) as port:
        await empty_world.publish(policy(f"127.0.0.1:{port}"))
        yield empty_world


async def _created(world: World, *, email: str = "", phone: str = "") -> str:
    request = contacts.CreateContactRequest(contact=Contact(display_name="Ada", email=email, phone=phone))
    answer = await told(world.agent().contacts.CreateContact(request, metadata=credential("sales-bot")))
    return str(answer.response.contact.name)


async def _unit(world: World, name: str) -> str:
    ref = subject_ref(KEY, tenant="acme", subject=name)
    stored = await world.redis.get(f"pilote:{{acme/0}}:facts:{ref}")
    return "" if stored is None else msgspec.json.decode(stored, type=Facts).unit


async def test_whoever_is_created_anew_with_the_same_address_is_the_same_person(crm: World) -> None:
    first = await _created(crm, email="Ada@Example.org")
    await told(
        crm.agent().contacts.DeleteContact(contacts.DeleteContactRequest(name=first), metadata=credential("sales-bot"))
    )
    second = await _created(crm, email="ADA@example.org")
    assert first != second
    assert await _unit(crm, first) == await _unit(crm, second) != ""


async def test_two_people_are_two_and_whoever_names_no_address_is_nobody(crm: World) -> None:
    ada, grace = await _created(crm, email="ada@example.org"), await _created(crm, email="grace@example.org")
    assert await _unit(crm, ada) != await _unit(crm, grace)
    assert await _unit(crm, await _created(crm, phone="+33612345678")) == ""


async def test_the_address_itself_is_kept_nowhere(crm: World) -> None:
    await _created(crm, email="ada@example.org")
    for key in await crm.redis.keys("*:facts:*"):
        assert "example.org" not in str(await crm.redis.get(key))
