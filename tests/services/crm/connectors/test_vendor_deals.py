"""Deals and activities of connectors that were made by documentation: what they send, and what they make of answers."""

from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from google.protobuf.duration_pb2 import Duration

from gateway.rpc.times import timestamp
from pilote.crm.v1.activity_pb2 import ACTIVITY_TYPE_CALL, ACTIVITY_TYPE_MEETING, Activity
from pilote.crm.v1.activity_service_pb2 import CreateActivityRequest, ListActivitiesRequest
from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceStub
from pilote.crm.v1.deal_pb2 import DEAL_STAGE_DISCOVERY, DEAL_STAGE_LOST, DEAL_STAGE_QUALIFICATION, DEAL_STAGE_WON, Deal
from pilote.crm.v1.deal_service_pb2 import CreateDealRequest, ListDealsRequest, UpdateDealRequest
from pilote.crm.v1.deal_service_pb2_grpc import DealServiceStub
from services.crm.connectors.exchange import Answer
from services.crm.connectors.names import segment
from tests.services.crm.connectors.documented import documented, ok
from tests.services.refusals import refused

_CLOSE: Final = timestamp(1_798_675_200_000)
_CONTACT: Final = f"contacts/{segment('003000000000001AAA')}"
_DEAL: Final = f"deals/{segment('006000000000001AAA')}"
_LOGIN: Final = """\
  kind: oauth2
  grant: client_credentials
  token_url: https://{domain}.my.salesforce.com/services/oauth2/token
  client_id: id
  client_secret: secret
"""
_SALESFORCE: Final = {_LOGIN: "  kind: bearer\n  secret: secret\n"}
"""Its login asks for a token, which nobody here would answer."""
_LEAD: Final = {
    "id": 7,
    "name": "Renewal",
    "partner_id": [25, "Ada"],
    "won_status": "pending",
    "expected_revenue": 19.99,
    "company_currency": [1, "EUR"],
    "date_deadline": "2026-12-31",
    "date_closed": False,
    "write_date": "2026-01-31 08:00:00",
}
_OPPORTUNITY: Final = {
    "Id": "006000000000001AAA",
    "ContactId": "003000000000001AAA",
    "Name": "Renewal",
    "StageName": "Perception Analysis",
    "Amount": 19.99,
    "CloseDate": "2026-12-31",
    "LastModifiedDate": "2026-01-31T08:00:00.000+0000",
}


def _deal(contact: str, **fields: object) -> Deal:
    return Deal(contact=contact, title="Renewal", amount_cents=1999, expected_close_time=_CLOSE, **fields)  # type: ignore[arg-type]


async def test_a_deal_of_odoo_is_made_for_a_partner_by_number(tmp_path: Path) -> None:
    async with documented("odoo", tmp_path, ok([7]), ok([_LEAD])) as (system, vendor):
        wanted = _deal("contacts/25", currency_code="EUR")
        made = (await DealServiceStub(system.channel).CreateDeal(CreateDealRequest(deal=wanted))).deal
    assert vendor.body(0)["vals_list"] == [
        {
            "name": "Renewal", "partner_id": 25, "expected_revenue": 19.99, "date_deadline": "2026-12-31",
            "type": "opportunity",
        }
    ]  # fmt: skip
    assert (made.name, made.contact, made.stage) == ("deals/7", "contacts/25", DEAL_STAGE_QUALIFICATION)
    assert (made.amount_cents, made.currency_code, made.expected_close_time) == (1999, "EUR", _CLOSE)
    assert not made.HasField("close_time")


@pytest.mark.parametrize(
    ("deal", "field"),
    [
        (_deal("contacts/25", currency_code="USD"), "deal.currency_code"),
        (_deal("contacts/25", currency_code="EUR", stage=DEAL_STAGE_WON), "deal.stage"),
        (_deal("contacts/ada", currency_code="EUR"), "contact"),
    ],
    ids=["another currency", "a stage", "a contact without a number"],
)
async def test_what_odoo_would_get_wrong_is_refused_and_not_sent(tmp_path: Path, deal: Deal, field: str) -> None:
    async with documented("odoo", tmp_path) as (system, vendor):
        with refused() as refusal:
            await DealServiceStub(system.channel).CreateDeal(CreateDealRequest(deal=deal))
    assert (refusal.fields, vendor.sent) == ((field,), [])


async def test_deals_of_odoo_are_listed_with_those_that_are_lost(tmp_path: Path) -> None:
    lost = {**_LEAD, "won_status": "lost", "partner_id": False, "expected_revenue": 0.0, "date_deadline": False}
    async with documented("odoo", tmp_path, ok([lost]), ok([])) as (system, vendor):
        deals = DealServiceStub(system.channel)
        found = (await deals.ListDeals(ListDealsRequest(stage=DEAL_STAGE_LOST, contact="contacts/25"))).deals[0]
        await deals.ListDeals(ListDealsRequest())
    assert (found.stage, found.contact, found.amount_cents) == (DEAL_STAGE_LOST, "", 0)
    assert vendor.body(0)["domain"] == [
        ["type", "=", "opportunity"],
        ["partner_id", "=", 25],
        ["won_status", "=", "lost"],
    ]
    assert vendor.body(0)["context"] == {"active_test": False}
    assert vendor.body(1)["domain"] == [["type", "=", "opportunity"]]


