"""What every connector that has deals must do, as `services.crm.connectors.conformance` has it for contacts."""

import uuid
from typing import Final

import grpc

from gateway.core.errors import Reason
from gateway.rpc.status import reason_from
from gateway.rpc.times import timestamp
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest
from pilote.crm.v1.deal_pb2 import DEAL_STAGE_QUALIFICATION, DEAL_STAGE_UNSPECIFIED, Deal
from pilote.crm.v1.deal_service_pb2 import (
    CreateDealRequest,
    DeleteDealRequest,
    GetDealRequest,
    ListDealsRequest,
    UpdateDealRequest,
)
from services.crm.connectors.conformance import PAGES_AT_MOST, Check, Failed, LeftOut, System, needs, refused, see

_CLOSE_MS: Final = 1_924_905_600_000
"""The midnight, in UTC, by which the deals of the suite are to be closed: many vendors keep no more than the day."""


async def deal_is_read_again(system: System) -> None:
    """A deal is read again as it was made, with its contact."""
    wanted = await _deal(system)
    made = (await system.deals.CreateDeal(CreateDealRequest(deal=wanted))).deal
    found = (await system.deals.GetDeal(GetDealRequest(name=made.name))).deal
    see((found.name, found.title) == (made.name, wanted.title), "the deal is not what was created")
    see(found.contact == wanted.contact, "the deal has another contact")
    see(found.expected_close_time == wanted.expected_close_time, "the deal is to be closed at another time")


async def deal_update_changes_what_is_named(system: System) -> None:
    """An update of a deal changes the fields it names and leaves the others."""
    needs(system, "UpdateDeal")
    wanted = await _deal(system)
    made = (await system.deals.CreateDeal(CreateDealRequest(deal=wanted))).deal
    request = UpdateDealRequest(deal=Deal(name=made.name, title=f"{wanted.title} again"))
    request.update_mask.paths.append("title")
    await system.deals.UpdateDeal(request)
    found = (await system.deals.GetDeal(GetDealRequest(name=made.name))).deal
    see(found.title == f"{wanted.title} again", "the named field has not changed")
    see(
        (found.contact, found.expected_close_time) == (made.contact, made.expected_close_time),
        "a field that was not named has changed",
    )


async def deleted_deal_is_not_found(system: System) -> None:
    """A deal that is deleted is not found any more."""
    needs(system, "DeleteDeal")
    made = (await system.deals.CreateDeal(CreateDealRequest(deal=await _deal(system)))).deal
    await system.deals.DeleteDeal(DeleteDealRequest(name=made.name))
    await refused(system.deals.GetDeal(GetDealRequest(name=made.name)), Reason.NOT_FOUND)


async def deal_with_nobody_is_refused(system: System) -> None:
    """A deal with a contact that is not there is refused, and not made without one."""
    wanted = await _deal(system)
    wanted.contact = "contacts/999999999"
    try:
        await system.deals.CreateDeal(CreateDealRequest(deal=wanted))
    except grpc.aio.AioRpcError as error:
        see(
            reason_from(error) in (Reason.NOT_FOUND, Reason.ARGUMENT_INVALID),
            f"it ended with {reason_from(error)}, not with {Reason.NOT_FOUND} or {Reason.ARGUMENT_INVALID}",
        )
    else:
        raise Failed("it was made")
    see(await _count(system, wanted.title) == 0, "it was made all the same")


async def repeat_makes_one_deal(system: System) -> None:
    """A deal whose request is repeated with its id is made once."""
    request = CreateDealRequest(deal=await _deal(system), request_id=uuid.uuid4().hex)
    first = await system.deals.CreateDeal(request)
    see(await system.deals.CreateDeal(request) == first, "the repeat got another answer")
    see(await _count(system, request.deal.title) == 1, "it was not made once")


async def deal_with_a_lost_answer_is_in_doubt_and_made_once(system: System) -> None:
    """When the answer to a new deal is lost, a repeat with its id does not make another."""
    request = CreateDealRequest(deal=await _deal(system), request_id=uuid.uuid4().hex)
    if system.faults is None:
        raise LeftOut("nothing can be made to go wrong here")
    system.faults.lose_next_answer()
    for _ in range(2):
        try:
            await system.deals.CreateDeal(request)
        except grpc.aio.AioRpcError as error:
            see(reason_from(error) == Reason.UPSTREAM_IN_DOUBT, f"it ended with {reason_from(error)}")
    see(await _count(system, request.deal.title) == 1, "it was not made once")


DEAL_CHECKS: Final[tuple[Check, ...]] = (
    deal_is_read_again,
    deal_update_changes_what_is_named,
    deleted_deal_is_not_found,
    deal_with_nobody_is_refused,
    repeat_makes_one_deal,
    deal_with_a_lost_answer_is_in_doubt_and_made_once,
)


async def _deal(system: System) -> Deal:
    """One that is not made yet, with a contact that is."""
    needs(system, "CreateContact", "CreateDeal", "GetDeal", "ListDeals")
    person = Contact(display_name="Ada Lovelace", email=f"pilote-{uuid.uuid4().hex}@example.org")
    contact = (await system.contacts.CreateContact(CreateContactRequest(contact=person))).contact.name
    stage = DEAL_STAGE_QUALIFICATION if "stage" in system.deals_need else DEAL_STAGE_UNSPECIFIED
    return Deal(
        contact=contact,
        title=f"Pilote {uuid.uuid4().hex}",
        stage=stage,
        expected_close_time=timestamp(_CLOSE_MS),
    )


async def _count(system: System, title: str) -> int:
    token, count = "", 0
    for _ in range(PAGES_AT_MOST):
        page = await system.deals.ListDeals(ListDealsRequest(page_size=100, page_token=token))
        count += sum(deal.title == title for deal in page.deals)
        token = page.next_page_token
        if not token:
            return count
    raise LeftOut(f"there are more than {PAGES_AT_MOST} pages of deals")
