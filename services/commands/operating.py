"""The commands for who operates a running Pilote: stops, cells, and rules that fail."""

import asyncio
from typing import Annotated

import typer

from gateway.settings import language
from services.commands.shell import Shell

What = Annotated[str, typer.Argument(help="all, agent=NAME, version=MODEL/VERSION, route=NAME or channel=NAME.")]
Tenant = Annotated[str, typer.Option(help="Tenant; by default all of the active policy.")]


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the commands."""

    @app.command()
    def stop(
        what: What,
        reason: Annotated[str, typer.Option(help="Why, for those who see the refusals.")],
        tenant: Tenant = "",
    ) -> None:
        """Halt an agent, a version, a route, a channel or everything, from the next call on, in every gateway."""
        _stops(shell, "stop", what, tenant, reason=reason)

    @app.command()
    def resume(what: What, tenant: Tenant = "") -> None:
        """Let go on what was halted."""
        _stops(shell, "resume", what, tenant)

    @app.command()
    def stops(tenant: Tenant = "") -> None:
        """Show what is halted."""
        _stops(shell, "list", "", tenant)

    @app.command()
    def cells(
        tenant: Annotated[str, typer.Argument(help="Name of the tenant.")],
        number: Annotated[int | None, typer.Argument(min=1, max=256, help="How many it shall have.")] = None,
    ) -> None:
        """Show how many cells a tenant has, or move it, while it is halted, to another number."""
        from services.commands.moving import run

        settings = shell.settings()
        lang = language(settings)

        async def work() -> str:
            async with shell.store(settings) as redis:
                return await run(redis, tenant, cells=number, language=lang)

        try:
            shell.out.print(asyncio.run(work()), markup=False, soft_wrap=True)
        except ValueError as error:
            shell.fail(str(error), 2)

    @app.command()
    def findings(tenant: Tenant = "") -> None:
        """Show the rules that failed while calls were decided."""
        from services.commands.findings import run

        settings = shell.settings()

        async def work() -> tuple[str, ...]:
            async with shell.store(settings) as redis:
                return await run(redis, tenant=tenant, language=language(settings))

        for line in asyncio.run(work()):
            shell.out.print(line, markup=False, soft_wrap=True)


def _stops(shell: Shell, do: str, what: str, tenant: str, *, reason: str = "") -> None:
    from services.commands.halting import run

    settings = shell.settings()
    lang = language(settings)

    async def work() -> tuple[str, ...]:
        async with shell.store(settings) as redis:
            return await run(redis, do, what=what, tenant=tenant, reason=reason, language=lang)

    try:
        for line in asyncio.run(work()):
            shell.out.print(line, markup=False, soft_wrap=True)
    except ValueError as error:
        shell.fail(str(error), 2)
