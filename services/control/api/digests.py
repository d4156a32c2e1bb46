"""The weekly digest over HTTP: as JSON, and as the very files that the command line writes."""

from typing import Annotated, Literal

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Schema
from litestar.params import FromPath, QueryParameter

from services.control.access.persons import language_in
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.api.proto_schemas import described
from services.control.api.report_files import POLICY
from services.control.digests.desk import DigestDesk, Form
from services.control.digests.shown import DigestListed, DigestShown, DigestsListed, shown
from services.control.paging import page
from services.control.policy import ActivePolicy
from services.digest.told import Told

MEDIA: dict[Form, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "eml": "message/rfc822",
    "txt": "text/plain; charset=utf-8",
}
Language = Annotated[Literal["", "en", "fr"], QueryParameter(name="language", description="Empty: that of the answer.")]


class DigestsApi:
    """The operations."""

    def __init__(self, desk: DigestDesk, policy: ActivePolicy) -> None:
        self._desk = desk
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All of them."""
        return [*self._looking(), *(self._taking(form) for form in MEDIA)]

    def _looking(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @get("/v1/digests", right=Right.SEE, summary="List digests")
        async def listed(
            request: Asking, tenant: Tenant = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[DigestsListed]:
            """Weekly digests that are to be had: those that are kept, and that of the last week that is over."""
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants, asked=tenant)
            found = [(week, each, kept) for each in tenants for week, kept in await desk.weeks(each)]
            some, further = page(
                found, place=lambda each: (0, f"{each[0]} {each[1]}"), size=size, token=token, descending=True
            )
            digests = tuple(
                DigestListed(name=f"digests/{whose}/{week}", tenant=whose, week=week, kept=kept)
                for week, whose, kept in some
            )
            return Response(DigestsListed(digests=digests, next_page_token=further))

        @get("/v1/digests/{tenant:str}/{week:str}", right=Right.SEE, summary="Get a digest")
        async def one(
            request: Asking, tenant: FromPath[str], week: FromPath[str], language: Language = ""
        ) -> Response[DigestShown]:
            """What a week brought against the one before: only what is more than chance is called a difference."""
            found = await desk.get(principal_of(request), tenant, week)
            return Response(shown(found, language=language or language_in(request)))

        return [listed, one]

    def _taking(self, form: Form) -> HTTPRouteHandler:
        desk = self._desk

        @get(
            f"/v1/digests/{{tenant:str}}/{{week:str}}/{form}",
            right=Right.SEE,
            summary=f"A digest as {_NAMES[form]}",
            operation_class=described({"200": _described(form)}),
        )
        async def taken(
            request: Asking, tenant: FromPath[str], week: FromPath[str], language: Language = ""
        ) -> Response[bytes]:
            """The digest as a file, to be mailed or kept. Of a message the mailer says who it is from and to."""
            found = await desk.get(principal_of(request), tenant, week)
            body = await desk.file(found.told, form, language=language or language_in(request))
            return digest_file(found.told, body, form=form)

        return taken


_NAMES: dict[Form, str] = {"html": "HTML", "pdf": "PDF", "eml": "a MIME message", "txt": "plain text"}


def digest_file(told: Told, body: bytes, *, form: Form, inline: bool = False) -> Response[bytes]:
    """The answer that is that file; `inline` ones a browser may show, inert."""
    how = "inline" if inline else f'attachment; filename="digest-{told.week}.{form}"'
    headers = {"content-disposition": how, "content-security-policy": POLICY, "cache-control": "no-store"}
    return Response(body, media_type=MEDIA[form], headers=headers, status_code=200)


def _described(form: Form) -> OpenAPIResponse:
    schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
    return OpenAPIResponse(
        description="The file.", content={MEDIA[form].partition(";")[0]: OpenAPIMediaType(schema=schema)}
    )
