"""The command `pilote audit witness`."""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.settings import language
from services.commands.export_commands import read_key_of
from services.commands.proof_texts import say
from services.commands.shell import Shell
from services.texts import say as say_plainly

if TYPE_CHECKING:
    from services.commands.witnessing import Seen
    from services.proof.notes import Signer


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def witness(
        log_key: Annotated[str, typer.Option(help="The log's public key, or a file with it.")] = "",
        key_file: Annotated[Path | None, typer.Option(help="The witness's own key; made where there is none.")] = None,
        name: Annotated[str, typer.Option(help="What the witness is called; by default after its key.")] = "",
        state: Annotated[Path | None, typer.Option(help="Where it keeps the checkpoint that it has seen last.")] = None,
        address: Annotated[str, typer.Option(help="The audit service; by default that of the settings.")] = "",
        show_key: Annotated[bool, typer.Option("--show-key", help="Only print the witness's public key.")] = False,  # noqa: FBT002
    ) -> None:
        """Look at a log once, and sign its newest checkpoint if it continues the one that was seen last."""
        from services.commands.witnessing import witness as run
        from services.proof.verifying import Broken

        settings = shell.settings()
        lang = language(settings)
        signer = _signer(shell, key_file or settings.home / "secrets" / "witness.key", name)
        if show_key:
            typer.echo(signer.key.text)
            return
        where = address or settings.audit_listen
        kept = state or settings.home / "witness.checkpoint"
        key = read_key_of(shell, log_key)
        work = run(where, key=key, signer=signer, state=kept, now_s=int(time.time()))
        try:
            seen = _answered(shell, work, where)
        except Broken as broken:
            text = say(broken.problem.what, language=lang, **broken.problem.values)
            shell.fail(say("witness-refuses", language=lang, origin=key.name, text=text))
        except OSError as error:
            shell.fail(say("witness-state", language=lang, file=kept, why=error), 2)
        values = {"origin": seen.checkpoint.origin, "size": seen.checkpoint.size}
        before = 0 if seen.before is None else seen.before.size
        shell.out.print(say("witnessed", language=lang, before=before, **values), markup=False, soft_wrap=True)


def _signer(shell: Shell, path: Path, name: str) -> "Signer":
    from services.audit.proofs.log_key import log_signer
    from services.proof.notes import WITNESS

    try:
        return log_signer(path, origin=name, kind=WITNESS)
    except (OSError, ValueError) as error:
        shell.fail(str(error), 2)


def _answered(shell: Shell, work: "Coroutine[Any, Any, Seen]", where: str) -> "Seen":
    """What came of it; ends the process where the service does not answer, or takes no signature of ours."""
    import grpc

    lang = language(shell.settings())
    try:
        return asyncio.run(work)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            shell.fail(say_plainly("audit-down", language=lang, address=where))
        shell.fail(say("witness-untaken", language=lang, why=error.details() or ""))
