"""The commands `pilote erase` and `pilote audit rewrap`, and the values that `pilote explain` shows."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import language
from services.commands.personal_texts import say
from services.commands.shell import Shell, print_rows
from services.texts import say as say_generally

if TYPE_CHECKING:
    from pilote.audit.v1 import personal_pb2
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from services.commands.personal import Shown


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command `erase`."""

    @app.command()
    def erase(
        subject: Annotated[str, typer.Argument(help="The customer, such as contacts/cnt_000001.")],
        reason: Annotated[str, typer.Option(help="Why; it stays in the log for good, so name nobody.")],
        tenant: Annotated[str, typer.Option(help="Whose customer; by default of every tenant.")] = "",
        by: Annotated[str, typer.Option(help="Who asks for it.")] = "",
    ) -> None:
        """Erase a customer: destroy the keys of what records say of them. Records, sums and proofs stay."""
        answer, lang = _erased(shell, subject, tenant=tenant, reason=reason, by=by), language(shell.settings())
        for each in answer.erasures:
            told = {"subject": subject, "tenant": each.tenant, "keys": each.keys, "inputs": each.inputs}
            shell.out.print(say("erased", language=lang, **told), markup=False, soft_wrap=True)
        more = [] if answer.erasures else ["erased-nobody"]
        more += [] if answer.files_cleared else ["erased-later"]
        for text in (*more, "erased-crm"):
            shell.out.print(say(text, language=lang), markup=False, soft_wrap=True)


def add_audit_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command `rewrap` to those of `pilote audit`."""

    @app.command()
    def notes(
        count: Annotated[int, typer.Option(min=1, max=1000, help="Most to show.")] = 20,
        kind: Annotated[str, typer.Option(help="Only `erasure`, `access` or `change`.")] = "",
        by: Annotated[str, typer.Option(help="Only what they have asked for or done.")] = "",
        about: Annotated[str, typer.Option(help="Only what is about names that begin so, such as stops/acme/.")] = "",
    ) -> None:
        """Show who was erased, who read what calls were decided by, and who changed what, newest first."""
        from pilote.audit.v1 import personal_pb2
        from services.commands.personal import note_rows
        from services.commands.replay_commands import asking

        request = personal_pb2.ListNotesRequest(page_size=count, kind=kind, person=by, resource=about)

        async def work(audit: "AuditServiceAsyncStub") -> personal_pb2.ListNotesResponse:
            return await audit.ListNotes(request, timeout=30)

        found = asking(shell, work, name="")
        print_rows(shell.out, note_rows(found.notes, language=language(shell.settings())), whole="decision")

    @app.command()
    def rewrap() -> None:
        """Wrap the keys of what records say of people anew, with the first master key of the file."""
        from gateway.adapters.sealing import Damaged, KeyMissing
        from gateway.core.errors import CallEnded
        from services.commands.audit_commands import store_url_of
        from services.commands.rewrapping import rewrap as run

        settings = shell.settings()
        lang = language(settings)
        try:
            url = store_url_of(shell, settings)
            count = asyncio.run(run(settings.home, shell.record_keys(settings), url=url))
        except KeyMissing:
            shell.fail(say("rewrap-key", language=lang))
        except Damaged:
            shell.fail(say("rewrap-damaged", language=lang))
        except CallEnded:
            shell.fail(say("rewrap-store", language=lang, home=settings.home))
        shell.out.print(say("rewrapped", language=lang, count=count), markup=False, soft_wrap=True)


def values_of(shell: Shell, decision: str, *, person: str, key: Path | None, reason: str) -> "Shown":
    """What a call was decided by, as the control plane shows it; for who may not read it the process ends here."""
    from gateway.signing import signer
    from services.commands.personal import Refused, read_values

    settings = shell.settings()
    lang = language(settings)
    if not person or key is None or not reason:
        shell.fail(say("values-who", language=lang), 2)
    try:
        signing = signer(key)
    except (OSError, ValueError) as error:
        shell.fail(str(error), 2)
    try:
        return read_values(
            settings.control_listen, decision, person=person, signer=signing, reason=reason, language=lang
        )
    except Refused as refused:
        shell.fail(str(refused))
    except OSError:
        shell.fail(say("control-down", language=lang, address=settings.control_listen))


def show_values(shell: Shell, shown: "Shown") -> None:
    """Print them."""
    from services.commands.personal import lines

    for line in lines(shown, language=language(shell.settings())):
        shell.out.print(line, markup=False, soft_wrap=True)


def _erased(shell: Shell, subject: str, *, tenant: str, reason: str, by: str) -> "personal_pb2.EraseSubjectResponse":
    import grpc

    from gateway.rpc.channels import channel_to
    from gateway.rpc.status import text_from
    from pilote.audit.v1 import personal_pb2
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub

    settings = shell.settings()
    lang, address = language(settings), settings.audit_listen
    request = personal_pb2.EraseSubjectRequest(subject=subject, tenant=tenant, reason=reason, person=by)

    async def work() -> personal_pb2.EraseSubjectResponse:
        async with channel_to(address) as channel:
            stub: AuditServiceAsyncStub = AuditServiceStub(channel)
            return await stub.EraseSubject(request, timeout=60)

    try:
        return asyncio.run(work())
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
            shell.fail(say("refused", language=lang, text=text_from(error)), 2)
        shell.fail(say_generally("audit-down", language=lang, address=address))
