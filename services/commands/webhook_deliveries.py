"""The commands `pilote webhooks deliveries`, `replay` and `fill`: what is on its way, and what did not arrive."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.shell import Shell, print_rows, print_text

if TYPE_CHECKING:
    from gateway.adapters.webhooks import Delivery
    from services.webhooks.store import WebhookStore


def add_deliveries(app: typer.Typer, shell: Shell) -> None:
    """Add the commands about deliveries."""

    @app.command()
    def deliveries(
        dead: Annotated[bool, typer.Option("--dead", help="Those that are not tried any more.")] = False,  # noqa: FBT002
    ) -> None:
        """Show what is on its way, or what did not arrive: at most 100 for each endpoint."""
        from services.commands.webhook_commands import with_store
        from services.webhooks.events import time_of
        from services.webhooks.texts import say

        async def listed(store: "WebhookStore") -> "list[Delivery]":
            return [delivery for each in await store.endpoints() for delivery in await store.list(each.id, dead=dead)]

        found = with_store(shell, listed)
        if not found:
            nothing = "none-dead" if dead else "no-deliveries"
            print_text(shell.out, say(nothing, language=language(shell.settings())))
            return
        rows = [(each.name, each.type, time_of(each.created_ms), str(each.attempts), each.status) for each in found]
        print_rows(shell.out, (("name", "type", "created", "attempts", "status"), *rows), whole="name")

    @app.command()
    def replay(
        name: Annotated[
            str, typer.Argument(help="One, as `pilote webhooks deliveries` names it; none: all dead.")
        ] = "",
    ) -> None:
        """Send what did not arrive again, from the first attempt on."""
        from services.commands.webhook_commands import with_store
        from services.webhooks.texts import say

        spoken = language(shell.settings())
        count = with_store(shell, lambda store: _again(shell, store, name))
        if name and not count:
            shell.fail(say("no-delivery", language=spoken, name=name))
        print_text(shell.out, say("replayed", language=spoken, count=count))


async def _again(shell: Shell, store: "WebhookStore", name: str) -> int:
    """Send one again, or without a name all that are dead, noted for each endpoint; says how many."""
    from services.commands.noting import noting

    if name and await store.find(name) is None:
        return 0
    count, (of, _, event) = 0, name.partition("/")
    for each in await store.endpoints():
        if each.id == of or (not name and await store.list(each.id, dead=True, count=1)):
            about = {"resource": f"webhooks/{each.id}", "tenant": each.tenant}
            async with noting(shell, operation="replay", after={"delivery": event}, **about):
                if name:
                    count += await store.replay(name, now_ms=clock_ms())
                else:
                    count += await store.replay_all(each.id, now_ms=clock_ms())
    return count


def add_fill(app: typer.Typer, shell: Shell) -> None:
    """Add the command that fills in."""

    @app.command()
    def fill(
        since: Annotated[str, typer.Option(help="From how long ago on, such as 2h or 3d.")],
    ) -> None:
        """Queue from the log what endpoints were not told of decisions and holds; what they were is left out."""
        from gateway.core.policy.vocabulary import duration_ms
        from services.commands.webhook_commands import with_store
        from services.webhooks.texts import say

        spoken = language(shell.settings())
        try:
            long_ms = duration_ms(since)
        except (ValueError, KeyError):
            shell.fail(say("since", language=spoken, since=since), 2)

        async def filled(store: "WebhookStore") -> int:
            import grpc

            from gateway.rpc.channels import channel_to
            from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
            from services.webhooks.following import CONTACTS, DECISIONS, Follower

            now_ms = clock_ms()
            before = {each.id: await store.standing(each.id, now_ms=now_ms) for each in await store.endpoints()}
            async with (
                shell.store(shell.settings()) as redis,
                channel_to(shell.settings().audit_listen) as channel,
            ):
                stub, since_ms = AuditServiceStub(channel), now_ms - long_ms
                followers = [
                    Follower(redis, store, stub, clock_ms=clock_ms, feed=each) for each in (DECISIONS, CONTACTS)
                ]
                try:
                    count = sum([await each.fill(since_ms=since_ms) for each in followers])
                except grpc.aio.AioRpcError:
                    shell.fail(say("no-log", language=spoken))
            for name, standing in before.items():
                await store.filled_in(name, standing.left_out)
            return count

        print_text(shell.out, say("filled", language=spoken, count=with_store(shell, filled)))
