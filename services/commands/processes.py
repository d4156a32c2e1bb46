"""The commands that run processes: `pilote up`, `demo`, `status`, and one for each process."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from gateway.settings import Settings, inherited, language
from services.commands.shell import Shell
from services.texts import say

Engine = Annotated[
    Literal["in-process", "envoy"], typer.Option(help="What carries the bytes of agents' calls; else PILOTE_ENGINE.")
]


def _on(engine: str | None, settings: Settings) -> Settings:
    """The settings, with that engine where one is given."""
    return settings if engine is None else msgspec.structs.replace(settings, engine=engine)


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the commands."""

    @app.command()
    def up(
        workers: Annotated[int | None, typer.Option(help="Gateway processes on one port.")] = None,
        engine: Engine | None = None,
    ) -> None:
        """Start everything on this machine and keep it up until Ctrl-C."""
        from services.commands.running import run_up

        settings = _on(engine, shell.settings())
        raise typer.Exit(asyncio.run(run_up(settings, workers=workers, out=shell.out, language=language(settings))))

    @app.command()
    def demo(
        contacts: Annotated[int, typer.Option(min=10, max=5000, help="CRM contacts to work on.")] = 300,
        leave: Annotated[bool, typer.Option("--exit", help="Stop when the demonstration is over.")] = False,  # noqa: FBT002
    ) -> None:
        """Start everything on a home of its own, let four agents work, and show what came of it."""
        from services.commands.running import run_demo

        settings = shell.settings()
        lang = language(settings)
        raise typer.Exit(asyncio.run(run_demo(settings, count=contacts, leave=leave, out=shell.out, language=lang)))

    @app.command()
    def status() -> None:
        """Show what runs here, which revision gateways run, which rollouts are not over, and how the routes do."""
        from rich.table import Table

        from services.commands.objectives import show_objectives
        from services.commands.revision_commands import show_workers
        from services.commands.rollout_commands import unsettled
        from services.supervisor.home import running

        settings = shell.settings()
        state = running(settings.home.resolve())
        if state is None and settings.redis_url is None:
            shell.fail(say("not-running", language=language(settings), home=settings.home))
        if state is not None:
            table = Table("", "", "pid", "port")
            for child in state.children:
                table.add_row(child.name, str(child.state), str(child.pid or ""), ", ".join(map(str, child.ports)))
            shell.out.print(table)
        show_workers(shell)
        asyncio.run(show_objectives(shell.out, settings.audit_listen, language=language(settings)))
        for sentence in unsettled(shell):
            shell.out.print(sentence, markup=False, soft_wrap=True)

    _add_own(app, shell)
    _add_surrounding(app, shell)


def pin_file(shell: Shell, settings: Settings) -> Path:
    """Where a process pins whom it trusts; one that is damaged stops the start."""
    from gateway.adapters.trust import PIN_FILE, read_pin

    path = settings.home / PIN_FILE
    try:
        read_pin(path)
    except (OSError, ValueError) as error:
        shell.fail(str(error), 2)
    return path


