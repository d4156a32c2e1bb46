"""Reports over HTTP: asked for, made by jobs, and taken along as HTML or PDF, each by whoever asked for it only."""

import datetime as dt

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.persons import language_in
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import Asking, PageSize, PageToken, body_of
from services.control.api.proto_schemas import described
from services.control.api.report_files import Form, described_file, file_answer
from services.control.api.report_messages import AskReport, ReportShown, ReportsShown, report_shown
from services.control.paging import page
from services.control.reports.desk import ReportDesk, Standing


class ReportsApi:
    """The operations."""

    def __init__(self, desk: ReportDesk) -> None:
        self._desk = desk

    def handlers(self) -> list[HTTPRouteHandler]:
        """All of them."""
        return [*self._looking(), *self._working(), *self._taking()]

    def _looking(self) -> list[HTTPRouteHandler]:
        desk = self._desk

        @get("/v1/reports", right=Right.SEE, summary="List reports")
        async def listed(request: Asking, size: PageSize = 0, token: PageToken = "") -> Response[ReportsShown]:
            """One's own reports of the last day, the newest first, at most 20."""
            found, language = await desk.all(principal_of(request)), language_in(request)
            some, further = page(found, place=_place, size=size, token=token, descending=True)
            shown = tuple(report_shown(each, language=language) for each in some)
            return Response(ReportsShown(reports=shown, next_page_token=further))

        @get("/v1/reports/{report:str}", right=Right.SEE, summary="Get a report")
        async def one(request: Asking, report: FromPath[str]) -> Response[ReportShown]:
            """One, how far it is, and once it is made what proves it."""
            found = await desk.get(principal_of(request), report)
            return Response(report_shown(found, language=language_in(request)))

        return [listed, one]

    def _working(self) -> list[HTTPRouteHandler]:
        desk = self._desk

        @post(
            "/v1/reports",
            right=Right.SEE,
            status_code=202,
            summary="Ask for a report",
            operation_class=takes(AskReport),
        )
        async def ask(request: Asking) -> Response[ReportShown]:
            """Have a report made of what agents did in a time, or of one model version: with what one may see.

            The log says who has made it, and of which checkpoint. It is kept for a day.
            """
            language = language_in(request)
            wanted = (await body_of(request, AskReport)).wanted(language=language)
            shown = report_shown(await desk.ask(principal_of(request), wanted), language=language)
            return Response(shown, status_code=202, headers={"location": f"/v1/{shown.name}"})

        @post("/v1/reports/{report:str}/:cancel", right=Right.SEE, status_code=200, summary="End the work on a report")
        async def cancel(request: Asking, report: FromPath[str]) -> Response[ReportShown]:
            """Make it no further; nothing where it is over."""
            found = await desk.cancel(principal_of(request), report)
            return Response(report_shown(found, language=language_in(request)))

        return [ask, cancel]

    def _taking(self) -> list[HTTPRouteHandler]:
        desk = self._desk

        @get(
            "/v1/reports/{report:str}/html",
            right=Right.SEE,
            summary="A report as HTML",
            operation_class=described({"200": described_file("html")}),
        )
        async def html(request: Asking, report: FromPath[str]) -> Response[bytes]:
            """The report as one HTML file that needs no other; 404 as long as it is not made."""
            return report_file(*await desk.file(principal_of(request), report, "html"), form="html")

        @get(
            "/v1/reports/{report:str}/pdf",
            right=Right.SEE,
            summary="A report as PDF",
            operation_class=described({"200": described_file("pdf")}),
        )
        async def pdf(request: Asking, report: FromPath[str]) -> Response[bytes]:
            """The report as tagged PDF; 404 as long as it is not made."""
            return report_file(*await desk.file(principal_of(request), report, "pdf"), form="pdf")

        return [html, pdf]


def report_file(found: Standing, body: bytes, *, form: Form) -> Response[bytes]:
    """The answer that is that file."""
    wanted = found.kept.wanted
    day = dt.datetime.fromtimestamp(wanted.start_ms / 1000, dt.UTC).date().isoformat()
    return file_answer(body, form=form, name=f"{wanted.kind}-{day}")


def _place(found: Standing) -> tuple[int, str]:
    return found.kept.created_ms, found.kept.id
