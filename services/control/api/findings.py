"""Findings over HTTP: rules that failed while calls were decided."""

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.persons import language_in
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.findings import Finding, Findings
from services.control.paging import page
from services.control.policy import ActivePolicy


class FindingsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Findings, what failed last first."""

    findings: tuple[Finding, ...]
    next_page_token: str = ""


class FindingsApi:
    """Shows them to who may see what happens."""

    def __init__(self, findings: Findings, policy: ActivePolicy) -> None:
        self._findings = findings
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """The one operation."""

        @get("/v1/findings", right=Right.SEE, summary="List findings")
        async def listed(
            request: Asking, *, tenant: Tenant = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[FindingsShown]:
            """The rules that failed while calls were decided: how often, when, why, and a decision as an example."""
            tenants = tenants_for(principal_of(request), Right.SEE, self._policy.tenants, asked=tenant)
            found = await self._findings.list(tenants, language=language_in(request))
            shown, further = page(found, place=_place, size=size, token=token, descending=True)
            return Response(FindingsShown(findings=shown, next_page_token=further))

        return [listed]


def _place(finding: Finding) -> tuple[int, str]:
    return int(finding.last_time.timestamp() * 1_000), finding.name
