"""One version of a model over HTTP, with what reviewers say of the decisions that it led to."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.errors import Reason
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, Tenant
from services.control.api.review_messages import VersionEvaluated, evaluated
from services.control.policy import ActivePolicy
from services.control.reviews.desk import ReviewDesk
from services.control.routes import version_in
from services.control.undone import Undone
from services.reviews.evaluation import NOTHING


class Versions:
    """Shows them to who may see what happens."""

    def __init__(self, desk: ReviewDesk, policy: ActivePolicy) -> None:
        self._desk = desk
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        desk, policy = self._desk, self._policy

        @get("/v1/models/{model:str}/versions/{version:str}", right=Right.SEE, summary="Get a version of a model")
        async def one(
            request: Asking, model: FromPath[str], version: FromPath[str], *, tenant: Tenant = ""
        ) -> Response[VersionEvaluated]:
            """A version, and what reviewers have said in the last 28 days of decisions that it led to."""
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants, asked=tenant)
            revision = policy.revision
            found = version_in(revision.document, model, version) if revision is not None else None
            if found is None:
                raise Undone(Reason.NOT_FOUND, "version-none", name=f"models/{model}/versions/{version}")
            said = (await desk.evaluations(tenants)).get((model, version), NOTHING)
            return Response(evaluated(found, model=model, found=said))

        return [one]
