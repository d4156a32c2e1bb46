"""The commands `pilote holds`. What they do is in `services.commands.holding`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.settings import language
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from services.commands.holding import Holds

T = TypeVar("T")
Name = Annotated[str, typer.Argument(help="Name of a hold, as `pilote holds list` shows it.")]
Who = Annotated[str, typer.Option("--by", help="Who decides; it goes into the record.")]
Why = Annotated[str, typer.Option("--reason", help="Why; the agent and the record get it.")]
Tenant = Annotated[str, typer.Option(help="Tenant; by default all of the active policy.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Calls that wait for a person, or for a time.")

    def run(tenant: str, work: "Callable[[Holds], Awaitable[T]]") -> T:
        """Do something with the holds; ends the process where that cannot be done."""
        from services.commands.holding import HoldProblem, Holds

        settings = shell.settings()
        keys = shell.hold_keys(settings)

        async def done() -> T:
            async with shell.store(settings) as redis:
                return await work(Holds(redis, keys, tenant=tenant, language=language(settings)))

        try:
            return asyncio.run(done())
        except HoldProblem as problem:
            shell.fail(str(problem))

    @app.command("list")
    def list_holds(tenant: Tenant = "") -> None:
        """Show what waits, the oldest first."""
        print_rows(shell.out, run(tenant, lambda holds: holds.list()), whole="hold")

    @app.command()
    def show(name: Name, tenant: Tenant = "") -> None:
        """Show one, with its request as JSON. Needs the key file of the gateways."""
        for line in run(tenant, lambda holds: holds.show(name)):
            shell.out.print(line, markup=False, soft_wrap=True)

    @app.command()
    def approve(name: Name, by: Who, reason: Why, tenant: Tenant = "") -> None:
        """Let the call be made, once; of a suggestion, say that you follow it."""
        decide(name, tenant, approve=True, by=by, reason=reason)

    @app.command()
    def refuse(name: Name, by: Who, reason: Why, tenant: Tenant = "") -> None:
        """End it: the call is never made."""
        decide(name, tenant, approve=False, by=by, reason=reason)

    def decide(name: str, tenant: str, *, approve: bool, by: str, reason: str) -> None:
        told = run(
            tenant, lambda holds: _decided(shell, holds, name, tenant=tenant, approve=approve, by=by, reason=reason)
        )
        shell.out.print(told, markup=False, soft_wrap=True)

    return app


async def _decided(shell: Shell, holds: "Holds", name: str, *, tenant: str, approve: bool, by: str, reason: str) -> str:
    from services.commands.noting import noting

    noted = noting(
        shell,
        operation="approve" if approve else "refuse",
        resource=f"holds/{name.removeprefix('holds/')}",
        tenant=tenant,
        after={"decider": by, "approved": approve},
        reason=reason,
    )
    async with noted:
        return await holds.decide(name, approve=approve, by=by, comment=reason)
