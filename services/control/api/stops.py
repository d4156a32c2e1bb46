"""Stops over HTTP: what is halted, halting it, and letting it go on."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.describing import takes
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.owed_told import owes
from services.control.paging import page
from services.control.policy import ActivePolicy
from services.control.stopping import Halted, Stopping

_What = Annotated[str, QueryParameter(name="what", description="Only this, such as `agent=sales-bot`. Empty: all.")]


class Halting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to halt, or to let go on."""

    tenant: Annotated[str, msgspec.Meta(min_length=1, max_length=63)]
    """Whose calls; "*": those of every tenant."""
    what: Annotated[str, msgspec.Meta(min_length=1, max_length=140)]
    """"all", "agent=sales-bot", "version=lead-score/2", "route=crm" or "channel=email"."""
    reason: str
    """Why, for those who are halted and for the log: 1 to 500 characters."""


class StopsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Stops."""

    stops: tuple[Halted, ...]
    next_page_token: str = ""


class Stopped(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was halted."""

    stops: tuple[Halted, ...]
    note_owed: bool
    """Whether the log could not take it down now: it is noted as soon as the audit service answers."""


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on."""

    stops: tuple[str, ...]
    """Names of the stops that were lifted, `stops/{tenant}/{what}`."""


class Stops:
    """Shows stops to who may see what happens, and lets some make them."""

    def __init__(self, stopping: Stopping, policy: ActivePolicy) -> None:
        self._stopping = stopping
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @get("/v1/stops", right=Right.SEE, summary="List stops")
        async def listed(
            request: Asking, *, tenant: Tenant = "", what: _What = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[StopsShown]:
            """What is halted, the newest first, and how many calls that has stopped."""
            tenants = tenants_for(principal_of(request), Right.SEE, self._policy.tenants, asked=tenant)
            found = [stop for stop in await self._stopping.list(tenants) if what in ("", stop.what)]
            shown, further = page(found, place=_place, size=size, token=token, descending=True)
            return Response(StopsShown(stops=shown, next_page_token=further))

        @post("/v1/stops", right=Right.STOPS, status_code=201, summary="Stop", operation_class=takes(Halting))
        async def stop(request: Asking) -> Response[Stopped]:
            """Halt something: from the next call on, in every gateway, and also while the log takes no notes."""
            asked = msgspec.json.decode(await request.body(), type=Halting)
            principal = principal_of(request)
            tenants = tenants_for(principal, Right.STOPS, self._policy.tenants, asked=asked.tenant)
            made = await self._stopping.stop(tenants, asked.what, reason=asked.reason, who=principal)
            if made.owed:
                owes(request)
            return Response(Stopped(stops=made.stops, note_owed=made.owed), status_code=201)

        @post("/v1/stops:resume", right=Right.STOPS, status_code=200, summary="Resume", operation_class=takes(Halting))
        async def resume(request: Asking) -> Response[Resumed]:
            """Let go on what is halted."""
            asked = msgspec.json.decode(await request.body(), type=Halting)
            principal = principal_of(request)
            tenants = tenants_for(principal, Right.STOPS, self._policy.tenants, asked=asked.tenant)
            lifted = await self._stopping.resume(tenants, asked.what, reason=asked.reason, who=principal)
            return Response(Resumed(stops=tuple(f"stops/{tenant}/{asked.what}" for tenant in lifted)))

        return [listed, stop, resume]


def _place(stop: Any) -> tuple[int, str]:
    return int(stop.create_time.timestamp() * 1_000), stop.name
