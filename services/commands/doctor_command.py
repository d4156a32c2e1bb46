"""The command `pilote doctor`: what is wrong here, and how to mend it."""

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer
from rich.text import Text

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.shell import Shell

if TYPE_CHECKING:
    from services.doctor.observing import Observation

_STYLES: Final = {"good": "green", "unknown": "dim", "warning": "yellow", "bad": "bold red"}


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add it to the commands of `pilote`."""

    @app.command()
    def doctor(
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
        every: Annotated[bool, typer.Option("--all", help="Also what is well.")] = False,  # noqa: FBT002
    ) -> None:
        """Look at store, clocks, certificates, policy, streams, disk and versions, and say how to mend what is wrong.

        Ends with 0 when all is well, 1 with warnings, 2 when something is bad.
        """
        from services.doctor.examining import examine
        from services.doctor.observing import exit_code
        from services.doctor.telling import as_json as told
        from services.doctor.telling import summary
        from services.presenting import present_own
        from services.up import redis_url

        settings = shell.settings_read()
        with contextlib.suppress(OSError, ValueError):  # what is wrong with certificates is said below
            present_own(settings)
        lang = language(settings)
        found = asyncio.run(examine(settings, redis_url=redis_url(settings), now_ms=clock_ms()))
        if as_json:
            typer.echo(msgspec.json.format(msgspec.json.encode(told(found, language=lang)), indent=2).decode())
        else:
            _show(shell, found, every=every, lang=lang)
            shell.out.print(summary(found, language=lang), markup=False, soft_wrap=True)
        raise typer.Exit(exit_code(found))


def _show(shell: Shell, found: "tuple[Observation, ...]", *, every: bool, lang: str) -> None:
    from services.doctor.observing import Grade
    from services.doctor.telling import mend, seen, word

    shown = [each for each in found if every or each.grade is not Grade.GOOD]
    for part, observations in itertools.groupby(shown, key=lambda each: each.part):
        shell.out.print(word(part, language=lang), style="bold", markup=False)
        for each in observations:
            grade = word(each.grade.value, language=lang)
            line = Text.assemble("  ", (grade, _STYLES[each.grade.value]), "  ", seen(each, language=lang))
            shell.out.print(line, soft_wrap=True)
            if how := mend(each, language=lang):
                shell.out.print(Text(f"      → {how}"), soft_wrap=True)
