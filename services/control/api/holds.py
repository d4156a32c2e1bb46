"""Holds over HTTP: the queue, who looks at what, the stored call, and a person's word on it."""

from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.describing import takes
from services.control.api.parameters import Asking, PageSize, PageToken, Reasoned, Tenant
from services.control.holds.queue import HoldQueue, StoredCall
from services.control.holds.shown import Waiting
from services.control.paging import page
from services.control.policy import ActivePolicy

_State = Annotated[
    Literal["", "PENDING", "SCHEDULED", "APPROVED", "EXECUTING"],
    QueryParameter(name="state", description="Only those in that state. Empty: all that are not over."),
]


class HoldsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Kept calls."""

    holds: tuple[Waiting, ...]
    next_page_token: str = ""


class Holds:
    """Shows kept calls to who may see what happens; lets some read and decide about them."""

    def __init__(self, queue: HoldQueue, policy: ActivePolicy) -> None:
        self._queue = queue
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._leasing(), *self._deciding()]

    def _looking(self) -> list[HTTPRouteHandler]:
        @get("/v1/holds", right=Right.SEE, summary="List holds")
        async def listed(
            request: Asking, *, tenant: Tenant = "", wanted: _State = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[HoldsShown]:
            """Kept calls that are not over, the oldest first, and who looks at them."""
            found = await self._queue.list(self._tenants(request, Right.SEE, asked=tenant))
            shown, further = page(
                (hold for hold in found if wanted in ("", hold.state)), place=_place, size=size, token=token
            )
            return Response(HoldsShown(holds=shown, next_page_token=further))

        @get("/v1/holds/{hold:str}", right=Right.SEE, summary="Get a hold")
        async def one(request: Asking, hold: FromPath[str]) -> Response[Waiting]:
            """One kept call, without its request; also for a week after it is over."""
            return Response(await self._queue.get(self._tenants(request, Right.SEE), hold))

        @get("/v1/holds/{hold:str}/request", right=Right.HOLDS, summary="Read the stored call")
        async def stored(request: Asking, hold: FromPath[str]) -> Response[StoredCall]:
            """The request as the agent sent it, value by value, each with how sensitive it is."""
            return Response(await self._queue.request(self._tenants(request, Right.HOLDS), hold))

        return [listed, one, stored]

    def _leasing(self) -> list[HTTPRouteHandler]:
        @post("/v1/holds/{hold:str}/:claim", right=Right.HOLDS, status_code=200, summary="Claim a hold")
        async def claim(request: Asking, hold: FromPath[str]) -> Response[Waiting]:
            """For five minutes nobody else can decide about it; again before they are over to go on looking."""
            by = principal_of(request).name
            return Response(await self._queue.claim(self._tenants(request, Right.HOLDS), hold, by=by))

        @post("/v1/holds/{hold:str}/:release", right=Right.HOLDS, status_code=200, summary="Release a hold")
        async def release(request: Asking, hold: FromPath[str]) -> Response[Waiting]:
            """Let others decide about it."""
            by = principal_of(request).name
            return Response(await self._queue.release(self._tenants(request, Right.HOLDS), hold, by=by))

        return [claim, release]

    def _deciding(self) -> list[HTTPRouteHandler]:
        @post(
            "/v1/holds/{hold:str}/:approve",
            right=Right.HOLDS,
            status_code=200,
            summary="Approve a hold",
            operation_class=takes(Reasoned),
        )
        async def approve(request: Asking, hold: FromPath[str]) -> Response[Waiting]:
            """Let the call be made, once; of a suggestion, say that you follow it. It must be claimed."""
            return await self._decided(request, hold, approve=True)

        @post(
            "/v1/holds/{hold:str}/:refuse",
            right=Right.HOLDS,
            status_code=200,
            summary="Refuse a hold",
            operation_class=takes(Reasoned),
        )
        async def refuse(request: Asking, hold: FromPath[str]) -> Response[Waiting]:
            """End it: the call is never made. It must be claimed."""
            return await self._decided(request, hold, approve=False)

        return [approve, refuse]

    async def _decided(self, request: Asking, hold: str, *, approve: bool) -> Response[Waiting]:
        asked = msgspec.json.decode(await request.body(), type=Reasoned)
        who, tenants = principal_of(request), self._tenants(request, Right.HOLDS)
        return Response(await self._queue.decide(tenants, hold, approve=approve, who=who, reason=asked.reason))

    def _tenants(self, request: Asking, right: Right, *, asked: str = "") -> tuple[str, ...]:
        return tenants_for(principal_of(request), right, self._policy.tenants, asked=asked)


def _place(hold: Waiting) -> tuple[int, str]:
    return int(hold.create_time.timestamp() * 1_000), hold.name
