"""Who is contacted too much or never, over HTTP."""

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.findings.targeting import TargetingBook, TargetingShown
from services.control.paging import page
from services.control.policy import ActivePolicy


class TargetingsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is contacted too much or never, by tenant."""

    targetings: tuple[TargetingShown, ...]
    next_page_token: str = ""


class TargetingApi:
    """Shows it to who may see what happens."""

    def __init__(self, book: TargetingBook, policy: ActivePolicy) -> None:
        self._book = book
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        book, policy = self._book, self._policy

        @get("/v1/targetings", right=Right.SEE, summary="List targetings")
        async def listed(
            request: Asking, tenant: Tenant = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[TargetingsShown]:
            """Which segments are contacted too much or never, what brings it about, and what could be tried against it.

            It is worked out once a day, of four complete weeks up to the last midnight (UTC).
            """
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants, asked=tenant)
            found = await book.of(tenants)
            here, further = page(found, place=lambda each: (0, each.tenant), size=size, token=token)
            return Response(TargetingsShown(targetings=here, next_page_token=further))

        return [listed]
