"""`pilote agents`: the front for agents that speak REST or MCP."""

import typer

from services.commands.shell import Shell


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def agents() -> None:
        """Answer agents that speak REST or MCP; what they ask goes through the gateway."""
        from gateway.rpc.serving import run
        from gateway.watching.exposing import Metering
        from gateway.watching.logs import configure
        from services.agents.options import Options
        from services.agents.server import serve

        settings = shell.settings()
        configure(settings.log_level)
        options = Options(
            listen=settings.agents_listen,
            gateway=settings.agents_gateway or settings.gateway_listen,
            drain_seconds=settings.drain_seconds,
            max_message_bytes=settings.max_message_bytes,
            to=Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home),
        )
        run(lambda: serve(options))