async def test_a_deal_of_salesforce_has_the_currency_that_its_operator_says(tmp_path: Path) -> None:
    answers = (
        ok({"id": _OPPORTUNITY["Id"], "success": True}),
        ok(_OPPORTUNITY),
        Answer(204, {}, None),
        ok(_OPPORTUNITY),
    )
    async with documented("salesforce", tmp_path, *answers, changed=_SALESFORCE) as (system, vendor):
        deals = DealServiceStub(system.channel)
        made = (
            await deals.CreateDeal(
                CreateDealRequest(deal=_deal(_CONTACT, currency_code="EUR", stage=DEAL_STAGE_DISCOVERY))
            )
        ).deal
        with refused() as refusal:
            await deals.CreateDeal(CreateDealRequest(deal=Deal(contact=_CONTACT, title="Renewal")))
        changed = Deal(name=made.name, amount_cents=2000, currency_code="EUR")
        await deals.UpdateDeal(UpdateDealRequest(deal=changed))
    assert vendor.body(0) == {
        "ContactId": "003000000000001AAA", "Name": "Renewal", "StageName": "Needs Analysis", "Amount": 19.99,
        "CloseDate": "2026-12-31",
    }  # fmt: skip
    assert (made.contact, made.stage, made.currency_code) == (_CONTACT, DEAL_STAGE_DISCOVERY, "EUR")
    assert refusal.fields == ("deal.stage", "deal.expected_close_time")
    assert vendor.body(2) == {"Amount": 20}


async def test_a_stage_that_is_several_at_salesforce_is_asked_for_as_all_of_them(tmp_path: Path) -> None:
    async with documented("salesforce", tmp_path, ok({"records": []}), changed=_SALESFORCE) as (system, vendor):
        request = ListDealsRequest(stage=DEAL_STAGE_QUALIFICATION, contact=_CONTACT, page_size=2)
        await DealServiceStub(system.channel).ListDeals(request)
    query = parse_qs(urlsplit(vendor.sent[0].url).query)["q"][0]
    assert " AND ContactId = '003000000000001AAA' AND StageName IN ('Qualification','Prospecting') ORDER BY" in query


async def test_a_call_of_salesforce_is_a_task_that_is_done(tmp_path: Path) -> None:
    task = {
        "Id": "00T000000000001AAA", "WhoId": "003000000000001AAA", "WhatId": "001000000000001AAA",
        "TaskSubtype": "Call", "Subject": "Talked", "ActivityDate": "2026-12-31", "CallDurationInSeconds": 90,
    }  # fmt: skip
    answers = (ok({"id": task["Id"]}), ok(task), ok({"records": [task]}))
    async with documented("salesforce", tmp_path, *answers, changed=_SALESFORCE) as (system, vendor):
        activities = ActivityServiceStub(system.channel)
        wanted = Activity(
            contact=_CONTACT, deal=_DEAL, type=ACTIVITY_TYPE_CALL, title="Talked", start_time=_CLOSE,
            duration=Duration(seconds=90),
        )  # fmt: skip
        made = (await activities.CreateActivity(CreateActivityRequest(activity=wanted))).activity
        listing = ListActivitiesRequest(contact=_CONTACT, type=ACTIVITY_TYPE_CALL, page_size=2)
        listed = (await activities.ListActivities(listing)).activities
        wanted.type = ACTIVITY_TYPE_MEETING
        with refused() as refusal:
            await activities.CreateActivity(CreateActivityRequest(activity=wanted))
    assert vendor.body(0) == {
        "WhoId": "003000000000001AAA", "WhatId": "006000000000001AAA", "TaskSubtype": "Call", "Subject": "Talked",
        "ActivityDate": "2026-12-31", "CallDurationInSeconds": 90, "Status": "Completed",
    }  # fmt: skip
    assert b'"CallDurationInSeconds":90,' in (vendor.sent[0].body or b""), "a whole number, which it wants"
    assert (made.contact, made.duration.seconds, made.deal) == (_CONTACT, 90, ""), "an account is no deal"
    assert list(listed) == [made]
    query = parse_qs(urlsplit(vendor.sent[2].url).query)["q"][0]
    assert " FROM Task WHERE Who.Type = 'Contact' AND Id > " in query
    assert " AND WhoId = '003000000000001AAA' AND TaskSubtype = 'Call' ORDER BY Id LIMIT 2" in query
    assert refusal.reason == "ARGUMENT_INVALID"
