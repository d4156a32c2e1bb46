"""The command `pilote insights pressure`. What it shows is in `services.commands.pressure_told`."""

import asyncio
from typing import Annotated

import typer

from gateway.settings import language
from services.commands.insight_texts import say
from services.commands.shell import Shell, print_rows, print_text


def add_pressure(app: typer.Typer, shell: Shell) -> None:
    """Add it to the commands `pilote insights`."""

    @app.command()
    def pressure(
        tenant: Annotated[str, typer.Option(help="Tenant; by default all of the active policy.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Show how often customers are contacted, what that costs, and which agents add it."""
        import msgspec

        from services.commands.pressure_told import kept, told

        settings = shell.settings()
        spoken = language(settings)
        found = asyncio.run(kept(shell, settings, tenant=tenant))
        if as_json:
            for each in found:
                typer.echo(msgspec.json.encode(each))
            return
        if not any(each.channels for each in found):
            print_text(shell.out, say("pressure-none", language=spoken))
        for each in found:
            for heading, rows in told(each, language=spoken):
                print_text(shell.out, heading)
                print_rows(shell.out, rows)
