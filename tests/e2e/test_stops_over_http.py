"""Stops are made by who may, for their tenants, with a reason; it is seen how many calls each has stopped."""

from collections.abc import AsyncIterator

import pytest

from gateway.adapters.stops import StopStore
from gateway.core.stops import Stop
from pilote.audit.v1.personal_pb2 import ListNotesRequest
from services.control.access.rights import Role
from tests.e2e.requests import get, send
from tests.e2e.steering import EVERYWHERE, Steering, steering
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")


@pytest.fixture
async def desk(world: World, auditor: Auditor) -> AsyncIterator[Steering]:
    async with steering(world, audit=auditor.address) as found:
        yield found


def stop(what: str = "agent=sales-bot", tenant: str = "acme", reason: str = "it drifts") -> dict[str, str]:
    return {"tenant": tenant, "what": what, "reason": reason}


async def test_a_moderator_stops_an_agent_and_sees_how_many_calls_that_has_stopped(
    desk: Steering, world: World
) -> None:
    agent = world.agent()
    status, made = await desk.ask("POST", "/v1/stops", stop())
    assert status == 201
    (halted,) = made["stops"]
    assert (halted["name"], halted["by"], halted["stoppedCalls"]) == ("stops/acme/agent=sales-bot", "zoe", 0)
    for _ in range(3):
        assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == "STOPPED"

    async def counted() -> bool | None:
        _, listed = await desk.ask("GET", "/v1/stops")
        return [each["stoppedCalls"] for each in listed["stops"]] == [3] or None

    await eventually(counted, what="three calls stopped")
    assert (await told(agent.contacts.GetContact(get(), metadata=credential("marketing-bot")))).reason == ""

    status, lifted = await desk.ask("POST", "/v1/stops:resume", stop(reason="it is mended"))
    assert (status, lifted) == (200, {"stops": ["stops/acme/agent=sales-bot"]})
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""
    assert (await desk.ask("GET", "/v1/stops"))[1] == {"stops": [], "nextPageToken": ""}


async def test_everything_is_stopped_by_who_may_do_so_everywhere_and_nobody_else(desk: Steering, world: World) -> None:
    status, refused = await desk.ask("POST", "/v1/stops", stop("all", "*"))
    assert (status, refused["reason"], refused["right"]) == (403, "RIGHT_MISSING", "stops.make")
    assert (await told(world.agent().contacts.GetContact(get(), metadata=SALES))).reason == ""

    status, made = await desk.ask("POST", "/v1/stops", stop("all", "*"), roles=EVERYWHERE)
    assert (status, [each["tenant"] for each in made["stops"]]) == (201, ["acme", "globex"])
    assert (await told(world.agent().contacts.GetContact(get(), metadata=SALES))).reason == "STOPPED"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (stop("agent"), "what"),
        (stop("agent=ann otter"), "what"),
        (stop(reason=" "), "reason"),
        (stop(reason="x" * 501), "reason"),
    ],
)
async def test_a_mistake_is_named_with_its_field_in_the_readers_language(
    desk: Steering, body: dict[str, str], field: str
) -> None:
    status, refused = await desk.ask("POST", "/v1/stops", body, accept_language="fr")
    assert (status, refused["reason"], refused["mistakes"][0]["path"]) == (400, "ARGUMENT_INVALID", field)
    assert refused["detail"].startswith(("Dites pourquoi", "Rien ne peut être arrêté"))


@pytest.mark.parametrize("body", [None, [], {}, stop() | {"more": 1}, stop(tenant=""), {"tenant": 1}])
async def test_what_is_no_stop_is_refused(desk: Steering, body: object) -> None:
    assert (await desk.ask("POST", "/v1/stops", body))[0] == 400


async def test_a_stop_is_made_once_and_its_reason_is_not_lost(desk: Steering) -> None:
    await desk.ask("POST", "/v1/stops", stop())
    status, refused = await desk.ask("POST", "/v1/stops", stop(reason="me too"), who="bob")
    assert (status, refused["reason"]) == (409, "ALREADY_EXISTS")
    assert "it drifts" in refused["detail"]
    assert (await desk.ask("POST", "/v1/stops:resume", stop("channel=email")))[0] == 404


@pytest.mark.parametrize(
    ("roles", "tenant", "status"),
    [
        ({"acme": [Role.COPILOT]}, "acme", 403),
        ({"other": [Role.MODERATOR]}, "acme", 403),
        ({"*": [Role.SRE]}, "unknown", 404),
        ({"acme": [Role.SRE]}, "unknown", 403),
    ],
)
async def test_who_may_not_there_stops_nothing(
    desk: Steering, roles: dict[str, list[Role]], tenant: str, status: int
) -> None:
    assert (await desk.ask("POST", "/v1/stops", stop(tenant=tenant), roles=roles))[0] == status
    assert (await desk.ask("GET", "/v1/stops"))[1]["stops"] == []


async def test_others_stops_are_not_seen(desk: Steering) -> None:
    await desk.ask("POST", "/v1/stops", stop())
    assert (await desk.ask("GET", "/v1/stops", roles={"other": [Role.MODERATOR]}))[1]["stops"] == []
    assert (await desk.ask("GET", "/v1/stops?tenant=acme", roles={"other": [Role.MODERATOR]}))[0] == 403


async def test_stops_come_page_by_page_the_newest_first(desk: Steering) -> None:
    for each in range(5):
        await desk.ask("POST", "/v1/stops", stop(f"channel=c{each}"))
    found, token = [], ""
    while True:
        _, page = await desk.ask("GET", f"/v1/stops?pageSize=2&pageToken={token}")
        found += [each["what"] for each in page["stops"]]
        token = page["nextPageToken"]
        if not token:
            break
    assert sorted(found) == [f"channel=c{each}" for each in range(5)]
    assert (await desk.ask("GET", "/v1/stops?pageToken=nonsense"))[1]["reason"] == "ARGUMENT_INVALID"


async def test_without_the_audit_service_it_is_not_known_how_many_calls_a_stop_has_stopped(
    world: World, upstream: FakeUpstream
) -> None:
    await StopStore(world.redis).stop("acme", Stop(what="channel=sms", reason="broken", since_ms=1))
    async with steering(world) as desk:
        _, listed = await desk.ask("GET", "/v1/stops")
        assert [(each["what"], each["stoppedCalls"]) for each in listed["stops"]] == [("channel=sms", None)]


async def test_who_stopped_what_and_why_stands_in_the_log(desk: Steering, auditor: Auditor) -> None:
    await desk.ask("POST", "/v1/stops", stop())
    await desk.ask("POST", "/v1/stops:resume", stop(reason="it is mended"))
    notes = (await auditor.stub.ListNotes(ListNotesRequest())).notes
    told = [(each.person, each.change.operation, each.resource, each.reason) for each in reversed(notes)]
    assert told == [
        ("zoe", "create", "stops/acme/agent=sales-bot", "it drifts"),
        ("zoe", "delete", "stops/acme/agent=sales-bot", "it is mended"),
    ]
