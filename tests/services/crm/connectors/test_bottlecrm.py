"""The BottleCRM connector before a real BottleCRM."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
from google.protobuf.duration_pb2 import Duration

from gateway.rpc.times import timestamp
from pilote.crm.v1.activity_pb2 import (
    ACTIVITY_TYPE_CALL,
    ACTIVITY_TYPE_MEETING,
    ACTIVITY_TYPE_MESSAGE,
    ACTIVITY_TYPE_NOTE,
    Activity,
)
from pilote.crm.v1.activity_service_pb2 import (
    CreateActivityRequest,
    DeleteActivityRequest,
    ListActivitiesRequest,
)
from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceStub
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest, ListContactsRequest
from pilote.crm.v1.deal_pb2 import DEAL_STAGE_PROPOSAL, DEAL_STAGE_WON, Deal, DealStage
from pilote.crm.v1.deal_service_pb2 import (
    CreateDealRequest,
    DeleteDealRequest,
    GetDealRequest,
    ListDealsRequest,
    UpdateDealRequest,
)
from pilote.crm.v1.deal_service_pb2_grpc import DealServiceStub
from services.crm.connectors.conformance import CHECKS, Check, System
from services.crm.connectors.deal_conformance import DEAL_CHECKS
from tests import postgres
from tests.services.crm.connectors.systems import before
from tests.services.refusals import refused
from tests.systems.bottlecrm import BottleCRM, bottlecrm, interpreter

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(postgres.programs() is None, reason="there is no PostgreSQL here"),
]
PLAIN: Final = {"https://{host}": "http://{host}"}
START_MS: Final = 1_769_846_400_000
CLOSE_MS: Final = 1_798_675_200_000
"""A midnight of UTC: it keeps days."""


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BottleCRM]:
    """BottleCRM, for all tests here."""
    python = interpreter()
    if python is None:
        pytest.skip("BottleCRM needs a Python of 3.12 or later on PATH")
    with bottlecrm(python, tmp_path_factory.mktemp("bottlecrm")) as found:
        yield found


@pytest.fixture
async def system(crm: BottleCRM, tmp_path: Path) -> AsyncIterator[System]:
    """The connector before it."""
    environment = {"BOTTLECRM_HOST": crm.host, "BOTTLECRM_TOKEN": crm.token}
    async with before("bottlecrm", environment, tmp_path, changed=PLAIN) as found:
        yield found


@pytest.mark.parametrize("check", [*CHECKS, *DEAL_CHECKS], ids=lambda check: check.__name__)
async def test_bottlecrm_does_what_the_contract_says(system: System, check: Check) -> None:
    await check(system)


async def test_a_deal_is_made_with_a_contact_won_listed_and_deleted(system: System) -> None:
    deals, contact = DealServiceStub(system.channel), await _contact(system)
    wanted = Deal(
        contact=contact, title=f"Renewal {uuid.uuid4().hex}", stage=DEAL_STAGE_PROPOSAL,
        amount_cents=1999, currency_code="EUR", expected_close_time=timestamp(CLOSE_MS),
    )  # fmt: skip
    request = CreateDealRequest(deal=wanted, request_id=uuid.uuid4().hex)
    made = (await deals.CreateDeal(request)).deal
    assert (await deals.CreateDeal(request)).deal == made
    for name in ("contact", "title", "stage", "amount_cents", "currency_code", "expected_close_time"):
        assert getattr(made, name) == getattr(wanted, name), name
    won = (await deals.UpdateDeal(UpdateDealRequest(deal=Deal(name=made.name, stage=DEAL_STAGE_WON)))).deal
    assert (won.stage, won.title, won.contact) == (DEAL_STAGE_WON, wanted.title, contact)
    listed = (await deals.ListDeals(ListDealsRequest(page_size=100))).deals
    assert [deal.stage for deal in listed if deal.name == made.name] == [DEAL_STAGE_WON]
    await deals.DeleteDeal(DeleteDealRequest(name=made.name))
    with refused() as refusal:
        await deals.GetDeal(GetDealRequest(name=made.name))
    assert refusal.reason == "NOT_FOUND"


async def test_a_deal_whose_answer_is_lost_is_found_by_its_title_and_made_once(system: System) -> None:
    deals, contact = DealServiceStub(system.channel), await _contact(system)
    assert system.faults is not None
    system.faults.lose_next_answer()
    wanted = Deal(contact=contact, title=f"Renewal {uuid.uuid4().hex}")
    request = CreateDealRequest(deal=wanted, request_id=uuid.uuid4().hex)
    with refused() as refusal:
        await deals.CreateDeal(request)
    assert refusal.reason == "UPSTREAM_IN_DOUBT"
    made = (await deals.CreateDeal(request)).deal
    assert (made.title, made.contact) == (wanted.title, contact)
    with refused() as refusal:
        await deals.CreateDeal(CreateDealRequest(deal=wanted))
    assert refusal.reason == "ALREADY_EXISTS"


@pytest.mark.parametrize(
    ("contact", "stage", "reason"),
    [("contacts/00000000-0000-4000-8000-000000000000", 0, "NOT_FOUND"), ("", DEAL_STAGE_WON, "ARGUMENT_INVALID")],
    ids=["a contact that is not there", "won without the day and what it was worth"],
)
async def test_a_deal_that_bottlecrm_cannot_keep_is_refused(
    system: System, contact: str, stage: "DealStage.ValueType", reason: str
) -> None:
    deals, title = DealServiceStub(system.channel), uuid.uuid4().hex
    contact = contact or await _contact(system)
    with refused() as refusal:
        await deals.CreateDeal(CreateDealRequest(deal=Deal(contact=contact, title=title, stage=stage)))
    assert refusal.reason == reason
    assert title not in [deal.title for deal in (await deals.ListDeals(ListDealsRequest(page_size=100))).deals]


async def test_calls_and_messages_are_kept_with_their_contact_and_listed_for_it(system: System) -> None:
    activities, contact = ActivityServiceStub(system.channel), await _contact(system)
    made = []
    for kind, channel in ((ACTIVITY_TYPE_CALL, "phone"), (ACTIVITY_TYPE_MESSAGE, "sms"), (ACTIVITY_TYPE_MEETING, "")):
        wanted = Activity(
            contact=contact, type=kind, channel=channel, title="Talked", note="At length",
            start_time=timestamp(START_MS), duration=Duration(seconds=90),
        )  # fmt: skip
        answer = (await activities.CreateActivity(CreateActivityRequest(activity=wanted))).activity
        for name in ("contact", "type", "channel", "title", "note", "start_time", "duration"):
            assert getattr(answer, name) == getattr(wanted, name), name
        made.append(answer)
    first = await activities.ListActivities(ListActivitiesRequest(contact=contact, page_size=2))
    second = await activities.ListActivities(
        ListActivitiesRequest(contact=contact, page_size=2, page_token=first.next_page_token)
    )
    found = [*first.activities, *second.activities]
    assert sorted(each.name for each in found) == sorted(each.name for each in made)
    await activities.DeleteActivity(DeleteActivityRequest(name=made[0].name))
    left = (await activities.ListActivities(ListActivitiesRequest(contact=contact))).activities
    assert made[0].name not in [each.name for each in left]


async def test_activities_are_asked_for_by_contact_and_are_what_bottlecrm_knows(system: System) -> None:
    activities, contact = ActivityServiceStub(system.channel), await _contact(system)
    with refused() as refusal:
        await activities.ListActivities(ListActivitiesRequest())
    assert refusal.fields == ("contact",)
    note = Activity(contact=contact, type=ACTIVITY_TYPE_NOTE, title="Noted")
    with refused() as refusal:
        await activities.CreateActivity(CreateActivityRequest(activity=note))
    assert refusal.reason == "ARGUMENT_INVALID"


async def test_a_token_that_bottlecrm_does_not_know_is_the_operators_matter(crm: BottleCRM, tmp_path: Path) -> None:
    environment = {"BOTTLECRM_HOST": crm.host, "BOTTLECRM_TOKEN": "bcrm_pat_none"}
    async with before("bottlecrm", environment, tmp_path, changed=PLAIN) as found:
        with refused() as refusal:
            await found.contacts.ListContacts(ListContactsRequest())
    assert refusal.reason == "UPSTREAM_UNAVAILABLE"


async def _contact(system: System) -> str:
    wanted = Contact(display_name="Ada Lovelace", email=f"{uuid.uuid4().hex}@example.org")
    return (await system.contacts.CreateContact(CreateContactRequest(contact=wanted))).contact.name
