"""Integrity and integrations over HTTP: how the log stands, verifying it, the systems behind, and their feeds."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, Tenant
from services.control.integrations import Integrations, IntegrationsShown
from services.control.integrity import Integrity, IntegrityShown, Verification
from services.control.live.scope import scope_of
from services.control.policy import ActivePolicy


class Soundness:
    """Shows both to who may see what happens; lets some verify the log."""

    def __init__(self, integrity: Integrity, integrations: Integrations, policy: ActivePolicy) -> None:
        self._integrity = integrity
        self._integrations = integrations
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @get("/v1/integrity", right=Right.SEE, summary="How the log stands")
        async def integrity(request: Asking) -> Response[IntegrityShown]:
            """Checkpoints, the last verification, what is on the way into the log, retention and erasures."""
            return Response(await self._integrity.get(scope_of(principal_of(request))))

        @post("/v1/integrity:verify", right=Right.VERIFY, status_code=200, summary="Verify the log")
        async def verify(request: Asking) -> Response[Verification]:
            """Prove that the log has only grown since it was verified last, and remember it as it is now."""
            return Response(await self._integrity.verify(who=principal_of(request)))

        @get("/v1/integrations", right=Right.SEE, summary="Systems and feeds")
        async def integrations(request: Asking, tenant: Tenant = "") -> Response[IntegrationsShown]:
            """The systems of the active policy: how they do, breakers, quotas, and when each feed was last heard.

            Health and feeds are about the last 15 minutes. What is not known is `null`.
            """
            tenants = tenants_for(principal_of(request), Right.SEE, self._policy.tenants, asked=tenant)
            return Response(await self._integrations.get(tenants))

        return [integrity, verify, integrations]
