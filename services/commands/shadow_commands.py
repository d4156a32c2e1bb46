"""The commands `pilote shadows`. What they do is in `services.commands.shadows`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.clock import clock_ms
from gateway.settings import Settings, language
from services.commands.shadow_texts import say
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from services.commands.shadows import Shadows, Summaries

T = TypeVar("T")
_Since = Annotated[str, typer.Option(help="How far back, such as 1d or 12h.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Shadows and mirrors: what came of copies of calls.")

    def run(work: "Callable[[Shadows], Awaitable[T]]") -> T:
        from services.commands.shadows import ShadowProblem

        try:
            return asyncio.run(_done(shell, shell.settings(), work))
        except ShadowProblem as problem:
            shell.fail(str(problem))

    @app.command("list")
    def list_shadows(since: _Since = "1d") -> None:
        """Show which routes of the active policy copy their calls, and how often candidates agree."""
        since_ms, _ = _start(shell, since)
        print_rows(shell.out, run(lambda shadows: shadows.list(since_ms=since_ms)))

    @app.command()
    def show(
        route: Annotated[str, typer.Argument(help="Name of a route, as `pilote shadows list` shows it.")],
        since: _Since = "1d",
        tenant: Annotated[str, typer.Option(help="Tenant; by default all together.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Show what came of the copies of one: agreement, differences, latency, costs."""
        since_ms, long = _start(shell, since)
        found = run(lambda shadows: shadows.show(route, since_ms=since_ms, tenant=tenant))
        if as_json:
            from google.protobuf.json_format import MessageToJson

            from pilote.audit.v1.shadows_pb2 import SummarizeShadowsResponse

            message = SummarizeShadowsResponse(summaries=found)
            typer.echo(
                MessageToJson(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
            )
            return
        _tell(shell, route, found, long=long)

    return app


async def _done(shell: Shell, settings: Settings, work: "Callable[[Shadows], Awaitable[T]]") -> T:
    """Do something with what came of copies; problems are in the reader's language."""
    import grpc

    from gateway.rpc.channels import channel_to
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
    from services.commands.shadows import ShadowProblem, Shadows

    spoken, address = language(settings), settings.audit_listen
    async with shell.store(settings) as redis, channel_to(address) as channel:
        try:
            return await work(Shadows(redis, AuditServiceStub(channel), language=spoken))
        except grpc.aio.AioRpcError as error:
            down = error.code() is grpc.StatusCode.UNAVAILABLE
            text = say("audit-down", language=spoken, address=address) if down else error.details() or ""
            raise ShadowProblem(text) from error


def _start(shell: Shell, since: str) -> tuple[int, str]:
    """From when on copies count, in milliseconds since the epoch; and how long that is, in words."""
    import msgspec

    from gateway.core.policy.vocabulary import Duration, duration_ms
    from gateway.core.texts import span

    spoken = language(shell.settings())
    try:
        long_ms = duration_ms(msgspec.convert(since, Duration))
    except msgspec.ValidationError:
        shell.fail(say("bad-span", language=spoken, text=since), 2)
    return max(0, clock_ms() - long_ms), span(long_ms, language=spoken)


def _tell(shell: Shell, route: str, found: "Summaries", *, long: str) -> None:
    from services.commands.shadow_tables import Words

    spoken = language(shell.settings())
    words = Words(found, language=spoken)
    shell.out.print(say("title", language=spoken, name=route, span=long), markup=False, soft_wrap=True)
    for table in words.tables():
        print_rows(shell.out, table)
    for sentence in words.sentences():
        shell.out.print(sentence, markup=False, soft_wrap=True)
