"""Models, routes and what is learnt on them, over HTTP: experiments with their intervals, holdouts, copies."""

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from gateway.core.errors import Reason
from gateway.core.policy.document import Document
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.experimenting import ExperimentBook
from services.control.experiments_shown import ExperimentShown, ExperimentStanding
from services.control.paging import page
from services.control.policy import ActivePolicy
from services.control.routes import HoldoutShown, ModelShown, RouteShown, holdouts_of, models_of, routes_of
from services.control.undone import Undone

_Looks = Annotated[bool, QueryParameter(name="looks", description="Also what was known earlier, at most 12 times.")]


class RoutesShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Routes."""

    routes: tuple[RouteShown, ...]
    next_page_token: str = ""


class ModelsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Models."""

    models: tuple[ModelShown, ...]
    next_page_token: str = ""


class HoldoutsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Holdouts."""

    holdouts: tuple[HoldoutShown, ...]
    next_page_token: str = ""


class ExperimentsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Experiments."""

    experiments: tuple[ExperimentShown, ...]
    next_page_token: str = ""


class Learning:
    """Shows them to who may see what happens."""

    def __init__(self, experiments: ExperimentBook, policy: ActivePolicy) -> None:
        self._experiments = experiments
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._serving(), *self._experimenting()]

    def _serving(self) -> list[HTTPRouteHandler]:
        @get("/v1/routes", right=Right.SEE, summary="List routes")
        async def routes(size: PageSize = 0, token: PageToken = "") -> Response[RoutesShown]:
            """The routes of the active policy in its order, and what share of the calls each arm gets now."""
            found = routes_of(document) if (document := self._document) else ()
            places = {each.name: number for number, each in enumerate(found)}
            shown, further = page(found, place=lambda each: (places[each.name], each.name), size=size, token=token)
            return Response(RoutesShown(routes=shown, next_page_token=further))

        @get("/v1/routes/{route:str}", right=Right.SEE, summary="Get a route")
        async def route(route: FromPath[str]) -> Response[RouteShown]:
            """One route."""
            for each in routes_of(document) if (document := self._document) else ():
                if each.name == route:
                    return Response(each)
            raise Undone(Reason.NOT_FOUND, "route-none", name=route)

        @get("/v1/models", right=Right.SEE, summary="List models")
        async def models(size: PageSize = 0, token: PageToken = "") -> Response[ModelsShown]:
            """The models of the active policy with their versions, by name."""
            found = models_of(document) if (document := self._document) else ()
            shown, further = page(found, place=lambda each: (0, each.name), size=size, token=token)
            return Response(ModelsShown(models=shown, next_page_token=further))

        return [routes, route, models]

    def _experimenting(self) -> list[HTTPRouteHandler]:
        @get("/v1/holdouts", right=Right.SEE, summary="List holdouts")
        async def holdouts(size: PageSize = 0, token: PageToken = "") -> Response[HoldoutsShown]:
            """The holdouts of the active policy, by name."""
            found = holdouts_of(document) if (document := self._document) else ()
            shown, further = page(found, place=lambda each: (0, each.name), size=size, token=token)
            return Response(HoldoutsShown(holdouts=shown, next_page_token=further))

        @get("/v1/experiments", right=Right.SEE, summary="List experiments")
        async def experiments(size: PageSize = 0, token: PageToken = "") -> Response[ExperimentsShown]:
            """The experiments of the active policy, by name."""
            found = self._experiments.list()
            shown, further = page(found, place=lambda each: (0, each.name), size=size, token=token)
            return Response(ExperimentsShown(experiments=shown, next_page_token=further))

        @get("/v1/experiments/{experiment:str}", right=Right.SEE, summary="Get an experiment")
        async def experiment(
            request: Asking, experiment: FromPath[str], *, tenant: Tenant = "", looks: _Looks = False
        ) -> Response[ExperimentStanding]:
            """What is known of one experiment by now, and with `looks` how its intervals have come about."""
            tenants = tenants_for(principal_of(request), Right.SEE, self._policy.tenants, asked=tenant)
            return Response(await self._experiments.get(experiment, tenants, looks=looks))

        return [holdouts, experiments, experiment]

    @property
    def _document(self) -> Document | None:
        return self._policy.revision.document if self._policy.revision else None
