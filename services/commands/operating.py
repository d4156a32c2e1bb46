"""The commands for who operates a running Pilote: stops and cells."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.settings import language
from services.commands.shell import Shell

if TYPE_CHECKING:
    from gateway.redis_clients import Client

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
        settings = shell.settings()
        lang = language(settings)

        async def work() -> str:
            async with shell.store(settings) as redis:
                return await _cells(shell, redis, tenant, number=number, lang=lang)

        try:
            shell.out.print(asyncio.run(work()), markup=False, soft_wrap=True)
        except ValueError as error:
            shell.fail(str(error), 2)


def _stops(shell: Shell, do: str, what: str, tenant: str, *, reason: str = "") -> None:
    from services.commands.halting import run
    from services.commands.noting import noting

    settings = shell.settings()
    lang = language(settings)

    async def work() -> tuple[str, ...]:
        async with shell.store(settings) as redis:
            if do == "list":
                return await run(redis, do, what=what, tenant=tenant, reason=reason, language=lang)
            change: dict[str, Any] = (
                {"before": {"what": what}} if do == "resume" else {"after": {"what": what, "reason": reason}}
            )
            name = f"stops/{tenant or '*'}/{what}"
            async with noting(shell, operation=do, resource=name, tenant=tenant, reason=reason, **change):
                return await run(redis, do, what=what, tenant=tenant, reason=reason, language=lang)

    try:
        for line in asyncio.run(work()):
            shell.out.print(line, markup=False, soft_wrap=True)
    except ValueError as error:
        shell.fail(str(error), 2)


async def _cells(shell: Shell, redis: "Client", tenant: str, *, number: int | None, lang: str) -> str:
    from gateway.adapters.cells import CellBook
    from services.commands.moving import run
    from services.commands.noting import noting

    if number is None:
        return await run(redis, tenant, cells=None, language=lang)
    change: dict[str, Any] = {"before": {"cells": await CellBook(redis).of(tenant)}, "after": {"cells": number}}
    async with noting(shell, operation="move", resource=f"cells/{tenant}", tenant=tenant, **change):
        return await run(redis, tenant, cells=number, language=lang)
