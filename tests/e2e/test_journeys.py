"""Journeys through the whole gateway, before a tool that leads people through them: a small one, a real Node-RED."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from pilote.orchestration.v1 import journey_pb2 as pb
from pilote.orchestration.v1.journey_service_pb2 import (
    EnrolCustomerRequest,
    ExitCustomerRequest,
    ListJourneysRequest,
)
from pilote.orchestration.v1.journey_service_pb2_grpc import JourneyServiceStub
from services.crm.connectors.reading import VENDORS, read
from services.crm.connectors.serving import running
from tests.e2e.policy import cap, policy
from tests.e2e.requests import ADA
from tests.e2e.world import World, credential, together, told
from tests.fakes.orchestrator import Orchestrator, node_red, small_orchestrator

pytestmark = pytest.mark.one_store
SALES = credential("sales-bot")
GRACE = "contacts/grace-hopper"


@pytest.fixture(params=["small", pytest.param("node-red", marks=pytest.mark.integration)])
async def orchestrator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Orchestrator]:
    """What leads people through journeys."""
    async with small_orchestrator() if request.param == "small" else node_red(tmp_path / "node-red") as found:
        yield found


@pytest.fixture
async def journeys(empty_world: World, orchestrator: Orchestrator, tmp_path: Path) -> AsyncIterator[Any]:
    """The stub of an agent, whose gateway allows one contact a week with each customer."""
    loaded = read((VENDORS / "nodered.yaml").read_text(encoding="utf-8").replace("https://", "http://"))
    environment = {"NODERED_HOST": f"127.0.0.1:{orchestrator.port}", "NODERED_PASSWORD": "hush"}
    async with running(
        loaded, environment=environment, listen="127.0.0.1:0", home=tmp_path, drain_seconds=1, allow_private=True
    ) as port:
        await empty_world.gateway()
        route = {
            "name": "crm",
            "methods": ["/pilote.orchestration.v1.*"],
            "arms": [{"name": "crm", "upstream": "crm"}],
        }
        await empty_world.publish(policy(f"127.0.0.1:{port}", routes=[route], caps=[cap(1)]))
        yield JourneyServiceStub(empty_world.channel())


def enrol(customer: str = ADA, *, journey: str = "welcome", channel: str = "email", key: str = "") -> Any:
    return EnrolCustomerRequest(
        journey=f"journeys/{journey}", customer=customer, channel=channel, category="marketing",
        parameters={"offer": "spring_24"}, request_id=key,
    )  # fmt: skip


async def inside(journeys: Any) -> int:
    """How many people are in the journey "welcome", as the tool itself says."""
    found = await journeys.ListJourneys(ListJourneysRequest(), metadata=SALES)
    return int(next(each.active_count for each in found.journeys if each.name == "journeys/welcome"))


async def test_a_person_is_enrolled_once_however_often_it_is_asked_and_taken_out_again(
    empty_world: World, journeys: Any
) -> None:
    first = await told(journeys.EnrolCustomer(enrol(key="k-1"), metadata=SALES))
    way = first.response.enrolment
    assert way.name.startswith("journeys/welcome/enrolments/")
    assert (way.customer, way.state, way.HasField("enrol_time")) == (ADA, pb.ENROLMENT_STATE_ACTIVE, True)
    again = await together(*(journeys.EnrolCustomer(enrol(key="k-1"), metadata=SALES) for _ in range(5)))
    assert {each.response.enrolment.name for each in again} == {way.name}
    assert (await empty_world.taken(), await inside(journeys)) == (1, 1)

    leave = ExitCustomerRequest(journey="journeys/welcome", customer=ADA, exit_reason="asked to")
    left = (await journeys.ExitCustomer(leave, metadata=SALES)).enrolment
    assert (left.name, left.state, left.exit_reason) == (way.name, pb.ENROLMENT_STATE_EXITED, "asked to")
    assert left.exit_time.ToMilliseconds() >= way.enrol_time.ToMilliseconds()
    assert await inside(journeys) == 0
    assert not (await journeys.ExitCustomer(leave, metadata=SALES)).HasField("enrolment"), "who is out is ignored"


async def test_an_enrolment_is_a_contact_that_a_cap_counts(empty_world: World, journeys: Any) -> None:
    assert (await told(journeys.EnrolCustomer(enrol(), metadata=SALES))).code is grpc.StatusCode.OK
    refused = await told(journeys.EnrolCustomer(enrol(), metadata=SALES))
    assert refused.reason == "CAP_EXCEEDED"
    assert (await told(journeys.EnrolCustomer(enrol(GRACE), metadata=SALES))).code is grpc.StatusCode.OK
    assert (await empty_world.taken(), await inside(journeys)) == (2, 2)


async def test_what_the_tool_refuses_gives_the_slot_back(empty_world: World, journeys: Any) -> None:
    wanted = {
        "NOT_FOUND": enrol(journey="none"),
        "CONFLICT": enrol(journey="win-back"),
        "ARGUMENT_INVALID": enrol(channel="postal"),
    }
    for number, (reason, request) in enumerate(wanted.items(), start=1):
        assert (await told(journeys.EnrolCustomer(request, metadata=SALES))).reason == reason
        await empty_world.settled(number)
        assert await empty_world.taken() == 0
    assert (await told(journeys.EnrolCustomer(enrol(), metadata=SALES))).code is grpc.StatusCode.OK


async def test_a_tool_that_cannot_be_reached_gives_the_slot_back(
    empty_world: World, journeys: Any, orchestrator: Orchestrator
) -> None:
    await orchestrator.leave()
    failed = await told(journeys.EnrolCustomer(enrol(), metadata=SALES))
    assert failed.reason == "UPSTREAM_UNAVAILABLE"
    await empty_world.settled(1)
    assert await empty_world.taken() == 0


async def test_journeys_are_listed_by_state_and_page_by_page(journeys: Any) -> None:
    active = await journeys.ListJourneys(ListJourneysRequest(state=pb.JOURNEY_STATE_ACTIVE), metadata=SALES)
    (welcome,) = active.journeys
    assert (welcome.name, welcome.display_name, list(welcome.channels)) == (
        "journeys/welcome", "Welcome", ["email", "sms"],
    )  # fmt: skip
    names, token = [], ""
    for _ in range(3):
        page = await journeys.ListJourneys(ListJourneysRequest(page_size=1, page_token=token), metadata=SALES)
        names += [each.name for each in page.journeys]
        token = page.next_page_token
        if not token:
            break
    assert names == ["journeys/welcome", "journeys/win-back"]
