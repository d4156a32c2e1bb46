"""The command `pilote person`: everything agents did or tried concerning one customer, for them to read."""

from collections.abc import Iterator
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.settings import language as spoken
from services.commands.replay_commands import asking
from services.commands.shell import Shell, print_text
from services.commands.unreadable import tell

if TYPE_CHECKING:
    from pilote.audit.v1 import persons_pb2
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def person(
        subject: Annotated[str, typer.Argument(help="The customer, such as contacts/cnt_000001.")],
        tenant: Annotated[str, typer.Option(help="Whose customer.")],
        reason: Annotated[str, typer.Option(help="Why; it goes into the log.")],
        asked_by: Annotated[str, typer.Option("--as", help="Who asks, by the policy's name; into the log too.")] = "",
        language: Annotated[
            Literal["en", "fr"] | None, typer.Option(help="By default that of the other commands.")
        ] = None,
        form: Annotated[
            Literal["text", "json"], typer.Option("--format", help="For people, or one JSON a line.")
        ] = "text",
        html: Annotated[Path | None, typer.Option(help="File for it as HTML, instead.", dir_okay=False)] = None,
        pdf: Annotated[Path | None, typer.Option(help="File for it as PDF, instead.", dir_okay=False)] = None,
    ) -> None:
        """Report everything that agents did or tried concerning a customer, and why; in words they can be sent."""
        from pilote.audit.v1 import persons_pb2

        lang = language or spoken(shell.settings())
        request = persons_pb2.ReportPersonRequest(
            subject=subject, tenant=tenant, language_code=lang, person=asked_by, reason=reason
        )

        if html is not None or pdf is not None:
            _write(shell, request, html=html, pdf=pdf)
            return

        async def work(audit: "AuditServiceAsyncStub") -> list[str]:
            unreadable: list[str] = []
            async for answer in audit.ReportPerson(request):
                unreadable = list(answer.unreadable_segments)
                for line in _as_json(answer) if form == "json" else _in_words(answer):
                    if form == "text":
                        print_text(shell.out, line)
                    else:
                        typer.echo(line)
            return unreadable

        unreadable = asking(shell, work, name="")
        if unreadable and form == "json":
            typer.echo(dumps({"unreadableSegments": unreadable}))
        tell(shell, unreadable)


def _write(shell: Shell, request: "persons_pb2.ReportPersonRequest", *, html: Path | None, pdf: Path | None) -> None:
    """Write it to files, with the checkpoint of the log that it is of."""
    from services.commands.report_files import write_files
    from services.report_counts import newest_checkpoint
    from services.report_persons import told
    from services.reports import html as pages
    from services.reports import pdf as sheets
    from services.reports.person import Told, person_report
    from services.reports.wanted_texts import say

    lang = spoken(shell.settings())

    async def work(audit: "AuditServiceAsyncStub") -> Told:
        answers = [answer async for answer in audit.ReportPerson(request)]
        return told(answers, tenant=request.tenant, checkpoint=await newest_checkpoint(audit))

    found = asking(shell, work, name="")
    document = person_report(found)
    made = [(html, pages.html(document).encode())] if html is not None else []
    made += [(pdf, sheets.pdf(document))] if pdf is not None else []
    write_files(shell, made, language=lang)
    files = ", ".join(str(file) for file, _ in made)
    print_text(shell.out, say("report-written", language=lang, title=document.title, files=files))
    tell(shell, found.unreadable)


def _in_words(answer: "persons_pb2.ReportPersonResponse") -> Iterator[str]:
    if answer.HasField("summary"):
        yield from answer.summary.sentences
    for entry in answer.entries:
        yield ""
        yield " ".join(entry.sentences)


def _as_json(answer: "persons_pb2.ReportPersonResponse") -> Iterator[str]:
    from google.protobuf.json_format import MessageToJson

    if answer.HasField("summary"):
        yield MessageToJson(answer.summary, indent=None, ensure_ascii=False)
    for entry in answer.entries:
        yield MessageToJson(entry, indent=None, ensure_ascii=False)
