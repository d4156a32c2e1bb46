"""The command `pilote explain`. What it does is in `services.commands.explaining`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import language
from services.commands.personal_commands import show_values, values_of
from services.commands.replay_commands import asking
from services.commands.shell import Shell, print_text

if TYPE_CHECKING:
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from services.commands.explaining import Explained


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def explain(
        decision: Annotated[str, typer.Argument(help="Id or name of a decision.")],
        json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,  # noqa: FBT002
        values: Annotated[bool, typer.Option("--values", help="Show what it was decided by, too.")] = False,  # noqa: FBT002
        person: Annotated[str, typer.Option("--as", help="With --values: who asks, by the policy's name.")] = "",
        key: Annotated[Path | None, typer.Option(help="With --values: the file with their key.")] = None,
        reason: Annotated[str, typer.Option(help="With --values: why; it stays in the log for good.")] = "",
    ) -> None:
        """Explain one decision in plain words, and what would have to change for a refused call to pass."""
        from msgspec import to_builtins

        from services.commands.explaining import as_json, sentences

        lang = language(shell.settings())
        found = _explained(shell, decision)
        shown = values_of(shell, decision, person=person, key=key, reason=reason) if values else None
        if json:
            typer.echo(as_json(found, more={} if shown is None else {"usedValues": to_builtins(shown)}))
            return
        for sentence in sentences(found, language=lang):
            print_text(shell.out, sentence)
        if shown is not None:
            show_values(shell, shown)


def _explained(shell: Shell, decision: str) -> "Explained":
    from gateway.adapters.sealing import Sealer
    from services.commands.explaining import explained
    from services.commands.replaying import Replays, Revisions

    settings = shell.settings()
    lang = language(settings)

    async def work(audit: "AuditServiceAsyncStub") -> "Explained":
        def replays(redis: object) -> Replays:
            sealer = Sealer(shell.replay_keys(settings))
            return Replays(Revisions(redis), sealer=sealer, pseudonym_key=shell.pseudonym_key(settings))  # type: ignore[arg-type]

        return await explained(decision, audit, store=lambda: shell.store(settings), replays=replays, language=lang)

    return asking(shell, work, name=decision)
