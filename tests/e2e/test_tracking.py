"""What customers did is told by agents through the gateway, and kept of the contact that it is about, once."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import msgspec
import pytest
from google.rpc import error_details_pb2

from gateway.adapters.consents import ConsentStore
from gateway.clock import clock_ms
from gateway.core import keys
from gateway.core.consents import Consent
from gateway.core.record import CustomerOutcome, subject_ref
from pilote.tracking.v1.event_pb2 import Event
from pilote.tracking.v1.event_service_pb2 import ListEventsRequest, TrackEventRequest, TrackEventsRequest
from pilote.tracking.v1.event_service_pb2_grpc import EventServiceStub
from services.intake.server import Options, running
from tests.e2e.policy import policy
from tests.e2e.requests import ADA, send
from tests.e2e.world import KEY, Auditor, Told, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")
GRACE = "contacts/grace-hopper"
OPENED = {"event": "Email Opened", "type": "opened", "consent": "email/tracking"}
SOURCE = {
    "name": "cdp", "tenant": "acme", "keys": [{"id": "k1", "sha256": "0" * 64}], "outcomes": [OPENED],
}  # fmt: skip
STREAM = keys.outcomes(keys.cell("acme"))


@pytest.fixture
async def tracking(world: World, upstream: FakeUpstream, auditor: Auditor) -> AsyncIterator[Any]:
    """The stub of an agent; what sources tell of opened mails is kept of those who agreed to it."""
    options = Options(
        listen="127.0.0.1:0", grpc_listen="127.0.0.1:0", redis_url=world.redis_url, pseudonym_key=KEY, drain_seconds=1,
        audit=auditor.address, home=world.home / "intake",
    )  # fmt: skip
    async with running(options) as ports:
        data = policy(upstream.address, sources=[SOURCE])
        data["upstreams"] += [{"name": "intake", "address": f"127.0.0.1:{ports.grpc}", "timeout": "10s"}]
        arms = [{"name": "intake", "upstream": "intake"}]
        data["routes"] += [{"name": "tracking", "methods": ["/pilote.tracking.v1.*"], "arms": arms}]
        # An earlier policy would do for most of what is asked, but knows of no consents.
        await world.run_by("intake", await world.publish(data))
        await world.redis.xgroup_create(STREAM, "test", id="0", mkstream=True)  # so that nobody trims it
        yield EventServiceStub(world.channel())


def clicked(decision: str = "", *, customer: str = ADA, kind: str = "clicked", **fields: Any) -> Event:
    return Event(customer=customer, type=kind, properties={"decision_id": decision} if decision else {}, **fields)


def wrong_in(refused: Told) -> list[str]:
    return [each.field for each in refused.detail(error_details_pb2.BadRequest).field_violations]


async def kept(world: World) -> list[CustomerOutcome]:
    entries: Any = await world.redis.xrange(STREAM)
    return [msgspec.json.decode(entry[b"r"], type=CustomerOutcome) for _, entry in entries]


async def contacted(world: World, auditor: Auditor, customer: str = ADA) -> str:
    """The decision id of a mail to a customer, once the audit service knows it."""
    sent = await told(world.agent().messages.SendMessage(send(customer), metadata=SALES))
    await auditor.decision(sent.decision)
    return sent.decision


async def test_an_event_is_kept_of_the_contact_that_it_names_or_else_of_the_last_one(
    world: World, auditor: Auditor, tracking: Any
) -> None:
    first, last = await contacted(world, auditor), await contacted(world, auditor)
    named = TrackEventRequest(event=clicked(first), request_id="r-1")
    answer = (await tracking.TrackEvent(named, metadata=SALES)).event
    assert answer.name.startswith("events/")
    assert (answer.customer, answer.HasField("event_time"), answer.HasField("create_time")) == (ADA, True, True)
    assert (await tracking.TrackEvent(named, metadata=SALES)).event == answer
    bought = clicked(kind="converted", value_cents=1_990, currency_code="EUR")
    bought.properties["channel"] = "email"
    await tracking.TrackEvent(TrackEventRequest(event=bought), metadata=SALES)
    found = {(each.decision, each.type, each.revenue_cents, each.currency, each.reporter) for each in await kept(world)}
    assert found == {(first, "clicked", 0, "", "sales-bot"), (last, "converted", 1_990, "EUR", "sales-bot")}
    assert len(await kept(world)) == 2
    survey = clicked(kind="answered")
    survey.properties.update({"question": "nps", "answer": "9"})
    await tracking.TrackEvent(TrackEventRequest(event=survey), metadata=SALES)
    assert [(each.decision, each.question, each.answer) for each in await kept(world)][2:] == [(last, "nps", "9")]


async def test_of_many_events_wrong_ones_are_told_and_stop_no_other(
    world: World, auditor: Auditor, tracking: Any
) -> None:
    decision = await contacted(world, auditor)
    events = [
        clicked(decision),
        clicked(decision, kind="page_viewed"),
        clicked(customer=GRACE),
        clicked(decision, kind="opened"),
        clicked(decision, kind="replied"),
    ]
    request = TrackEventsRequest(events=events, request_id="batch-1")
    answer = (await told(tracking.TrackEvents(request, metadata=SALES))).response
    assert answer.tracked_count == 2
    assert [(each.position, each.error.code) for each in answer.failures] == [
        (1, grpc.StatusCode.INVALID_ARGUMENT.value[0]),
        (2, grpc.StatusCode.NOT_FOUND.value[0]),
        (3, grpc.StatusCode.FAILED_PRECONDITION.value[0]),
    ]
    ref = subject_ref(KEY, tenant="acme", subject=ADA)
    yes = Consent(channel="email", purpose="tracking", status="granted", captured_ms=1)
    await ConsentStore(world.redis).say("acme", ref, statements=(yes,), now_ms=clock_ms())
    request.request_id = ""
    again = (await told(tracking.TrackEvents(request, metadata=SALES))).response
    assert (again.tracked_count, [each.position for each in again.failures]) == (3, [1, 2])
    assert sorted(each.type for each in await kept(world)).count("opened") == 1


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (clicked(customer="ada"), "event.customer"),
        (clicked("nonsense"), "event.properties.decision_id"),
        (clicked(message="messages/m1"), "event.message"),
        (clicked(value_cents=5), "event.currency_code"),
        (Event(customer=ADA, type="answered", properties={"question": "nps"}), "event.properties.answer"),
        (Event(customer=ADA, type="clicked", properties={"answer": "9"}), "event.properties.answer"),
        (clicked(value_cents=10**15 + 1, currency_code="EUR"), "event.value_cents"),
        (
            Event(customer=ADA, type="clicked", properties={"channel": 'x" OR tenant = "globex'}),
            "event.properties.channel",
        ),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(tracking: Any, event: Event, field: str) -> None:
    refused = await told(tracking.TrackEvent(TrackEventRequest(event=event), metadata=SALES))
    assert (refused.code, wrong_in(refused)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_damaged_facts_are_told_with_what_to_do(tracking: Any, world: World, auditor: Auditor) -> None:
    decision = await contacted(world, auditor)
    ref = subject_ref(KEY, tenant="acme", subject=ADA)
    await world.redis.set(keys.facts(keys.cell("acme"), ref), b"{")
    request = TrackEventRequest(event=clicked(decision, kind="opened"))
    ended = await told(tracking.TrackEvent(request, metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FACTS_DAMAGED")
    assert "pilote facts import --replace-damaged" in ended.text


async def test_an_event_of_the_future_is_refused_and_lists_say_where_events_are(tracking: Any) -> None:
    early = clicked()
    early.event_time.FromMilliseconds(clock_ms() + 3_600_000)
    refused = await told(tracking.TrackEvent(TrackEventRequest(event=early), metadata=SALES))
    assert wrong_in(refused) == ["event.event_time"]
    listed = await told(tracking.ListEvents(ListEventsRequest(customer=ADA), metadata=SALES))
    assert listed.reason == "NOT_BUILT"
