"""What agents are to achieve, over HTTP."""

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.clock import clock_ms
from gateway.core.errors import Reason
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.objectives import ObjectiveBook, ObjectiveShown
from services.control.paging import page
from services.control.policy import ActivePolicy
from services.control.undone import Undone


class ObjectivesShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Objectives, by name."""

    objectives: tuple[ObjectiveShown, ...]
    next_page_token: str = ""


class ObjectivesApi:
    """Shows them to who may see what happens."""

    def __init__(self, book: ObjectiveBook, policy: ActivePolicy) -> None:
        self._book = book
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        book, policy = self._book, self._policy

        @get("/v1/objectives", right=Right.SEE, summary="List objectives")
        async def listed(
            request: Asking, tenant: Tenant = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[ObjectivesShown]:
            """What the active policy states that agents are to achieve, and how it stands, by name."""
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants, asked=tenant)
            found = await book.of(tenants, now_ms=clock_ms())
            here, further = page(found, place=lambda each: (0, each.name), size=size, token=token)
            return Response(ObjectivesShown(objectives=here, next_page_token=further))

        @get("/v1/objectives/{objective:str}", right=Right.SEE, summary="Get an objective")
        async def one(request: Asking, objective: FromPath[str]) -> Response[ObjectiveShown]:
            """One objective, and how it stands."""
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants)
            for each in await book.of(tenants, now_ms=clock_ms()):
                if each.name == f"objectives/{objective}":
                    return Response(each)
            raise Undone(Reason.NOT_FOUND, "objective-none", name=objective)

        return [listed, one]
