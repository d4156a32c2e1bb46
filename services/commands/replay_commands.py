"""The commands `pilote replay` and `pilote forget-inputs`. What they do is in `services.commands.replaying`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.replay_texts import say
from services.commands.shell import Shell, print_rows
from services.texts import say as say_plainly

if TYPE_CHECKING:
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from services.commands.replaying import CopyOnce, Once

T = TypeVar("T")


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the commands."""

    @app.command()
    def replay(decision: Annotated[str, typer.Argument(help="Id or name of a decision.")]) -> None:
        """Decide about a recorded call once more under its own revision, and say whether it comes to the same."""
        from services.commands.replay_lines import agrees, lines, reason, table
        from services.commands.replaying import Unusable

        lang = language(shell.settings())
        try:
            once, copied = _replayed(shell, decision)
        except Unusable as unusable:
            shell.fail(reason(unusable, language=lang))
        for line in lines(once, copied, language=lang):
            shell.out.print(line, markup=False, soft_wrap=True)
        if once.differing:
            print_rows(shell.out, table(once, language=lang))
        if not agrees(once, copied):
            raise typer.Exit(1)

    @app.command("forget-inputs")
    def forget_inputs(
        subject: Annotated[str, typer.Argument(help="The customer, such as contacts/cnt_000001.")],
        tenant: Annotated[str, typer.Option(help="Whose customer; by default of every tenant.")] = "",
    ) -> None:
        """Delete what calls about a customer were decided by; what was recorded of them stays."""
        from pilote.audit.v1 import planning_pb2

        request = planning_pb2.ForgetInputsRequest(subject=subject, tenant=tenant)

        async def work(audit: "AuditServiceAsyncStub") -> int:
            return (await audit.ForgetInputs(request, timeout=30)).forgotten

        count = asking(shell, work, name=subject)
        lang = language(shell.settings())
        shell.out.print(say("forgotten", language=lang, count=count, subject=subject), markup=False)


def asking(shell: Shell, work: "Callable[[AuditServiceAsyncStub], Awaitable[T]]", *, name: str) -> T:
    """What the audit service answers; ends the process, with a text, where it does not."""
    import grpc

    from gateway.rpc.channels import channel_to
    from gateway.rpc.status import status_from, text_from
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub

    settings = shell.settings()
    lang = language(settings)

    async def asked() -> T:
        async with channel_to(settings.audit_listen) as channel:
            return await work(AuditServiceStub(channel))

    try:
        return asyncio.run(asked())
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
            shell.fail(say("replay-bad-id", language=lang, decision=name) if name else error.details() or "", 2)
        if error.code() is grpc.StatusCode.NOT_FOUND:
            shell.fail(error.details() or "")
        if status_from(error).details:  # it does answer, and says why it cannot
            shell.fail(text_from(error))
        shell.fail(say_plainly("audit-down", language=lang, address=settings.audit_listen))


def _replayed(shell: Shell, decision: str) -> "tuple[Once, Sequence[CopyOnce]]":
    from gateway.adapters.sealing import Sealer
    from services.commands.replaying import Replays, Revisions, copies, replay

    settings = shell.settings()
    key, sealer = shell.pseudonym_key(settings), Sealer(shell.replay_keys(settings))

    async def work(audit: "AuditServiceAsyncStub") -> "tuple[Once, Sequence[CopyOnce]]":
        async with shell.store(settings) as redis:
            replays = Replays(Revisions(redis), sealer=sealer, pseudonym_key=key)
            once = await replay(decision, audit, replays, now_ms=clock_ms())
            return once, await copies(audit, once, replays)

    return asking(shell, work, name=decision)
