"""The commands `pilote vault`: sensitive attributes, loaded for statistics of fairness, and deleted again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.settings import language
from services.commands.shell import Shell, print_rows, print_text
from services.commands.vault_texts import say
from services.vault.attributes import LARGEST_FILE, MOST_KEEP_DAYS

if TYPE_CHECKING:
    from services.commands.noting import Operator
    from services.control.vault.desk import VaultDesk

T = TypeVar("T")
Tenant = Annotated[str, typer.Option(help="Whose customers.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Sensitive attributes, for statistics of fairness only.")
    _add_load(app, shell)
    _add_rest(app, shell)
    return app


def _add_load(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def load(
        file: Annotated[Path, typer.Argument(help="CSV with the head customer,value.", exists=True, dir_okay=False)],
        tenant: Tenant,
        attribute: Annotated[str, typer.Option(help="gender, age, disability, residence or nationality.")],
        purpose: Annotated[str, typer.Option(help="What for; it stays in the log for good, so name nobody.")],
        legal_basis: Annotated[str, typer.Option(help="On what legal basis, such as consent.")],
        keep_days: Annotated[int, typer.Option(min=1, max=MOST_KEEP_DAYS, help="Deleted after so many days.")],
    ) -> None:
        """Load an attribute of customers, all lines or none."""
        from services.control.vault.desk import Loading, WrongRows

        lang = language(shell.settings())
        if file.stat().st_size > LARGEST_FILE:
            shell.fail(say("large", language=lang), 2)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            shell.fail(say("unreadable", language=lang), 2)
        wanted = Loading(
            tenant=tenant, attribute=attribute, csv=text, purpose=purpose, legal_basis=legal_basis, keep_days=keep_days
        )
        try:
            held = _done(shell, lambda desk, who: desk.load(wanted, who=who))
        except WrongRows as wrong:
            from services.vault.rows import MOST_MISTAKES
            from services.vault.texts import mistake_told

            for each in wrong.mistakes[:MOST_MISTAKES]:
                print_text(shell.err, mistake_told(each.line, each.code, language=lang))
            shell.fail(wrong.said(lang), 2)
        print_text(shell.out, say("loaded", language=lang, attribute=held.attribute, people=held.people))


def _add_rest(app: typer.Typer, shell: Shell) -> None:
    @app.command("list")
    def list_attributes() -> None:
        """Show what is held: which attributes, of how many people, what for and until when. Nothing shows of whom."""
        from services.commands.vault_tables import held_rows

        lang = language(shell.settings())
        found = _done(shell, lambda desk, _: desk.held())
        if not found:
            print_text(shell.out, say("none", language=lang))
            return
        print_rows(shell.out, held_rows(found, language=lang))

    @app.command()
    def compared() -> None:
        """Show how groups fared beside each other in the last complete week, the surest first."""
        from services.commands.vault_tables import compared_rows, told_beside

        lang = language(shell.settings())
        found = _done(shell, lambda desk, _: desk.weeks())
        if not any(week.comparisons for week in found):
            print_text(shell.out, say("compared-none", language=lang))
            return
        print_rows(shell.out, compared_rows(found, language=lang))
        for week in found:
            for text in told_beside(week, language=lang):
                print_text(shell.out, text)

    @app.command()
    def forget(
        tenant: Tenant,
        reason: Annotated[str, typer.Option(help="Why; it stays in the log for good, so name nobody.")],
        attribute: Annotated[str, typer.Option(help="Which; by default all.")] = "",
        customer: Annotated[str, typer.Option(help="Of whom, such as contacts/cnt_000001; by default everybody.")] = "",
    ) -> None:
        """Delete what is held, before its time is over."""
        count = _done(
            shell,
            lambda desk, who: desk.forget(tenant, attribute=attribute, customer=customer, reason=reason, who=who),
        )
        print_text(shell.out, say("forgotten", language=language(shell.settings()), count=count))


def _done(shell: Shell, work: "Callable[[VaultDesk, Operator], Awaitable[T]]") -> T:
    """What comes of it; where it is not done, but for wrong lines, the process ends here."""
    from services.control.undone import Undone
    from services.control.vault.desk import WrongRows

    try:
        return asyncio.run(_work(shell, work))
    except WrongRows:
        raise
    except Undone as undone:
        shell.fail(undone.said(language(shell.settings())))


async def _work(shell: Shell, work: "Callable[[VaultDesk, Operator], Awaitable[T]]") -> T:

    from gateway.clock import clock_ms
    from gateway.rpc.channels import channel_to
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
    from pilote.vault.v1.vault_service_pb2_grpc import VaultServiceStub
    from services.commands.noting import SECONDS, operator
    from services.control.changes import Changes
    from services.control.owing import Owing
    from services.control.vault.desk import VaultDesk

    settings = shell.settings()
    async with (
        channel_to(settings.audit_listen) as audit,
        channel_to(settings.insights_listen) as vault,
        shell.store(settings) as redis,
    ):
        stub = AuditServiceStub(audit)
        changes = Changes(stub, owing=Owing(redis, stub, clock_ms=clock_ms), seconds=SECONDS)
        desk = VaultDesk(VaultServiceStub(vault), changes, pseudonym_key=shell.pseudonym_key(settings))
        return await work(desk, operator())
