"""The command `pilote report week`: the weekly digest as HTML, PDF or a message that can be mailed."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.clock import clock_ms
from gateway.settings import language as spoken
from services.commands.shell import Shell, print_text

if TYPE_CHECKING:
    from services.digest.making import Found

Week = Annotated[str, typer.Option(help="ISO week in UTC, such as 2026-W47; by default the last one that is over.")]
Tenant = Annotated[str, typer.Option(help="Tenant; needed where the active policy has several.")]
Lang = Annotated[Literal["en", "fr"] | None, typer.Option("--lang", help="By default that of the other commands.")]
Html = Annotated[Path | None, typer.Option(help="File for HTML that can be mailed.", dir_okay=False)]
Pdf = Annotated[Path | None, typer.Option(help="File for the PDF.", dir_okay=False)]
Eml = Annotated[Path | None, typer.Option(help="File for a MIME message, for any mailer.", dir_okay=False)]
Sender = Annotated[str, typer.Option("--sender", help="Who it is from, in the message.")]
To = Annotated[list[str] | None, typer.Option("--to", help="Whom it is to, in the message; may be repeated.")]


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add it to the commands of `pilote report`."""

    @app.command()
    def week(
        week: Week = "",
        tenant: Tenant = "",
        lang: Lang = None,
        html: Html = None,
        pdf: Pdf = None,
        eml: Eml = None,
        sender: Sender = "",
        to: To = None,
    ) -> None:
        """Report what a week brought against the one before, what is at risk, and what to do next."""
        from services.commands.report_files import write_files
        from services.digest.making import DigestWrong
        from services.digest.texts import say

        settings = shell.settings()
        language, console = lang or spoken(settings), settings.control_url
        if html is None and pdf is None and eml is None:
            shell.fail(say("where", language=spoken(settings)), 2)
        try:
            found = asyncio.run(_found(shell, week, tenant=tenant))
        except DigestWrong as wrong:
            shell.fail(wrong.said(spoken(settings)), 2)
        files: list[tuple[Path, bytes]] = []
        if html is not None or eml is not None:
            from services.digest.mail import mail, message

            if html is not None:
                files.append((html, mail(found.told, language=language, console=console).html.encode()))
            if eml is not None:
                try:
                    body = message(found.told, language=language, sender=sender, to=to or (), console=console)
                except ValueError:
                    given = " ".join((sender, *(to or ()))).strip()
                    shell.fail(say("address", language=spoken(settings), address=given), 2)
                files.append((eml, body))
        if pdf is not None:
            from services.digest.outline import digest
            from services.reports.pdf import pdf as set_in_pdf

            files.append((pdf, set_in_pdf(digest(found.told, language=language))))
        write_files(shell, files, language=spoken(settings))
        title = say("title", language=spoken(settings), tenant=found.told.tenant, week=found.told.week)
        names = ", ".join(str(file) for file, _ in files)
        print_text(shell.out, say("made-files", language=spoken(settings), title=title, files=names))


async def _found(shell: Shell, week: str, *, tenant: str) -> "Found":
    from gateway.adapters.revisions import RevisionStore
    from services.commands.halting import tenants_of
    from services.commands.policies import aimed
    from services.digest.making import Digests, DigestWrong, wanted

    asked = wanted(week, now_ms=clock_ms())
    async with shell.store(shell.settings()) as redis:
        known = await tenants_of(RevisionStore(redis))
        if tenant not in known and not (not tenant and len(known) == 1):
            raise DigestWrong("tenant-unknown", field="tenant", tenant=tenant[:64], known=", ".join(known))
        aims = await aimed(redis)
        return await Digests(redis).of(tenant or known[0], asked, stated=aims.objectives, now_ms=clock_ms())
