"""Runs the backtest that a command asks for, with a bar where somebody watches, and prints what it has found."""

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.replay_commands import asking
from services.commands.shell import Shell, print_rows, print_text
from services.commands.unreadable import tell

if TYPE_CHECKING:
    from gateway.core.revision.compiled import Revision
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from services.commands.judging_slices import Config
    from services.commands.simulating import Simulated, Span


class Over(NamedTuple):
    """Which recorded calls, and how."""

    start_ms: int
    """Those received since, in milliseconds since the epoch."""
    tenant: str
    """Whose; empty: everybody's."""
    most: int
    """The newest so many; 0: all."""
    examples: int
    """Decisions that are kept of each change."""
    processes: int = 0
    """0: one for each core."""
    control_all: bool = False
    """Decide about all of them under their own revision too, and not about a sample."""


def ran(shell: Shell, new: "Revision", over: Over) -> "tuple[Simulated, int]":
    """What has come of it, and how many milliseconds it took; ends the process, with a text, where nobody answers."""
    config = _config(shell, new, over)
    span = _span(shell, over)
    begun = time.perf_counter()
    found = _simulated(shell, config, span, over)
    tell(shell, found.unreadable)
    return found, int(1000 * (time.perf_counter() - begun))


def show(shell: Shell, found: "Simulated", *, took_ms: int) -> None:
    """Print it for people."""
    from gateway.core.texts import span
    from services.commands.effects_shown import sentences, tables
    from services.commands.effects_texts import say

    lang = language(shell.settings())
    for table in tables(found, language=lang):
        print_rows(shell.out, table)
    for sentence in sentences(found, language=lang):
        print_text(shell.out, sentence)
    if found.effects.all.calls:
        took = span(took_ms, language=lang)
        shell.err.print(say("took", language=lang, calls=found.effects.all.calls, took=took), markup=False)


def _config(shell: Shell, new: "Revision", over: Over) -> "Config":
    from gateway.activation.loading import canonical
    from services.commands.judging_slices import Config
    from services.up import redis_url

    settings = shell.settings()
    return Config(
        audit=settings.audit_listen,
        redis_url=redis_url(settings),
        document=canonical(new.document),
        tenant=over.tenant,
        pseudonym_key=shell.pseudonym_key(settings),
        replay_keys=shell.replay_keys(settings),
        control_all=over.control_all,
    )


def _span(shell: Shell, over: Over) -> "Span":
    from services.commands.simulating import span_of

    async def work(audit: "AuditServiceAsyncStub") -> "Span":
        return await span_of(audit, start_ms=over.start_ms, end_ms=clock_ms(), tenant=over.tenant, most=over.most)

    return asking(shell, work, name="")


def _simulated(shell: Shell, config: "Config", span: "Span", over: Over) -> "Simulated":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from services.commands.effects_texts import say
    from services.commands.judging_slices import AuditSilent
    from services.commands.simulating import ProcessLost, simulate
    from services.texts import say as say_plainly

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=shell.err, transient=True, disable=not shell.err.is_terminal) as bar:
        task = bar.add_task("", total=span.total or None)
        try:
            return simulate(
                config,
                span,
                processes=over.processes or os.cpu_count() or 1,
                most_examples=over.examples,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        except AuditSilent:
            bar.stop()
            settings = shell.settings()
            shell.fail(say_plainly("audit-down", language=language(settings), address=settings.audit_listen))
        except ProcessLost:
            bar.stop()
            shell.fail(say("lost-process", language=language(shell.settings())))
