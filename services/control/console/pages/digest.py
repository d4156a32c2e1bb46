"""The page of the weekly digest: what it says, and the files that can be mailed."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.errors import Reason
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.digests import MEDIA, digest_file
from services.control.console.page import Page, Parts
from services.control.console.rendering import page
from services.control.console.texts.digest import TEXTS
from services.control.console.viewer import viewer_of
from services.control.undone import Undone
from services.digest.making import DigestWrong
from services.digest.outline import digest as outlined

_LANGUAGES: Final = ("en", "fr")


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page, and its files."""

    @get("/digest", right=Right.SEE, include_in_schema=False)
    async def digest(request: Asked) -> Response[str]:
        who, given, language = principal_of(request), request.query_params, viewer_of(request).language
        tenants, desk = tenants_for(who, Right.SEE, parts.policy.tenants), parts.digests
        tenant = given.get("tenant", "")
        tenant = tenant if tenant in tenants else next(iter(tenants), "")
        spoken = given.get("language", "") if given.get("language", "") in _LANGUAGES else language
        if not tenant:
            return page(request, "digest/digest.html", tenants=(), found=None, problem="")
        problem = ""
        try:
            found = await desk.get(who, tenant, given.get("week", ""))
        except DigestWrong as wrong:
            found, problem = await desk.get(who, tenant), wrong.said(language)
        weeks = [week for week, _ in await desk.weeks(tenant)]
        return page(
            request,
            "digest/digest.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
            problem=problem,
            tenants=tenants,
            tenant=tenant,
            weeks=sorted({*weeks, found.told.week}, reverse=True),
            found=found,
            language=spoken,
            forms=tuple(MEDIA),
            document=outlined(found.told, language=spoken),
            kind=lambda block: type(block).__name__.lower(),
        )

    @get("/digest/{tenant:str}/{week:str}/{form:str}", right=Right.SEE, include_in_schema=False)
    async def file(request: Asked, tenant: FromPath[str], week: FromPath[str], form: FromPath[str]) -> Response[bytes]:
        known = next((each for each in MEDIA if each == form), None)
        if known is None:
            raise Undone(Reason.NOT_FOUND, "digest-form", form=form[:32], forms=", ".join(MEDIA))
        asked = request.query_params
        language = asked.get("language", "") if asked.get("language", "") in _LANGUAGES else viewer_of(request).language
        found = await parts.digests.get(principal_of(request), tenant, week)
        body = await parts.digests.file(found.told, known, language=language)
        return digest_file(found.told, body, form=known, inline=known == "html" and "view" in asked)

    return [digest, file]


PAGE: Final = Page("digest", TEXTS, handlers)
