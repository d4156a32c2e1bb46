"""The command `pilote backtest`. What it does is in `services.commands.running_backtests`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.clock import clock_ms
from services.commands.plan_command import active, asked, looked, span_ms
from services.commands.running_backtests import Over, ran, show
from services.commands.shell import Shell

if TYPE_CHECKING:
    from services.commands.simulating import Simulated


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def backtest(
        revision: Annotated[
            Path | None, typer.Option(help="The new policy as YAML.", exists=True, dir_okay=False)
        ] = None,
        proposal: Annotated[int | None, typer.Option(min=1, help="Number of a proposal, in place of a file.")] = None,
        since: Annotated[str, typer.Option(help="Calls received since so long ago, such as 30d or 12h.")] = "30d",
        tenant: Annotated[str, typer.Option(help="Whose calls; by default everybody's.")] = "",
        limit: Annotated[int, typer.Option(min=0, max=1_000_000, help="The newest so many; 0: all.")] = 0,
        examples: Annotated[int, typer.Option(min=0, max=10_000, help="Decisions shown of each change.")] = 3,
        processes: Annotated[int, typer.Option(min=0, max=64, help="How many; 0: one for each core.")] = 0,
        control: Annotated[  # noqa: FBT002
            bool, typer.Option("--control", help="Decide about all calls under their own revision too, not a sample.")
        ] = False,
        json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,  # noqa: FBT002
    ) -> None:
        """Say what recorded calls would have come to under a new policy, limits and caps counted in order."""
        from services.commands.planning import as_applied

        over = Over(
            start_ms=clock_ms() - span_ms(shell, since),
            tenant=tenant,
            most=limit,
            examples=examples,
            processes=processes,
            control_all=control,
        )
        _, new = asked(shell, revision, proposal)
        found, took_ms = ran(shell, as_applied(new, active(shell)), over)
        if json:
            _as_json(found)
        else:
            show(shell, found, took_ms=took_ms)
        looked(shell, proposal, "backtest", calls=found.effects.otherwise, of=found.effects.all.calls)


def _as_json(found: "Simulated") -> None:
    from json import dumps

    from services.commands.effects_shown import as_data

    typer.echo(dumps(as_data(found), indent=2, ensure_ascii=False))
