"""`pilote agents`: the front for agents that speak REST or MCP."""

import sys
from typing import Annotated

import typer

from services.commands.shell import Shell


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def agents(
        *,
        stdio: Annotated[
            bool,
            typer.Option("--stdio", help="Speak MCP on standard input and output, for the key in PILOTE_AGENTS_KEY."),
        ] = False,
    ) -> None:
        """Answer agents that speak REST or MCP; what they ask goes through the gateway."""
        from gateway.rpc.serving import run
        from gateway.settings import language
        from gateway.watching.exposing import Metering
        from gateway.watching.logs import configure
        from services.agents.mcp.stdio import serve_stdio
        from services.agents.options import Options
        from services.agents.server import serve

        settings = shell.settings()
        configure(settings.log_level, to=sys.stderr if stdio else None)
        options = Options(
            listen=settings.agents_listen,
            gateway=settings.agents_gateway or settings.gateway_listen,
            drain_seconds=settings.drain_seconds,
            max_message_bytes=settings.max_message_bytes,
            url=settings.agents_url,
            authorization_servers=tuple(
                filter(None, settings.agents_authorization_servers.replace(" ", "").split(","))
            ),
            trace_ratio=settings.trace_ratio,
            to=Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home),
        )
        if stdio and not settings.agents_key:
            raise typer.BadParameter("set PILOTE_AGENTS_KEY to the API key of the agent", param_hint="--stdio")
        spoken = language(settings)
        if stdio:
            run(lambda: serve_stdio(options, key=settings.agents_key, language=spoken))
        else:
            run(lambda: serve(options), probes=settings.health_listen)
