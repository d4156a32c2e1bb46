"""The page *Reports*: what agents did in a time, or one model version, made as a file by whoever wants one."""

import datetime as dt
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.errors import Reason
from gateway.core.texts import day
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.reports import report_file
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.reports import TEXTS
from services.control.console.viewer import viewer_of
from services.control.drafts.texts import say as say_of_jobs
from services.control.jobs import OVER
from services.control.reports.desk import Standing
from services.control.reports.store import KEPT_MS
from services.control.routes import models_of
from services.control.undone import Undone
from services.not_done import NotDone
from services.report_making import Wanted
from services.reports.proving import commands

_DAY_MS: Final = 86_400_000


class _Asked(Form, frozen=True, kw_only=True):
    about: str = ""
    """Empty: everything; else a model and its version, as JSON."""
    first: str = ""
    last: str = ""
    tenant: str = ""
    language: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of the page."""
    return [*_asking(parts), *_taking(parts)]


def _asking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/reports", right=Right.SEE, include_in_schema=False)
    async def listed(request: Asked) -> Response[str]:
        language, first, last = viewer_of(request).language, *last_month(parts.clock_ms())
        given = _Asked(first=first.isoformat(), last=last.isoformat(), language=language)
        return await _shown(request, parts, given=given)

    @post("/reports", right=Right.SEE, include_in_schema=False)
    async def ask(request: Asked) -> Response[Any]:
        form = await form_as(request, _Asked)
        try:
            await parts.reports.ask(principal_of(request), _wanted(form, language=viewer_of(request).language))
        except NotDone as error:
            return await _shown(request, parts, given=form, wrong=error.said(viewer_of(request).language))
        return go_to(request, "/reports", say=texts_of(request)("reports-begun"))

    @post("/reports/{report:str}/cancel", right=Right.SEE, include_in_schema=False)
    async def cancel(request: Asked, report: FromPath[str]) -> Response[None]:
        await parts.reports.cancel(principal_of(request), report)
        return go_to(request, "/reports", say=texts_of(request)("reports-ended"))

    return [listed, ask, cancel]


def _taking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/reports/{report:str}/html", right=Right.SEE, include_in_schema=False)
    async def html(request: Asked, report: FromPath[str]) -> Response[bytes]:
        return report_file(*await parts.reports.file(principal_of(request), report, "html"), form="html")

    @get("/reports/{report:str}/pdf", right=Right.SEE, include_in_schema=False)
    async def pdf(request: Asked, report: FromPath[str]) -> Response[bytes]:
        return report_file(*await parts.reports.file(principal_of(request), report, "pdf"), form="pdf")

    return [html, pdf]


async def _shown(request: Asked, parts: Parts, *, given: _Asked, wrong: str = "") -> Response[str]:
    who, language = principal_of(request), viewer_of(request).language
    found = sorted(await parts.reports.all(who), key=lambda each: each.kept.created_ms, reverse=True)
    return page(
        request,
        "reports/reports.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        reports=found,
        running=any(each.state not in OVER for each in found),
        over=OVER,
        versions=_versions(parts),
        tenants=tenants_for(who, Right.SEE, parts.policy.tenants),
        given=given,
        wrong=wrong,
        kept_ms=KEPT_MS,
        span=lambda each: _span(each, language),
        failure=lambda each: say_of_jobs(each.failure, language=language),
        commands=commands,
    )


def _versions(parts: Parts) -> list[tuple[str, str, str]]:
    """Of the active policy: what names it in the form, the model, and the version."""
    revision = parts.policy.revision
    models = models_of(revision.document) if revision else ()
    return [
        (msgspec.json.encode((model.name, each.version)).decode(), model.name, each.version)
        for model in models
        for each in model.versions
    ]


def _wanted(form: _Asked, *, language: str) -> Wanted:
    """What the form asks for.

    Raises:
        Undone: ARGUMENT_INVALID where that cannot be read.
    """
    try:
        first, last = (dt.date.fromisoformat(each) for each in (form.first, form.last))
        model, version = msgspec.json.decode(form.about, type=tuple[str, str]) if form.about else ("", "")
    except (ValueError, msgspec.DecodeError) as error:
        raise Undone(Reason.ARGUMENT_INVALID, "report-form") from error
    return Wanted(
        kind="version" if form.about else "period",
        start_ms=_ms(first),
        end_ms=_ms(last) + _DAY_MS,
        language=form.language if form.language in ("en", "fr") else language,
        tenant=form.tenant,
        model=model,
        version=version,
    )


def last_month(now_ms: int) -> tuple[dt.date, dt.date]:
    """The first and the last day of the month before."""
    last = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).date().replace(day=1) - dt.timedelta(days=1)
    return last.replace(day=1), last


def _span(each: Standing, language: str) -> dict[str, str]:
    """From which day to which, both within it."""
    wanted = each.kept.wanted
    return {"start": day(wanted.start_ms, language=language), "end": day(wanted.end_ms - 1, language=language)}


def _ms(date: dt.date) -> int:
    return (date - dt.date(1970, 1, 1)).days * _DAY_MS


PAGE: Final = Page("reports", TEXTS, handlers, icon="file-text")
