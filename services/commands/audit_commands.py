"""The commands `pilote audit …`: the service itself, and what is done with the log of decisions."""

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gateway.settings import Settings, language
from services.commands import export_commands, personal_commands, segment_commands
from services.commands.segment_commands import keeping_of
from services.commands.segment_texts import say
from services.commands.shell import Shell

if TYPE_CHECKING:
    from services.proof.notes import Signer


def commands(shell: Shell) -> typer.Typer:
    """The group of commands; without one of them it runs the service."""
    app = typer.Typer(help="Run the audit service; or prove, export and check what it keeps.")

    @app.callback(invoke_without_command=True)
    def audit(context: typer.Context) -> None:
        """Run the audit service: it stores decisions and answers questions about them."""
        if context.invoked_subcommand is None:
            _run(shell)

    @app.command()
    def key() -> None:
        """Print the public key of the log, which whoever verifies exports needs."""
        typer.echo(log_signer_of(shell, shell.settings()).key.text)

    export_commands.add_audit_to(app, shell)
    segment_commands.add_to(app, shell)
    personal_commands.add_audit_to(app, shell)
    return app


def log_signer_of(shell: Shell, settings: Settings) -> "Signer":
    """Who signs the log here; a key that is damaged ends the process."""
    from services.audit.proofs.log_key import KEY_FILE, log_signer

    try:
        return log_signer(settings.audit_key_file or settings.home / KEY_FILE, origin=settings.audit_origin)
    except (OSError, ValueError) as error:
        shell.fail(str(error), 2)


def _run(shell: Shell) -> None:
    from gateway import freed_memory
    from gateway.rpc.serving import run
    from gateway.watching.exposing import Metering
    from gateway.watching.logs import configure
    from services.audit.server import serve
    from services.commands.log_keys import witnesses_of
    from services.commands.policies import published
    from services.commands.processes import pin_file
    from services.commands.promises import following
    from services.up import redis_url

    settings = shell.settings()
    configure(settings.log_level)
    url = redis_url(settings)
    options: dict[str, Any] = {
        "listen": settings.audit_listen,
        "redis_url": url,
        "signer": log_signer_of(shell, settings),
        "witnesses": witnesses_of(shell, settings),
        "follow": following(url, pin_file=pin_file(shell, settings), trusted_people=shell.trusted_people(settings)),
        "policies": published(url),
        "to": Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home),
        "trace_ratio": settings.trace_ratio,
        "home": settings.home,
        "store_url": store_url_of(shell, settings),
        "pseudonym_key": shell.pseudonym_key(settings),
        "drain_seconds": settings.drain_seconds,
        "keeping": keeping_of(settings),
    }
    freed_memory.stay()
    run(lambda: serve(**options), probes=settings.health_listen)


def store_url_of(shell: Shell, settings: Settings) -> str | None:
    """Where decisions are kept; a URL with a mistake ends the process, and is not repeated."""
    if settings.audit_url is not None:
        from services.audit.postgres.address import parameters

        try:
            said = parameters(settings.audit_url)
        except ValueError as error:
            shell.fail(f"PILOTE_AUDIT_URL: {error}", 2)
        if "passfile" in said:
            _check_passfile(shell, Path(said["passfile"]), lang=language(settings))
    return settings.audit_url


def _check_passfile(shell: Shell, file: Path, *, lang: str) -> None:
    """See that libpq will take the file: of one that it does not like it says nothing, and tries without a password."""
    try:
        mode = file.stat().st_mode
    except OSError:
        shell.fail(say("passfile-missing", language=lang, file=file), 2)
    if not stat.S_ISREG(mode) or mode & 0o077:
        shell.fail(say("passfile-open", language=lang, file=file), 2)
