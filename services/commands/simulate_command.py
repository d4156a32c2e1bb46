"""The command `pilote simulate`. What it does is in `services.commands.quarters`."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import language
from services.commands.shell import Shell
from services.commands.simulate_texts import say

if TYPE_CHECKING:
    from gateway.core.revision.compiled import Revision

LEAST_WEEKS, MOST_WEEKS = 1, 52


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def simulate(
        home: Annotated[Path, typer.Option(help="An empty folder: the home that is filled.", file_okay=False)],
        seed: Annotated[int, typer.Option(min=0, max=(1 << 63) - 1, help="The same seed comes to the same.")] = 1,
        customers: Annotated[int, typer.Option(min=30, max=200_000, help="How many there are.")] = 8_000,
        weeks: Annotated[int, typer.Option(min=LEAST_WEEKS, max=MOST_WEEKS, help="How long it is.")] = 13,
        decisions: Annotated[int, typer.Option(min=30, max=20_000_000, help="How many agents ask for.")] = 500_000,
        retries: Annotated[int, typer.Option(min=0, max=5, help="How often agents come back after a refusal.")] = 0,
        policy: Annotated[
            Path | None, typer.Option(help="Another policy, with the same agents.", exists=True, dir_okay=False)
        ] = None,
        until: Annotated[str, typer.Option(help="The day before which it ends; by default today.")] = "",
    ) -> None:
        """Simulate a quarter of invented customers whose truths are known, and fill a home with it."""
        from services.commands.quarters import Wanted, simulated

        settings = shell.settings()
        lang = language(settings)
        if settings.redis_url is not None or settings.audit_url is not None:
            shell.fail(say("not-embedded", language=lang), 2)
        if (home / "audit" / "decisions.sqlite").exists():
            shell.fail(say("not-empty", language=lang, home=home), 2)
        if decisions < customers:
            shell.fail(say("too-few", language=lang, decisions=decisions, customers=customers), 2)
        wanted = Wanted(
            home=home.resolve(),
            seed=seed,
            customers=customers,
            days=7 * weeks,
            decisions=decisions,
            retries=retries,
            end_ms=_day_ms(shell, until),
        )
        simulated(shell, wanted, _policy(shell, policy), language=lang)


def _day_ms(shell: Shell, text: str) -> int:
    """The midnight, in UTC, before which the quarter ends; ends the process, with a text, where it is none."""
    try:
        day = dt.date.fromisoformat(text) if text else dt.datetime.now(dt.UTC).date()
    except ValueError:
        shell.fail(say("bad-day", language=language(shell.settings()), given=text), 2)
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) * 1_000


def _policy(shell: Shell, file: Path | None) -> "Revision":
    from gateway.activation.loading import canonical, load_stored
    from services.commands.checking import checked
    from services.simulation.default_policy import default_policy

    if file is None:
        return default_policy(number=1)
    found = checked(shell.err, file, language=language(shell.settings()))
    if found is None:
        raise typer.Exit(1)
    return load_stored(canonical(found[0].document), number=1)
