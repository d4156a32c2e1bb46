"""What copilots are judged by, over HTTP."""

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from services.cockpit.dimensions import Dimension
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.findings.kpis import KpiBook, KpisShown, shown
from services.control.paging import page
from services.control.policy import ActivePolicy

_From = Annotated[
    str, QueryParameter(name="from", description="First day in UTC, such as 2026-11-01. Empty: 28 days before `to`.")
]
_To = Annotated[str, QueryParameter(name="to", description="Last day, 92 days later at most. Empty: yesterday.")]
_By = Annotated[Dimension, QueryParameter(name="by", description="What the parts are.")]


class KpisListed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What copilots are judged by, by tenant."""

    kpis: tuple[KpisShown, ...]
    next_page_token: str = ""


class KpisApi:
    """Shows it to who may see what happens."""

    def __init__(self, book: KpiBook, policy: ActivePolicy) -> None:
        self._book = book
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        book, policy = self._book, self._policy

        @get("/v1/kpis", right=Right.SEE, summary="List KPIs")
        async def listed(
            request: Asking,
            *,
            first: _From = "",
            last: _To = "",
            by: _By = "agent",
            tenant: Tenant = "",
            size: PageSize = 0,
            token: PageToken = "",
        ) -> Response[KpisListed]:
            """What copilots are judged by, with intervals: of everything, by agent and so on, and over time.

            It is worked out once an hour. A day changes for 35 days, as long as something may come of its contacts,
            and says so. Tenants of which nothing was worked out in that time are not there.
            """
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants, asked=tenant)
            found = await book.of(tenants, book.span(first, last), by=by)
            here, further = page(found, place=lambda each: (0, each.tenant), size=size, token=token)
            return Response(KpisListed(kpis=tuple(map(shown, here)), next_page_token=further))

        return [listed]
