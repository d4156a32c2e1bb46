"""The commands `pilote experiments`. What they do is in `services.commands.experimenting`."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.settings import language
from services.commands.experiment_texts import say
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from services.commands.experimenting import Experiments, Window
    from services.insights.report import Report

T = TypeVar("T")


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Experiments: what the variations have shown.")

    def run(work: "Callable[[Experiments], Awaitable[T]]") -> T:
        """Do something with the experiments; ends the process where that cannot be done."""
        from services.commands.experimenting import ExperimentProblem, Experiments

        settings = shell.settings()

        async def done() -> T:
            async with shell.store(settings) as redis:
                return await work(Experiments(redis, language=language(settings)))

        try:
            return asyncio.run(done())
        except ExperimentProblem as problem:
            shell.fail(str(problem))

    @app.command("list")
    def list_experiments() -> None:
        """Show the experiments of the active policy."""
        print_rows(shell.out, run(lambda experiments: experiments.list()))

    @app.command()
    def show(
        name: Annotated[str, typer.Argument(help="Name of an experiment, as `pilote experiments list` shows it.")],
        tenant: Annotated[str, typer.Option(help="Tenant; by default all of the policy together.")] = "",
        since: Annotated[str, typer.Option(help="Day, 2026-01-31; by default the last change of the allocation.")] = "",
        before: Annotated[
            str, typer.Option(help="How long before the exposure covariates are summed; 0: none are.")
        ] = "28d",
        currency: Annotated[str, typer.Option(help="Which revenue, where it came in several currencies.")] = "",
        budget: Annotated[str, typer.Option(help="Whose amounts the cost is; by default those of all budgets.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Show what the variations of one have shown, and whether people were assigned as the policy says."""
        window = _window(shell, tenant=tenant, since=since, before=before, currency=currency, budget=budget)
        found, since_ms = run(lambda experiments: _shown(shell, experiments, name, window=window))
        if as_json:
            import msgspec

            typer.echo(msgspec.json.encode({"since_ms": since_ms, **msgspec.to_builtins(found)}))
            return
        _tell(shell, found, since_ms)

    return app


async def _shown(shell: Shell, experiments: "Experiments", name: str, *, window: "Window") -> "tuple[Report, int]":
    import grpc

    from gateway.rpc.channels import channel_to
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
    from services.commands.experimenting import ExperimentProblem

    settings = shell.settings()
    address = settings.audit_listen
    async with channel_to(address) as channel:
        try:
            return await experiments.show(name, AuditServiceStub(channel), window=window)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise ExperimentProblem(say("audit-down", language=language(settings), address=address)) from error
            raise ExperimentProblem(error.details() or "") from error


def _window(shell: Shell, *, tenant: str, since: str, before: str, currency: str, budget: str) -> "Window":
    import msgspec

    from gateway.core.policy.vocabulary import Duration, duration_ms
    from services.commands.experimenting import Window

    spoken = language(shell.settings())
    try:
        since_ms = int(dt.datetime.fromisoformat(since).replace(tzinfo=dt.UTC).timestamp() * 1000) if since else None
    except ValueError:
        shell.fail(say("bad-time", language=spoken, text=since), 2)
    try:
        before_ms = duration_ms(msgspec.convert(before, Duration)) if before != "0" else 0
    except msgspec.ValidationError:
        shell.fail(say("bad-span", language=spoken, text=before), 2)
    return Window(since_ms=since_ms, before_ms=before_ms, tenant=tenant, currency=currency, budget=budget)


def _tell(shell: Shell, found: "Report", since_ms: int) -> None:
    from services.commands.experiment_tables import Words

    words = Words(found, language=language(shell.settings()))
    shell.out.print(words.title(since_ms), markup=False, soft_wrap=True)
    if found.experiment.hypothesis:
        shell.out.print(found.experiment.hypothesis, markup=False, soft_wrap=True)
    print_rows(shell.out, words.arms())
    if found.lines:
        print_rows(shell.out, words.lines())
    for sentence in words.sentences():
        shell.out.print(sentence, markup=False, soft_wrap=True)
