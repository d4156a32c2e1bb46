"""What is special about deals."""

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from pilote.crm.v1.deal_pb2 import DEAL_STAGE_PROPOSAL, DEAL_STAGE_QUALIFICATION, DEAL_STAGE_WON, Deal
from pilote.crm.v1.deal_service_pb2 import (
    CreateDealRequest,
    DeleteDealRequest,
    GetDealRequest,
    ListDealsRequest,
    UpdateDealRequest,
)
from tests.services.crm.conftest import Crm
from tests.services.refusals import refused


async def _deal(crm: Crm, **fields: object) -> Deal:
    wanted = Deal(contact="contacts/ada", title="Licences", **fields)  # type: ignore[arg-type]
    return (await crm.deals.CreateDeal(CreateDealRequest(deal=wanted))).deal


async def test_a_deal_needs_a_contact_that_exists(crm: Crm) -> None:
    with refused() as refusal:
        await _deal(crm)
    assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_an_amount_needs_a_currency_and_may_not_be_negative(crm: Crm) -> None:
    await crm.contact("ada")
    with refused() as refusal:
        await _deal(crm, amount_cents=-1)
    assert set(refusal.fields) == {"deal.amount_cents", "deal.currency_code"}


async def test_a_won_deal_says_when_and_stays_won(crm: Crm) -> None:
    await crm.contact("ada")
    deal = await _deal(crm, stage=DEAL_STAGE_PROPOSAL)
    assert not deal.HasField("close_time")
    crm.clock.now_ms += 1_000
    won = Deal(name=deal.name, stage=DEAL_STAGE_WON)
    deal = (await crm.deals.UpdateDeal(UpdateDealRequest(deal=won))).deal
    assert deal.close_time.ToMilliseconds() == crm.clock.now_ms
    with refused() as refusal:
        back = Deal(name=deal.name, stage=DEAL_STAGE_QUALIFICATION)
        await crm.deals.UpdateDeal(UpdateDealRequest(deal=back))
    assert refusal.fields == ("deal.stage",)


async def test_a_deal_keeps_its_contact(crm: Crm) -> None:
    await crm.contact("ada")
    await crm.contact("bob")
    deal = await _deal(crm)
    with refused() as refusal:
        wanted = Deal(name=deal.name, contact="contacts/bob")
        await crm.deals.UpdateDeal(UpdateDealRequest(deal=wanted, update_mask=FieldMask(paths=["contact"])))
    assert refusal.fields == ("update_mask",)


async def test_deals_are_listed_by_contact_and_stage(crm: Crm) -> None:
    await crm.contact("ada")
    await _deal(crm, stage=DEAL_STAGE_WON)
    await _deal(crm, stage=DEAL_STAGE_PROPOSAL)
    request = ListDealsRequest(contact="contacts/ada", stage=DEAL_STAGE_WON)
    assert len((await crm.deals.ListDeals(request)).deals) == 1
    assert not (await crm.deals.ListDeals(ListDealsRequest(contact="contacts/bob"))).deals


async def test_a_deleted_deal_is_gone(crm: Crm) -> None:
    await crm.contact("ada")
    deal = await _deal(crm)
    await crm.deals.DeleteDeal(DeleteDealRequest(name=deal.name))
    with refused() as refusal:
        await crm.deals.GetDeal(GetDealRequest(name=deal.name))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
