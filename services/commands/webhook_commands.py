"""The commands `pilote webhooks`: who is told of events, what is on its way, what did not arrive."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.shell import Shell, print_rows, print_text
from services.commands.tracker_command import add_track
from services.commands.webhook_deliveries import add_deliveries, add_fill

if TYPE_CHECKING:
    from gateway.adapters.webhooks import Endpoint, Standing
    from services.webhooks.store import WebhookStore
    from services.webhooks.targets import Network

T = TypeVar("T")


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Webhooks: other systems are told of events.")
    _add_endpoints(app, shell)
    add_track(app, shell)
    add_deliveries(app, shell)
    add_fill(app, shell)
    _add_run(app, shell)
    return app


def _add_endpoints(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def add(
        url: Annotated[str, typer.Argument(help="Where events go, https://host/path.")],
        tenant: Annotated[str, typer.Option(help="Whose events it gets.")] = "",
        all_tenants: Annotated[bool, typer.Option("--all-tenants", help="It gets those of all.")] = False,  # noqa: FBT002
        event: Annotated[list[str] | None, typer.Option(help="An event that it gets; all without it.")] = None,
    ) -> None:
        """Tell a system of events from now on, and show the secret that its webhooks are signed with."""
        _begin_telling(shell, url, tenant=tenant, all_tenants=all_tenants, events=tuple(event or ()))

    @app.command("list")
    def list_endpoints() -> None:
        """Show who is told of what, and how that goes."""
        from services.webhooks.events import time_of
        from services.webhooks.texts import say

        spoken = language(shell.settings())

        async def listed(store: "WebhookStore") -> "list[tuple[Endpoint, Standing]]":
            return [(each, await store.standing(each.id, now_ms=clock_ms())) for each in await store.endpoints()]

        found = with_store(shell, listed)
        if not found:
            print_text(shell.out, say("no-endpoints", language=spoken))
            return
        everything = say("all", language=spoken)
        rows = [
            (
                each.id,
                each.url,
                each.tenant or everything,
                ", ".join(each.events) or everything,
                time_of(each.created_ms),
                str(standing.waiting),
                str(standing.dead),
                f"{standing.left_out} ({standing.left_out_from}..{standing.left_out_to})" if standing.left_out else "",
            )
            for each, standing in found
        ]
        columns = ("id", "url", "tenant", "events", "created", "waiting", "dead", "left out")
        print_rows(shell.out, (columns, *rows), whole="id")

    @app.command()
    def remove(endpoint: Annotated[str, typer.Argument(help="Its id, as `pilote webhooks list` shows it.")]) -> None:
        """Tell a system nothing any more; what is on its way to it is dropped."""
        from services.commands.noting import noting
        from services.webhooks.texts import say

        spoken = language(shell.settings())

        async def gone(store: "WebhookStore") -> bool:
            for each in await store.endpoints():
                if each.id == endpoint:
                    told = {"url": each.url, "events": list(each.events)}
                    about = {"resource": f"webhooks/{endpoint}", "tenant": each.tenant}
                    async with noting(shell, operation="delete", before=told, **about):
                        return await store.remove(endpoint)
            return False

        if not with_store(shell, gone):
            shell.fail(say("no-endpoint", language=spoken, id=endpoint))
        print_text(shell.out, say("removed", language=spoken, id=endpoint))


def _begin_telling(shell: Shell, url: str, *, tenant: str, all_tenants: bool, events: tuple[str, ...]) -> None:
    from gateway.adapters.webhooks import Endpoint
    from services.commands.noting import noting
    from services.webhooks import signing
    from services.webhooks.events import TYPES
    from services.webhooks.targets import TargetRefused, check
    from services.webhooks.texts import say

    spoken = language(shell.settings())
    if bool(tenant) == all_tenants:
        shell.fail(say("whose", language=spoken), 2)
    for each in events:
        if each not in TYPES:
            shell.fail(say("unknown-event", language=spoken, event=each, known=", ".join(TYPES)), 2)
    try:
        check(url, networks(shell))
    except TargetRefused as refused:
        shell.fail(say(str(refused), language=spoken, url=url), 2)
    secret = signing.new_secret()
    endpoint = Endpoint(
        id=os.urandom(6).hex(),
        url=url,
        tenant=tenant,
        events=events,
        secret=b"",
        created_ms=clock_ms(),
    )
    told = {"url": url, "events": list(endpoint.events)}

    async def kept(store: "WebhookStore") -> None:
        resource = f"webhooks/{endpoint.id}"
        async with noting(shell, operation="create", resource=resource, tenant=tenant, after=told):
            await store.add(endpoint, secret=secret)

    with_store(shell, kept)
    print_text(shell.out, say("added", language=spoken, id=endpoint.id, secret=signing.shown(secret)))


def _add_run(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def run() -> None:
        """Run the process that finds events and sends them."""
        from gateway.rpc.serving import run as run_process
        from gateway.watching.exposing import Metering
        from gateway.watching.logs import configure
        from services.up import redis_url
        from services.webhooks.server import serve

        settings = shell.settings()
        allowed = networks(shell)
        configure(settings.log_level)
        run_process(
            lambda: serve(
                listen=settings.webhooks_listen,
                redis_url=redis_url(settings),
                audit=settings.audit_listen,
                sealing=shell.control_keys(settings),
                networks=allowed,
                drain_seconds=settings.drain_seconds,
                to=Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home),
            ),
            probes=settings.health_listen,
        )


def networks(shell: Shell) -> "tuple[Network, ...]":
    """The networks that webhooks may go to beside the Internet; a setting that names none stops the process."""
    from services.webhooks.targets import networks_of
    from services.webhooks.texts import say

    settings = shell.settings()
    try:
        return networks_of(settings.webhook_networks)
    except ValueError:
        shell.fail(say("bad-networks", language=language(settings)), 2)


def with_store(shell: Shell, do: "Callable[[WebhookStore], Awaitable[T]]") -> T:
    """Do something with what is kept of webhooks."""
    from gateway.adapters.sealing import Sealer
    from services.webhooks.store import WebhookStore

    settings = shell.settings()

    async def done() -> T:
        async with shell.store(settings) as redis:
            return await do(WebhookStore(redis, Sealer(shell.control_keys(settings))))

    return asyncio.run(done())
