"""How customers are solicited, over HTTP."""

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.findings.pressure import PressureBook, PressureShown, shown
from services.control.paging import page
from services.control.policy import ActivePolicy


class PressuresShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How customers are solicited, by tenant."""

    pressures: tuple[PressureShown, ...]
    next_page_token: str = ""


class PressureApi:
    """Shows it to who may see what happens."""

    def __init__(self, book: PressureBook, policy: ActivePolicy) -> None:
        self._book = book
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        book, policy = self._book, self._policy

        @get("/v1/pressures", right=Right.SEE, summary="List pressures")
        async def listed(
            request: Asking, tenant: Tenant = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[PressuresShown]:
            """How often customers are contacted, what that costs and who adds it, by tenant and channel.

            It is worked out once an hour, of four complete weeks that have been over for eight days.
            """
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants, asked=tenant)
            found = await book.of(tenants)
            here, further = page(found, place=lambda each: (0, each.tenant), size=size, token=token)
            return Response(PressuresShown(pressures=tuple(map(shown, here)), next_page_token=further))

        return [listed]
