"""`pilote decide`: one decision worker, which the Envoy engine starts; nobody types it."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.commands.processes import pin_file
from services.commands.shell import Shell


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command(hidden=True)
    def decide(socket: Annotated[Path, typer.Argument(help="Unix socket at which an Envoy asks.")]) -> None:
        """Run one decision worker: what decides, inside an Envoy of its own."""
        from gateway.key_files import keys_of
        from gateway.rpc.serving import let_work_finish
        from gateway.settings import inherited
        from gateway.watching.logs import configure
        from services.deciding.worker import work

        settings = shell.settings()
        configure(settings.log_level)
        pin_file(shell, settings)
        shell.trusted_people(settings)
        let_work_finish()
        try:
            keys_of(settings)  # what is wrong with them is said here, in one line
            code = asyncio.run(work(socket, environment=inherited(), drain_seconds=settings.drain_seconds))
        except (OSError, ValueError) as error:
            shell.fail(str(error), 2)
        raise typer.Exit(code)
