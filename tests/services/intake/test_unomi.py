"""Events of Apache Unomi become facts and consents as the policy says, and what is none is refused by itself."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.consents import by_channel
from gateway.core.policy.sources import UnomiTold
from services.intake.events import Event, Problem
from services.intake.unomi import PATH, collected
from tests.services.intake.conftest import SOURCE, WRITE_KEY, Answer, Door

UNOMI: Final[dict[str, Any]] = {
    **SOURCE,
    "unomi": {"user": "properties.customerNumber", "identify": ["contactInfoSubmitted"]},
    "facts": {"traits.plan": "traits.plan", "context.target.properties.price": "traits.seen"},
    "consents": [{"place": "context.consents.newsletter", "channels": ["email"], "purpose": "news"}],
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("eventType", "itemId", "scope", "profileId", "source", "target", "properties", "timeStamp")


@pytest.fixture
async def unomi(unruled: Door) -> Door:
    """An intake whose source sends events of Unomi."""
    await unruled.publish(UNOMI)
    return unruled


def told(kind: str, *, item: str = "", at: object = "2026-01-01T00:00:00Z", **properties: object) -> dict[str, Any]:
    return {
        "eventType": kind,
        "itemId": item or None,
        "scope": "shop",
        "source": {"itemType": "site", "scope": "shop", "itemId": "home"},
        "target": {"itemType": "product", "itemId": "p-1", "properties": {"price": 12}},
        "properties": {"customerNumber": "ada"} | properties,
        "timeStamp": at,
    }


async def send(door: Door, *events: Any) -> Answer:
    return await door.send(PATH, {"sessionId": "s-1", "profileId": "visitor", "events": list(events)})


async def test_events_become_facts_by_the_mapping_of_the_policy(unomi: Door) -> None:
    status, answer = await send(unomi, told("contactInfoSubmitted", plan="pro"), told("view"))
    assert (status, answer["accepted"], answer["rejected"]) == (200, 2, [])
    facts = await unomi.facts()
    assert facts is not None
    assert facts.traits == {"plan": "pro", "seen": "12"}


async def test_an_event_is_taken_once_by_its_item_id_and_a_late_one_overwrites_nothing(unomi: Door) -> None:
    await send(unomi, told("contactInfoSubmitted", item="i-1", at=1_767_312_000_000, plan="pro"))
    await send(unomi, told("contactInfoSubmitted", item="i-2", plan="old"))
    assert (await send(unomi, told("contactInfoSubmitted", item="i-1", plan="free")))[1]["repeated"] == 1
    facts = await unomi.facts()
    assert facts is not None
    assert facts.traits["plan"] == "pro"


async def test_a_consent_that_is_modified_is_put_on_record(unomi: Door) -> None:
    for status, wanted, at in (("GRANTED", True, 1), ("REVOKED", False, 2), ("GRANTED", True, 3), ("DENIED", False, 4)):
        consent = {"typeIdentifier": "newsletter", "scope": "shop", "status": status}
        await send(unomi, told("modifyConsent", at=f"2026-01-0{at}T00:00:00Z", consent=consent))
        facts = await unomi.facts()
        assert facts is not None
        assert by_channel(facts.consent_records) == {"email/news": wanted}, status


async def test_the_key_may_stand_where_unomis_clients_send_theirs(unomi: Door) -> None:
    async with unomi.http.post(f"{unomi.url}{PATH}", json={"events": []}, headers={"x-unomi-peer": WRITE_KEY}) as got:
        assert got.status == 200
    async with unomi.http.post(f"{unomi.url}{PATH}", json={"events": []}, headers={"x-unomi-peer": "other"}) as got:
        assert got.status == 401


async def test_what_is_no_event_is_refused_by_itself(unomi: Door) -> None:
    bad: tuple[Any, ...] = (
        {"properties": {}},
        {"eventType": 5},
        "view",
        told("view", at="yesterday"),
        told("view", at=10**30),
        None,
    )
    status, answer = await send(unomi, *bad, told("view"))
    assert (status, answer["accepted"]) == (200, 1)
    reasons = [(each["index"], each["reason"]) for each in answer["rejected"]]
    assert reasons == [(0, "NAMELESS"), (1, "KIND"), (2, "KIND"), (3, "KIND"), (4, "KIND"), (5, "KIND")]
    for body, reason in ((b"{", "MALFORMED"), (b"[]", "KIND"), (b'{"events": {}}', "KIND"), (b"{}", "KIND")):
        status, answer = await unomi.send(PATH, body)
        assert (status, answer["reason"]) == (400, reason), body


async def test_a_visitor_without_a_name_leaves_nothing(unomi: Door) -> None:
    assert (await send(unomi, told("view") | {"properties": {}}))[1]["anonymous"] == 1


async def test_a_source_without_a_mapping_is_told_so(door: Door) -> None:
    status, answer = await send(door, told("view"))
    assert (status, answer["reason"]) == (403, "UNOMI")


@given(
    st.lists(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), json_values, max_size=6), max_size=3),
    st.sampled_from(["profileId", "properties.id", "source.itemId", "target.properties.a.b"]),
)
def test_whatever_comes_is_an_event_or_a_problem(events: list[Any], user: str) -> None:
    body = msgspec.json.encode({"sessionId": "s", "events": events})
    found = collected(body, UnomiTold(user=user, identify=("a",)))
    assert not isinstance(found, Problem)
    assert len(found) == len(events)
    assert all(isinstance(each, Event | Problem) for each, _ in found)


@given(st.binary(max_size=60))
def test_whatever_bytes_come_are_read_or_refused(body: bytes) -> None:
    collected(body, UnomiTold())
