"""The pages *Probes*: suites that say what must hold, how they stand, their text, and running them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import ruled, tenants_for
from services.control.api.probes import MAX_BODY_BYTES
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.pages import probe_runs
from services.control.console.pages.probe_shown import new_text, shown_suite
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.probes import TEXTS
from services.control.console.viewer import viewer_of
from services.control.preconditions import Unmatched, exactly
from services.control.undone import Undone
from services.probes.reading import SuiteInvalid

_Draft = Annotated[str, QueryParameter(name="draft")]
_Version = Annotated[str, QueryParameter(name="version")]


class _New(Form, frozen=True, kw_only=True):
    tenant: str = ""
    name: str = ""


class _Text(Form, frozen=True, kw_only=True):
    version: str = ""
    text: str = ""


class _Seen(Form, frozen=True, kw_only=True):
    version: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of these pages."""
    return [*_looking(parts), *_beginning(parts), *_writing(parts), *probe_runs.handlers(parts)]


def _looking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    desk = parts.operations.probes

    @get("/probes", right=Right.SEE, include_in_schema=False)
    async def listed(request: Asked) -> Response[str]:
        who = principal_of(request)
        suites = await desk.list(tenants_for(who, Right.SEE, parts.policy.tenants))
        return page(
            request,
            "probes/probes.html",
            suites=suites,
            stands=await desk.stands(suites),
            may=who.may(Right.PROBES),
            several=len(parts.policy.tenants) > 1,
        )

    @get("/probes/{tenant:str}/{suite:str}", right=Right.SEE, include_in_schema=False)
    async def one(
        request: Asked, tenant: FromPath[str], suite: FromPath[str], draft: _Draft = "", version: _Version = ""
    ) -> Response[str]:
        ruled(principal_of(request), Right.SEE, parts.policy.tenants, tenant)
        kept = await desk.get(tenant, suite)
        chosen = " ".join([*(("draft", draft) if draft else ()), *(("version", version) if version else ())])
        return page(request, "probes/suite.html", **await shown_suite(request, parts, kept, chosen=chosen))

    return [listed, one]


def _beginning(parts: Parts) -> Sequence[HTTPRouteHandler]:
    def asked(request: Asked, form: _New, *, error: str = "", field: str = "") -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.PROBES, parts.policy.tenants)
        return page(
            request,
            "probes/new.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
            tenants=[(each, each) for each in tenants],
            tenant=form.tenant,
            named=form.name,
            error=error,
            field=field,
        )

    @get("/probes/new", right=Right.PROBES, include_in_schema=False)
    async def new(request: Asked) -> Response[str]:
        return asked(request, _New())

    @post("/probes/new", right=Right.PROBES, include_in_schema=False)
    async def begin(request: Asked) -> Response[Any]:
        form, who, t = await form_as(request, _New), principal_of(request), texts_of(request)
        ruled(who, Right.PROBES, parts.policy.tenants, form.tenant)
        text = new_text(parts.policy, form.tenant, form.name)
        try:
            kept = await parts.operations.probes.save(form.tenant, form.name, text, who=who, match=None)
        except SuiteInvalid:
            return asked(request, form, error=t("probes-name-hint"), field="name")
        except Unmatched:
            return asked(request, form, error=t("probes-there"), field="name")
        except Undone as undone:
            return asked(request, form, error=undone.said(viewer_of(request).language))
        return go_to(request, f"/probes/{kept.name}", say=t("probes-begun"))

    return [new, begin]


def _writing(parts: Parts) -> Sequence[HTTPRouteHandler]:
    desk = parts.operations.probes

    @post("/probes/{tenant:str}/{suite:str}/text", right=Right.PROBES, include_in_schema=False,
          request_max_body_size=MAX_BODY_BYTES)  # fmt: skip
    async def save(request: Asked, tenant: FromPath[str], suite: FromPath[str]) -> Response[Any]:
        """For browsers without scripts."""
        form, who = await form_as(request, _Text), principal_of(request)
        ruled(who, Right.PROBES, parts.policy.tenants, tenant)
        text = form.text.replace("\r\n", "\n") + "\n"
        try:
            kept = await desk.save(tenant, suite, text, who=who, match=exactly(form.version))
        except SuiteInvalid:
            language = viewer_of(request).language
            found = await desk.check(tenant, suite, text, language=language)
            shown = await shown_suite(
                request, parts, await desk.get(tenant, suite), text=text, etag=form.version, remarks=found.remarks
            )
            return page(request, "probes/suite.html", status=HTTPStatus.UNPROCESSABLE_ENTITY, **shown)
        except Unmatched as unmatched:
            said = unmatched.said(viewer_of(request).language)
            return go_to(request, f"/probes/{tenant}/{suite}", say=said, kind="error")
        return go_to(request, f"/probes/{kept.name}", say=texts_of(request)("probes-saved"))

    @post("/probes/{tenant:str}/{suite:str}/delete", right=Right.PROBES, include_in_schema=False)
    async def delete(request: Asked, tenant: FromPath[str], suite: FromPath[str]) -> Response[Any]:
        form, who = await form_as(request, _Seen), principal_of(request)
        ruled(who, Right.PROBES, parts.policy.tenants, tenant)
        try:
            await desk.delete(tenant, suite, who=who, match=exactly(form.version))
        except Unmatched as unmatched:
            said = unmatched.said(viewer_of(request).language)
            return go_to(request, f"/probes/{tenant}/{suite}", say=said, kind="error")
        return go_to(request, "/probes", say=texts_of(request)("probes-deleted"))

    return [save, delete]


PAGE: Final = Page("probes", TEXTS, handlers, icon="flask-conical")
