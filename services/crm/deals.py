"""DealService: the chances to sell something."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.rpc.times import timestamp
from pilote.crm.v1 import deal_service_pb2 as pb
from pilote.crm.v1.deal_pb2 import DEAL_STAGE_LOST, DEAL_STAGE_WON, Deal, DealChange
from pilote.crm.v1.deal_service_pb2_grpc import DealServiceServicer
from services.crm import checks
from services.crm.collection import Collection
from services.crm.resources import Resources, Wanted

_FINAL: Final = frozenset((DEAL_STAGE_WON, DEAL_STAGE_LOST))


class Deals(Collection[Deal]):
    """How deals are kept. A deal that is won or lost stays so."""

    kind = Deal
    table = "deals"
    word = "deal"
    id_prefix = "deal"
    limits: ClassVar = {"contact": 80, "title": 200, "currency_code": 3, "owner": 254}
    filters = ("contact", "stage")
    remembered = True

    def problems(self, resource: Deal) -> Iterator[checks.Problem]:
        """An amount out of range or without a currency."""
        if not 0 <= resource.amount_cents <= 10**15:
            yield "amount_cents", "must be 0 to 10^15"
        if resource.amount_cents and not resource.currency_code:
            yield "currency_code", "is required where there is an amount"

    def complete(self, resource: Deal, *, before: Deal | None, now: Timestamp) -> Iterator[checks.Problem]:
        """Note when the deal was won or lost."""
        if before is not None and before.stage in _FINAL and resource.stage != before.stage:
            yield "stage", "never changes once the deal is won or lost"
        if resource.stage in _FINAL and not resource.HasField("close_time"):
            resource.close_time.CopyFrom(now)

    def references(self, resource: Deal) -> tuple[str, ...]:
        """The contact."""
        return (resource.contact,)

    def subject(self, resource: Deal) -> str:
        """The contact that the deal is made with."""
        return resource.contact


class DealServicer(DealServiceServicer):
    """Serves deals."""

    def __init__(self, deals: Resources[Deal]) -> None:
        self._deals = deals

    async def CreateDeal(self, request: pb.CreateDealRequest, context: Any) -> pb.CreateDealResponse:
        """Create a deal."""
        wanted = Wanted(request.deal, request.request_id, request.deal_id)
        return pb.CreateDealResponse(deal=await self._deals.create(wanted))

    async def GetDeal(self, request: pb.GetDealRequest, context: Any) -> pb.GetDealResponse:
        """Read one deal."""
        return pb.GetDealResponse(deal=await self._deals.get(request.name))

    async def ListDeals(self, request: pb.ListDealsRequest, context: Any) -> pb.ListDealsResponse:
        """List deals, oldest first."""
        deals, token = await self._deals.page(
            {"contact": request.contact, "stage": request.stage},
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListDealsResponse(deals=deals, next_page_token=token)

    async def UpdateDeal(self, request: pb.UpdateDealRequest, context: Any) -> pb.UpdateDealResponse:
        """Change fields of a deal."""
        deal = await self._deals.update(request.deal, mask=request.update_mask, request_id=request.request_id)
        return pb.UpdateDealResponse(deal=deal)

    async def ListDealChanges(self, request: pb.ListDealChangesRequest, context: Any) -> pb.ListDealChangesResponse:
        """List what a deal was after each of its changes, newest first."""
        found, token = await self._deals.changes(
            request.deal, field="deal", page_size=request.page_size, page_token=request.page_token
        )
        listed = [
            DealChange(change_time=timestamp(each.at_ms), fields=each.fields, deal=Deal.FromString(each.body))
            for each in found
        ]
        return pb.ListDealChangesResponse(changes=listed, next_page_token=token)

    async def DeleteDeal(self, request: pb.DeleteDealRequest, context: Any) -> pb.DeleteDealResponse:
        """Delete a deal."""
        await self._deals.delete(request.name, etag=request.etag, request_id=request.request_id)
        return pb.DeleteDealResponse()
