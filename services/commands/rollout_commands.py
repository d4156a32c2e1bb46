"""The commands `pilote rollouts`. What they do is in `services.rollouts`."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.revision_commands import hand_of
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from gateway.core.policy.learning import Rollout
    from gateway.core.rollouts import Act
    from services.rollouts.looking import Standing
    from services.rollouts.moves import Rollouts

T = TypeVar("T")
Name = Annotated[str, typer.Argument(help="Name of a rollout, as `pilote rollouts list` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the revision.")]
By = Annotated[
    str, typer.Option(help="Who you are, as the policy's `people` name you; by default who has logged in here.")
]
Key = Annotated[
    Path | None, typer.Option(help="File with your private key, which signs where the policy names people.")
]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Rollouts: a candidate that takes over a route step by step.")

    @app.command("list")
    def list_rollouts() -> None:
        """Show the rollouts of the active policy."""
        from services.rollouts.tables import Words
        from services.rollouts.texts import say

        spoken = language(shell.settings())
        found = _run(shell, lambda rollouts: rollouts.list())
        if not found:
            shell.fail(say("none", language=spoken))
        print_rows(shell.out, Words(language=spoken).list(found))

    @app.command()
    def show(
        name: Name,
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Show where one stands, what its step has proven, and what it waits for."""
        standing = _run(shell, lambda rollouts: _shown(shell, rollouts, name))
        if as_json:
            import msgspec

            typer.echo(msgspec.json.encode(standing))
            return
        _tell(shell, standing)

    @app.command()
    def start(name: Name, reason: Reason, by: By = "", key: Key = None) -> None:
        """Begin one at its first step."""
        _do(shell, "start", name, reason=reason, by=by, key=key)

    @app.command()
    def approve(name: Name, reason: Reason, by: By = "", key: Key = None) -> None:
        """Let one that is ready go on to its next step."""
        _do(shell, "approve", name, reason=reason, by=by, key=key)

    @app.command()
    def pause(name: Name, reason: Reason, by: By = "", key: Key = None) -> None:
        """Keep one where it is; its candidate goes on serving its share."""
        _do(shell, "pause", name, reason=reason, by=by, key=key)

    @app.command()
    def resume(name: Name, reason: Reason, by: By = "", key: Key = None) -> None:
        """Let one go on that is paused; its step begins anew."""
        _do(shell, "resume", name, reason=reason, by=by, key=key)

    @app.command()
    def abort(name: Name, reason: Reason, by: By = "", key: Key = None) -> None:
        """Take the candidate back: it serves nobody from the next call on."""
        _do(shell, "abort", name, reason=reason, by=by, key=key)

    _add_run(app, shell)
    return app


def unsettled(shell: Shell) -> tuple[str, ...]:
    """A sentence for each rollout that is not over; none without a policy."""
    from services.rollouts.moves import RolloutProblem, Rollouts
    from services.rollouts.tables import Words

    settings = shell.settings()
    spoken = language(settings)

    async def found() -> tuple[str, ...]:
        async with shell.store(settings) as redis:
            rollouts = Rollouts(redis, language=spoken, clock_ms=clock_ms)
            try:
                return Words(language=spoken).unsettled(await rollouts.list())
            except RolloutProblem:
                return ()

    return asyncio.run(found())


def _add_run(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def run() -> None:
        """Run the process that moves rollouts."""
        from gateway.rpc.serving import run as run_process
        from gateway.watching.exposing import Metering
        from gateway.watching.logs import configure
        from services.rollouts.server import serve
        from services.up import redis_url

        settings = shell.settings()
        configure(settings.log_level)
        run_process(
            lambda: serve(
                listen=settings.rollouts_listen,
                redis_url=redis_url(settings),
                audit=settings.audit_listen,
                poll_seconds=settings.rollouts_poll_seconds,
                drain_seconds=settings.drain_seconds,
                to=Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home),
            ),
            probes=settings.health_listen,
        )


def _run(shell: Shell, work: "Callable[[Rollouts], Awaitable[T]]") -> T:
    """Do something with the rollouts; ends the process where that cannot be done."""
    from services.rollouts.moves import RolloutProblem, Rollouts

    settings = shell.settings()

    async def done() -> T:
        async with shell.store(settings) as redis:
            return await work(Rollouts(redis, language=language(settings), clock_ms=clock_ms, login=_login()))

    try:
        return asyncio.run(done())
    except RolloutProblem as problem:
        shell.fail(str(problem))


def _do(shell: Shell, what: "Act", name: str, *, reason: str, by: str, key: Path | None) -> None:
    from services.commands.noting import noting
    from services.control.changes import LATER
    from services.rollouts.tables import Words

    hand = hand_of(shell, by, key)
    signer = None if hand is None else hand.signer

    async def work(rollouts: "Rollouts") -> "tuple[int, Rollout]":
        before = next((each for each in await rollouts.list() if each.name == name), None)
        noted = noting(shell, operation=what, resource=f"rollouts/{name}", before=before, after=LATER, reason=reason)
        async with noted as changing:
            number, rollout = await rollouts.do(name, what, reason=reason, by=by, signer=signer)
            changing.after = {"revision": number, "by": by, "rollout": rollout}
        return number, rollout

    number, rollout = _run(shell, work)
    shell.out.print(Words(language=language(shell.settings())).done(rollout, number), markup=False, soft_wrap=True)


async def _shown(shell: Shell, rollouts: "Rollouts", name: str) -> "Standing":

    from gateway.rpc.channels import channel_to
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub

    async with channel_to(shell.settings().audit_listen) as channel:
        return await rollouts.show(name, AuditServiceStub(channel))


def _tell(shell: Shell, standing: "Standing") -> None:
    from services.rollouts.tables import Words

    words = Words(language=language(shell.settings()))
    shell.out.print(words.title(standing.rollout), markup=False, soft_wrap=True)
    if standing.judged is not None:
        print_rows(shell.out, words.arms(standing.judged))
        if standing.judged.lines:
            print_rows(shell.out, words.lines(standing.rollout, standing.judged))
    for sentence in words.sentences(standing):
        shell.out.print(sentence, markup=False, soft_wrap=True)


def _login() -> str:
    """Who has logged in to this machine, as far as it knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may know no users
        return ""
