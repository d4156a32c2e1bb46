"""The commands `pilote reviews`: which decisions wait to be judged, and what those that were tell."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.settings import language
from services.commands.shell import Shell, print_rows, print_text

if TYPE_CHECKING:
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from services.commands.judging import Judge
    from services.reviews.telling import Told

T = TypeVar("T")
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

    @app.command("next")
    def following(
        by: Annotated[str, typer.Option("--by", help="Who judges, as their account is called; it goes into the log.")],
        tenant: Tenant = "",
    ) -> None:
        """Take the next decision and judge it, without knowing what others say; Ctrl-C gives it back."""
        if not by.strip():
            raise typer.BadParameter("--by")
        _judged(shell, tenant, by=by.strip())

    return app


def _judged(shell: Shell, tenant: str, *, by: str) -> None:
    from services.commands.judging import Judge, asked, lines
    from services.commands.judging_texts import say
    from services.commands.replay_commands import asking
    from services.control.undone import Undone

    lang = language(shell.settings())

    def run(work: "Callable[[Judge], Awaitable[T]]") -> T:
        async def done(audit: "AuditServiceAsyncStub") -> T:
            async with shell.store(shell.settings()) as redis:
                return await work(Judge(redis, audit, by=by))

        try:
            return asking(shell, done, name="")
        except Undone as undone:
            shell.fail(undone.said(lang))

    taken = run(lambda found: found.take(tenant=tenant, language=lang))
    if taken is None:
        print_text(shell.out, say("reviews-said-none", language=lang))
        return
    item = taken.held[0]
    try:
        for line in lines(taken, to=by, language=lang):
            print_text(shell.out, line)
        label, corrected = asked(item, language=lang, ask=lambda title, words: _chosen(shell, title, words, lang))
        text = typer.prompt(say("why", language=lang), default="", show_default=False)
    except (KeyboardInterrupt, typer.Abort) as stopped:
        run(lambda found: found.give_back(item))
        typer.echo()
        print_text(shell.out, say("reviews-said-released", language=lang))
        raise typer.Exit(130) from stopped
    run(lambda found: found.answer(item, label, corrected=corrected, text=text))
    print_text(shell.out, say("reviews-said-judged", language=lang))


def _chosen(shell: Shell, title: str, words: Sequence[str], lang: str) -> int:
    """Which one of several, from 0; asked for until it is one."""
    from services.commands.judging_texts import say

    print_text(shell.out, title)
    for number, word in enumerate(words, start=1):
        print_text(shell.out, say("choice", language=lang, number=number, label=word))
    while True:
        given = str(typer.prompt(say("number", language=lang))).strip()
        if given.isdecimal() and 1 <= int(given) <= len(words):
            return int(given) - 1
        print_text(shell.out, say("again", language=lang, most=len(words)))


def _told(shell: Shell, tenant: str) -> "tuple[Told, ...]":
    from gateway.clock import clock_ms
    from services.commands.reviewing import told_of

    settings = shell.settings()

    async def work() -> "tuple[Told, ...]":
        async with shell.store(settings) as redis:
            return await told_of(redis, tenant=tenant, now_ms=clock_ms())

    return asyncio.run(work())
