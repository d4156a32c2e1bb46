"""The command `pilote plan`. What it does is in `services.commands.planning`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.plan_texts import say
from services.commands.running_backtests import Over, ran, show
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from gateway.core.reach import Count
    from gateway.core.revision.compiled import Revision

LONGEST_MS = 366 * 86_400_000
SHORTEST_MS = 3_600_000


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def plan(
        file: Annotated[Path | None, typer.Argument(help="A policy as YAML.", exists=True, dir_okay=False)] = None,
        proposal: Annotated[int | None, typer.Option(min=1, help="Number of a proposal, in place of a file.")] = None,
        since: Annotated[str, typer.Option(help="Of how long ago calls are counted, such as 7d or 12h.")] = "7d",
        tenant: Annotated[str, typer.Option(help="Whose calls are counted; by default everybody's.")] = "",
        backtest: Annotated[  # noqa: FBT002
            bool, typer.Option("--backtest", help="Decide about the recorded calls once more by the new policy.")
        ] = False,
        limit: Annotated[int, typer.Option(min=0, max=1_000_000, help="The newest so many; 0: all.")] = 0,
        examples: Annotated[int, typer.Option(min=0, max=10_000, help="Decisions shown of each change.")] = 3,
    ) -> None:
        """Say what a policy would change, which methods and agents that concerns, and how many of the last calls."""
        from services.commands.planning import as_applied, planned, rows, sentences

        lang = language(shell.settings())
        ago_ms = span_ms(shell, since)
        name, new = asked(shell, file, proposal)
        old = active(shell)
        new = as_applied(new, old)
        plan = planned(old, new, _counts(shell, span_ms=ago_ms, tenant=tenant))
        if not plan.changes:
            shell.out.print(say("none", language=lang, file=name, number=plan.active), markup=False, soft_wrap=True)
            return
        title = say("title" if old else "title-first", language=lang, file=name, number=plan.active)
        shell.out.print(title, markup=False, soft_wrap=True)
        print_rows(shell.out, rows(plan, language=lang))
        for sentence in sentences(plan, span_ms=ago_ms, language=lang):
            shell.out.print(sentence, markup=False, soft_wrap=True)
        if plan.calls is not None:
            looked(shell, proposal, "plan", calls=plan.calls, of=plan.all_calls)
        if backtest:
            over = Over(start_ms=clock_ms() - ago_ms, tenant=tenant, most=limit, examples=examples)
            found, took_ms = ran(shell, new, over)
            show(shell, found, took_ms=took_ms)
            looked(shell, proposal, "backtest", calls=found.effects.otherwise, of=found.effects.all.calls)


def asked(shell: Shell, file: Path | None, proposal: int | None) -> "tuple[str, Revision]":
    """The policy to plan with, and what it is called."""
    from services.commands.checking import checked
    from services.commands.revision_commands import proposed
    from services.revisions.texts import say as say_of_revisions

    lang = language(shell.settings())
    if (file is None) == (proposal is None):
        shell.fail(say_of_revisions("plan-what", language=lang), 2)
    if proposal is not None:
        return say_of_revisions("proposal", language=lang, number=proposal), proposed(shell, proposal)
    found = checked(shell.err, file or Path(), language=lang)
    if found is None:
        raise typer.Exit(1)
    return str(file), found[0]


def looked(shell: Shell, proposal: int | None, at: Literal["plan", "backtest"], *, calls: int, of: int) -> None:
    """Let those who decide about a proposal know that it was looked at."""
    from gateway.adapters.proposals import Look, Proposals
    from gateway.signing import verify

    if proposal is None:
        return
    number, settings = proposal, shell.settings()

    async def work() -> None:
        async with shell.store(settings) as redis:
            look = Look(at=at, at_ms=clock_ms(), calls=calls, of=of)
            await Proposals(redis, verify=verify).looked(number, look)

    asyncio.run(work())


def active(shell: Shell) -> "Revision | None":
    """The revision that runs, if any; ends the process, with a text, where this version cannot read it."""
    from services.commands.planning import ActiveUnreadable, active_revision

    settings = shell.settings()

    async def work() -> "Revision | None":
        async with shell.store(settings) as redis:
            return await active_revision(redis)

    try:
        return asyncio.run(work())
    except ActiveUnreadable as unreadable:
        shell.fail(say("unreadable", language=language(settings), number=unreadable.number))


def _counts(shell: Shell, *, span_ms: int, tenant: str) -> "tuple[Count, ...] | None":
    """The calls of late; `None`, and why, where the audit service does not answer: the rest can be said without it."""
    import grpc

    from gateway.rpc.channels import channel_to
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
    from services.commands.planning import counted

    settings = shell.settings()

    async def work() -> "tuple[Count, ...] | None":
        async with channel_to(settings.audit_listen) as channel:
            try:
                return await counted(AuditServiceStub(channel), span_ms=span_ms, tenant=tenant)
            except grpc.aio.AioRpcError:
                text = say("audit-down", language=language(settings), address=settings.audit_listen)
                shell.err.print(text, markup=False, soft_wrap=True)
                return None

    return asyncio.run(work())


def span_ms(shell: Shell, text: str) -> int:
    """Milliseconds of a time span that somebody gave; ends the process, with a text, where it is none."""
    import msgspec

    from gateway.core.policy.vocabulary import Duration, duration_ms

    try:
        found = duration_ms(msgspec.convert(text, Duration))
    except msgspec.ValidationError:
        found = 0
    if not SHORTEST_MS <= found <= LONGEST_MS:
        shell.fail(say("bad-span", language=language(shell.settings()), given=text), 2)
    return found
