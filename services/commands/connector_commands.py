"""The commands `pilote connector`, and how `pilote crm` serves one: connectors' files checked, tried and run."""

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.settings import inherited, language
from services.commands.shell import Shell

if TYPE_CHECKING:
    from services.crm.connectors.reading import Loaded

File = Annotated[str, typer.Argument(help="A connector: a name that ships, such as hubspot, or a file.")]
AllowPrivate = Annotated[bool, typer.Option(help="Let it go to private addresses, and without TLS.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands, to be registered under one name."""
    app = typer.Typer(no_args_is_help=True, help="Connectors: other systems behind the CRM contracts.")

    @app.command("list")
    def list_connectors() -> None:
        """Show the connectors that come with Pilote, and what each was tried against."""
        from services.commands.shell import print_rows
        from services.crm.connectors.reading import VENDORS, load

        rows = [("connector", "title", "checked")]
        for file in sorted(VENDORS.glob("*.yaml")):
            descriptor = load(file).descriptor
            rows.append((descriptor.connector, descriptor.title, descriptor.checked))
        print_rows(shell.out, tuple(rows))

    @app.command()
    def check(
        file: File,
        openapi: Annotated[
            list[Path] | None,
            typer.Option(help="The vendor's OpenAPI file, JSON or YAML; more than once for several.", dir_okay=False),
        ] = None,
    ) -> None:
        """Say everything that is wrong with a connector's file."""
        from services.crm.connectors.contract import OPERATIONS
        from services.crm.connectors.texts import say

        lang = language(shell.settings())
        loaded = _loaded(shell, file, tuple(openapi or ()))
        count, missing = len(loaded.methods), len(OPERATIONS) - len(loaded.methods)
        shell.out.print(
            say("good", language=lang, file=file, methods=count, missing=missing), markup=False, soft_wrap=True
        )

    @app.command("try")
    def try_(
        file: File,
        yes: Annotated[bool, typer.Option("--yes", help="The system is one to try things on.")] = False,  # noqa: FBT002
        allow_private: AllowPrivate = False,  # noqa: FBT002
        message_to: Annotated[
            str, typer.Option(help="Address or number that messages of the suite go to. None are sent without it.")
        ] = "",
    ) -> None:
        """Run the conformance suite against the live system that a connector leads to. It writes there."""
        from services.crm.connectors.texts import say

        lang = language(shell.settings())
        loaded = _loaded(shell, file, ())
        if not yes:
            shell.fail(say("try-writes", language=lang, title=loaded.descriptor.title), 2)
        trying = _tried(shell, loaded, allow_private=allow_private, message_to=message_to, lang=lang)
        raise typer.Exit(asyncio.run(trying))

    return app


def run_connector(shell: Shell, file: str, *, allow_private: bool) -> None:
    """Serve a connector until the process is told to stop."""
    from gateway.rpc.serving import run
    from services.crm.connectors.secrets import SecretMissing
    from services.crm.connectors.serving import serve

    settings = shell.settings()
    loaded = _loaded(shell, file, ())
    try:
        run(
            lambda: serve(
                loaded,
                environment=inherited(),
                listen=settings.crm_listen,
                home=settings.home,
                drain_seconds=settings.drain_seconds,
                allow_private=allow_private,
            ),
            probes=settings.health_listen,
        )
    except SecretMissing as missing:
        shell.fail(_missing(missing, language(settings)), 2)


async def _tried(shell: Shell, loaded: "Loaded", *, allow_private: bool, message_to: str, lang: str) -> int:
    from services.crm.connectors.secrets import SecretMissing
    from services.crm.connectors.texts import say
    from services.crm.connectors.trying import tried

    counts = {"passed": 0, "failed": 0, "left-out": 0}
    with tempfile.TemporaryDirectory() as home:
        try:
            async for outcome in tried(
                loaded, environment=inherited(), home=Path(home), allow_private=allow_private, contact_point=message_to
            ):
                counts[outcome.verdict] += 1
                text = say(outcome.verdict, language=lang, check=outcome.check, why=outcome.why)
                shell.out.print(text, markup=False, soft_wrap=True)
        except SecretMissing as missing:
            shell.fail(_missing(missing, lang), 2)
    left_out = counts.pop("left-out")
    shell.out.print(say("tried", language=lang, left_out=left_out, **counts), markup=False, soft_wrap=True)
    return 1 if counts["failed"] else 0


def _loaded(shell: Shell, file: str, openapi: tuple[Path, ...]) -> "Loaded":
    from gateway.core.revision.decode import PolicyInvalid
    from services.crm.connectors.reading import load, shipped, words
    from services.crm.connectors.texts import say

    lang = language(shell.settings())
    try:
        loaded = load(shipped(file))
        if openapi:
            from services.crm.connectors.openapi import compare

            compare(loaded, openapi)
        return loaded
    except OSError:
        shell.fail(say("unreadable", language=lang, file=file))
    except PolicyInvalid as invalid:
        shell.err.print(say("bad", language=lang, file=file, count=len(invalid.mistakes)), markup=False, soft_wrap=True)
        for mistake in invalid.mistakes:
            problem, fix = words(mistake, language=lang)
            where = f"{file}:{mistake.line}" if mistake.line else file
            shell.err.print(f"  {where}: {mistake.path}: {problem}\n      {fix}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _missing(missing: Any, lang: str) -> str:
    from gateway.core.texts import LANGUAGES
    from services.crm.connectors.texts import MISTAKES, say

    if missing.key in MISTAKES:
        problem, fix = (pair[LANGUAGES.index(lang)] for pair in MISTAKES[missing.key])
        return f"{problem}: {fix}" if lang == "en" else f"{problem} : {fix}"
    return say(missing.key, language=lang, **missing.values)
