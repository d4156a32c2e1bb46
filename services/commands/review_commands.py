"""The commands `pilote reviews`: which decisions wait to be judged, and what those that were tell."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import language
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from services.reviews.telling import Told

Tenant = Annotated[str, typer.Option(help="Tenant; by default all of the active policy.")]
AsJson = Annotated[bool, typer.Option("--json", help="Everything, as JSON.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group; without one of them it says what waits."""
    app = typer.Typer(help="Decisions that people judge, and what that tells.")

    @app.callback(invoke_without_command=True)
    def reviews(context: typer.Context, tenant: Tenant = "") -> None:
        """Show of each tenant how many decisions wait, and how many of them are overdue."""
        if context.invoked_subcommand is not None:
            return
        from services.commands.reviewing import waiting

        print_rows(shell.out, waiting(_told(shell, tenant)))

    @app.command()
    def numbers(tenant: Tenant = "", as_json: AsJson = False) -> None:  # noqa: FBT002
        """Show how far reviewers agree and look, and how many of all decisions are wrong, with intervals."""
        from services.commands.reviewing import as_object, lines

        lang = language(shell.settings())
        for each in _told(shell, tenant):
            if as_json:
                import msgspec

                typer.echo(msgspec.json.encode(as_object(each)))
                continue
            for line in lines(each, language=lang):
                shell.out.print(line, markup=False, soft_wrap=True)

    return app


def _told(shell: Shell, tenant: str) -> "tuple[Told, ...]":
    from gateway.clock import clock_ms
    from services.commands.reviewing import told_of

    settings = shell.settings()

    async def work() -> "tuple[Told, ...]":
        async with shell.store(settings) as redis:
            return await told_of(redis, tenant=tenant, now_ms=clock_ms())

    return asyncio.run(work())