def _add_own(app: typer.Typer, shell: Shell) -> None:
    """Add one command for each kind of process that governs."""

    @app.command()
    def gateway(engine: Engine | None = None) -> None:
        """Run one gateway worker."""
        from gateway.key_files import keys_of
        from gateway.rpc.serving import run
        from gateway.server import serve
        from gateway.watching.logs import configure
        from services.up import redis_url

        settings = _on(engine, shell.settings())
        configure(settings.log_level)
        try:
            keys = keys_of(settings)
        except (OSError, ValueError) as error:
            shell.fail(str(error), 2)
        trusted_people = shell.trusted_people(settings)
        pin_file(shell, settings)
        url, deciding = redis_url(settings), None
        if settings.engine == "envoy":
            from services.deciding.beside import beside

            deciding = beside(settings, environment=inherited() | {"PILOTE_REDIS_URL": url})
        run(
            lambda: serve(settings, redis_url=url, keys=keys, trusted_people=trusted_people, deciding=deciding),
            probes=settings.health_listen,
        )

    @app.command()
    def control() -> None:
        """Run the control plane: feature flags, revisions, proposals and decisions over HTTP."""
        from gateway.rpc.serving import run
        from gateway.watching.exposing import Metering
        from gateway.watching.logs import configure
        from services.control.options import Options
        from services.control.server import serve
        from services.up import redis_url

        settings = shell.settings()
        configure(settings.log_level)
        options = Options(
            listen=settings.control_listen,
            audit=settings.audit_listen,
            insights=settings.insights_listen,
            redis_url=redis_url(settings),
            pseudonym_key=shell.pseudonym_key(settings),
            drain_seconds=settings.drain_seconds,
            pin_file=pin_file(shell, settings),
            trusted_people=shell.trusted_people(settings),
            to=Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home),
            record_keys=shell.record_keys(settings),
            control_keys=shell.control_keys(settings),
            url=settings.control_url or (f"https://{settings.control_listen}" if settings.tls_dir is not None else ""),
            proxies=settings.control_proxies,
            oidc=_oidc(shell, settings),
            hold_keys=shell.hold_keys(settings),
            replay_keys=shell.replay_keys(settings),
            trace_url=settings.trace_url,
            gateway=settings.gateway_address or settings.gateway_listen,
        )
        run(lambda: serve(options), probes=settings.health_listen)

    @app.command()
    def intake() -> None:
        """Take what other systems tell of customers, over HTTP, and tell agents who may know it."""
        from gateway.rpc.serving import run
        from gateway.watching.exposing import Metering
        from gateway.watching.logs import configure
        from services.intake.server import Options, serve
        from services.up import redis_url

        settings = shell.settings()
        configure(settings.log_level)
        options = Options(
            listen=settings.intake_listen,
            grpc_listen=settings.intake_grpc_listen,
            audit=settings.audit_listen,
            home=settings.home,
            redis_url=redis_url(settings),
            pseudonym_key=shell.pseudonym_key(settings),
            drain_seconds=settings.drain_seconds,
            pin_file=pin_file(shell, settings),
            trusted_people=shell.trusted_people(settings),
            to=Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home),
        )
        run(lambda: serve(options), probes=settings.health_listen)


def _oidc(shell: Shell, settings: Settings) -> Any:
    """The provider that people may log in through; a file that cannot be read stops the start."""
    from services.control.access.oidc.configuration import read

    if settings.oidc_file is None:
        return None
    if not settings.control_url:
        shell.fail(say("oidc-url", language=language(settings)), 2)
    try:
        return read(settings.oidc_file)
    except (OSError, ValueError) as error:
        shell.fail(str(error), 2)


def _add_surrounding(app: typer.Typer, shell: Shell) -> None:
    """Add one command for each kind of process that stands in for a company's own systems."""

    @app.command()
    def crm(
        connector: Annotated[str, typer.Option(help="Serve this connector: a name that ships, or a file.")] = "",
        allow_private: Annotated[bool, typer.Option(help="Let it go to private addresses, and without TLS.")] = False,  # noqa: FBT002
    ) -> None:
        """Run the embedded CRM, or a connector to another one."""
        from gateway.rpc.serving import run
        from gateway.watching.logs import configure
        from services.commands.connector_commands import run_connector
        from services.crm.server import serve

        settings = shell.settings()
        configure(settings.log_level)
        if connector:
            run_connector(shell, connector, allow_private=allow_private)
            return
        run(
            lambda: serve(listen=settings.crm_listen, home=settings.home, drain_seconds=settings.drain_seconds),
            probes=settings.health_listen,
        )

    @app.command()
    def models(version: Annotated[str, typer.Option(help="Version of the model to serve.")] = "1") -> None:
        """Run a demonstration model server, one version a process."""
        from gateway.rpc.serving import run
        from gateway.watching.logs import configure
        from services.models.server import serve
        from services.up import model_listen

        settings = shell.settings()
        configure(settings.log_level)
        listen = model_listen(settings, version)
        run(
            lambda: serve(listen=listen, version=version, drain_seconds=settings.drain_seconds),
            probes=settings.health_listen,
        )
