"""The command `pilote backtest`. What it does is in `services.commands.simulating`."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.plan_command import active, asked, looked, span_ms
from services.commands.replay_commands import asking
from services.commands.shell import Shell, print_rows
from services.commands.unreadable import tell

if TYPE_CHECKING:
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from services.commands.judging_slices import Config
    from services.commands.simulating import Simulated, Span


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
        from gateway.loading import canonical
        from services.commands.planning import as_applied

        start_ms = clock_ms() - span_ms(shell, since)
        _, new = asked(shell, revision, proposal)
        document = canonical(as_applied(new, active(shell)).document)
        config = _config(shell, document, tenant=tenant, control_all=control)
        span = _span(shell, start_ms, tenant=tenant, most=limit)
        begun = time.perf_counter()
        found = _simulated(shell, config, span, processes=processes or os.cpu_count() or 1, examples=examples)
        _show(shell, found, json=json, took_ms=int(1000 * (time.perf_counter() - begun)))
        looked(shell, proposal, "backtest", calls=found.effects.otherwise, of=found.effects.all.calls)


def _config(shell: Shell, document: bytes, *, tenant: str, control_all: bool) -> "Config":
    from services.commands.judging_slices import Config
    from services.up import redis_url

    settings = shell.settings()
    return Config(
        audit=settings.audit_listen,
        redis_url=redis_url(settings),
        document=document,
        tenant=tenant,
        pseudonym_key=shell.pseudonym_key(settings),
        replay_keys=shell.replay_keys(settings),
        control_all=control_all,
    )


def _span(shell: Shell, start_ms: int, *, tenant: str, most: int) -> "Span":
    from services.commands.simulating import span_of

    async def work(audit: "AuditServiceAsyncStub") -> "Span":
        return await span_of(audit, start_ms=start_ms, end_ms=clock_ms(), tenant=tenant, most=most)

    return asking(shell, work, name="")


def _simulated(shell: Shell, config: "Config", span: "Span", *, processes: int, examples: int) -> "Simulated":
    """Run it, with a bar where somebody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from services.commands.judging_slices import AuditSilent
    from services.commands.simulating import simulate
    from services.texts import say as say_plainly

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=shell.err, transient=True, disable=not shell.err.is_terminal) as bar:
        task = bar.add_task("", total=span.total or None)
        try:
            return simulate(
                config,
                span,
                processes=processes,
                most_examples=examples,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        except AuditSilent:
            bar.stop()
            settings = shell.settings()
            shell.fail(say_plainly("audit-down", language=language(settings), address=settings.audit_listen))


def _show(shell: Shell, found: "Simulated", *, json: bool, took_ms: int) -> None:
    from json import dumps

    from gateway.core.texts import span
    from services.commands.effects_shown import as_data, sentences, tables
    from services.commands.effects_texts import say

    lang = language(shell.settings())
    tell(shell, found.unreadable)
    if json:
        typer.echo(dumps(as_data(found), indent=2, ensure_ascii=False))
        return
    for table in tables(found, language=lang):
        print_rows(shell.out, table)
    for sentence in sentences(found, language=lang):
        shell.out.print(sentence, markup=False, soft_wrap=True)
    if found.effects.all.calls:
        took = span(took_ms, language=lang)
        shell.err.print(say("took", language=lang, calls=found.effects.all.calls, took=took), markup=False)
