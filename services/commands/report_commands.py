"""The commands `pilote report`: what the log shows of a period, a model version or a week, as HTML and PDF."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.clock import clock_ms
from gateway.settings import language as spoken
from services.commands import week_command
from services.commands.shell import Shell, print_text

if TYPE_CHECKING:
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from services.report_making import Made, Wanted

Start = Annotated[str, typer.Option("--from", help="First day, or a time: 2026-11-24, 2026-11-24T08:00:00Z.")]
End = Annotated[str, typer.Option("--to", help="The day, or time, before which it ends; by default now.")]
Tenant = Annotated[str, typer.Option(help="Tenant; by default all.")]
Lang = Annotated[Literal["en", "fr"] | None, typer.Option("--lang", help="By default that of the other commands.")]
Html = Annotated[Path | None, typer.Option(help="File for the report as HTML.", dir_okay=False)]
Pdf = Annotated[Path | None, typer.Option(help="File for the report as PDF.", dir_okay=False)]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Reports with plots, and the checkpoint that proves them.")

    @app.command()
    def period(
        start: Start, end: End = "", tenant: Tenant = "", lang: Lang = None, html: Html = None, pdf: Pdf = None
    ) -> None:
        """Report what agents did in a time, what people decided, and what the law asks for that the log shows."""
        from services.report_making import Wanted

        language = lang or spoken(shell.settings())
        start_ms, end_ms = _span(shell, start, end)
        wanted = Wanted(kind="period", start_ms=start_ms, end_ms=end_ms, language=language, tenant=tenant)
        _write(shell, wanted, html=html, pdf=pdf)

    @app.command()
    def version(
        name: Annotated[str, typer.Argument(help="MODEL/VERSION.")],
        start: Start,
        end: End = "",
        tenant: Tenant = "",
        lang: Lang = None,
        html: Html = None,
        pdf: Pdf = None,
    ) -> None:
        """Report what one model version served and led to, and what was found about it."""
        from services.report_making import Wanted

        language = lang or spoken(shell.settings())
        start_ms, end_ms = _span(shell, start, end)
        model, _, which = name.rpartition("/")
        wanted = Wanted(
            kind="version",
            start_ms=start_ms,
            end_ms=end_ms,
            language=language,
            tenant=tenant,
            model=model,
            version=which,
        )
        _write(shell, wanted, html=html, pdf=pdf)

    week_command.add_to(app, shell)
    return app


def _span(shell: Shell, start: str, end: str) -> tuple[int, int]:
    """From when and until when, milliseconds since the epoch."""
    from services.reports.wanted_texts import say

    try:
        return _ms(start), _ms(end) if end else clock_ms()
    except (ValueError, OverflowError):
        shell.fail(say("report-span", language=spoken(shell.settings())), 2)


def _ms(text: str) -> int:
    at = dt.datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp() * 1000)


def _write(shell: Shell, wanted: "Wanted", *, html: Path | None, pdf: Path | None) -> None:
    """Make it, write the files, and note that in the log."""
    from services.commands.noting import noting
    from services.commands.report_files import write_files
    from services.report_making import ReportWrong, checked
    from services.reports.wanted_texts import say

    lang = spoken(shell.settings())
    if html is None and pdf is None:
        shell.fail(say("report-where", language=lang), 2)
    try:
        wanted = checked(wanted)
    except ReportWrong as wrong:
        shell.fail(wrong.said(lang), 2)
    report = _made(shell, wanted)
    written = [(file, body) for file, body in ((html, report.html.encode()), (pdf, report.pdf)) if file is not None]
    write_files(shell, written, language=lang)

    async def note() -> None:
        about = {"resource": f"reports/{report.id}", "tenant": wanted.tenant}
        async with noting(shell, operation="create", after=report.told(wanted), **about):
            pass

    asyncio.run(note())
    files = ", ".join(str(file) for file, _ in written)
    point = report.checkpoint
    values = {"title": report.title, "files": files}
    if point is None:
        print_text(shell.out, say("report-unproved", language=lang, **values))
    else:
        print_text(shell.out, say("report-made", language=lang, size=point.size, root=point.root, **values))


def _made(shell: Shell, wanted: "Wanted") -> "Made":
    from gateway.adapters.revisions import RevisionStore
    from services.commands.halting import tenants_of
    from services.commands.replay_commands import asking
    from services.report_counts import Counting
    from services.report_making import made

    settings = shell.settings()

    async def work(audit: "AuditServiceAsyncStub") -> "Made":
        async with shell.store(settings) as redis:
            tenants = await tenants_of(RevisionStore(redis))
            return await made(Counting(audit, redis), wanted, tenants=tenants, now_ms=clock_ms())

    return asking(shell, work, name="")
