"""The commands `pilote probes`: suites that are kept, and that policies and versions can require."""

import asyncio
import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.settings import language
from services.commands.shell import Shell, print_rows
from services.probes.texts import say

if TYPE_CHECKING:
    from services.probes.store import KeptSuite

_TENANT: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
Name = Annotated[str, typer.Argument(help="Tenant and name of a suite: acme/contacts.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Suites of probes that are kept.")

    _add_looks(app, shell)
    _add_changes(app, shell)
    return app


def _add_looks(app: typer.Typer, shell: Shell) -> None:
    @app.command("list")
    def list_suites() -> None:
        """Show the suites that are kept."""
        from services.probes.store import SuiteStore

        settings = shell.settings()
        lang = language(settings)

        async def work() -> "tuple[KeptSuite, ...]":
            async with shell.store(settings) as redis:
                return await SuiteStore(redis).all()

        found = asyncio.run(work())
        if not found and shell.out.is_terminal:
            shell.out.print(say("suites-none", language=lang), markup=False)
            return
        rows = [
            (
                *(each.name, str(each.version), "-" if each.probes is None else str(each.probes), each.updated_by),
                dt.datetime.fromtimestamp(each.updated_ms / 1000, dt.UTC).isoformat(timespec="seconds"),
            )
            for each in found
        ]
        print_rows(shell.out, (tuple(say("suite-columns", language=lang).split("|")), *rows), whole="suite")

    @app.command()
    def show(name: Name) -> None:
        """Print a suite that is kept."""
        from services.probes.store import SuiteStore

        settings = shell.settings()

        async def work() -> "KeptSuite | None":
            async with shell.store(settings) as redis:
                return await SuiteStore(redis).get(name)

        found = asyncio.run(work())
        if found is None:
            shell.fail(say("suite-unknown", language=language(settings), suite=name), 2)
        typer.echo(found.text, nl=not found.text.endswith("\n"))


def _add_changes(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def save(
        file: Annotated[Path, typer.Argument(help="A suite of probes as YAML.", exists=True, dir_okay=False)],
        tenant: Annotated[str, typer.Option(help="Whose it is.")],
    ) -> None:
        """Keep a suite under the name that it gives itself, in place of one of that name."""
        lang = language(shell.settings())
        if not _TENANT.fullmatch(tenant):
            shell.fail(say("suite-tenant", language=lang, tenant=tenant), 2)
        kept = _saved(shell, file, tenant, lang=lang)
        shell.out.print(say("suite-saved", language=lang, suite=kept.name, version=kept.version), markup=False)

    @app.command()
    def delete(name: Name) -> None:
        """Delete a suite. What requires it cannot become active any more until it is kept again."""
        from services.commands.noting import noting
        from services.probes.store import SuiteChanged, SuiteStore

        settings = shell.settings()
        lang = language(settings)

        async def work() -> bool:
            async with shell.store(settings) as redis:
                store = SuiteStore(redis)
                there = await store.get(name)
                if there is None:
                    return False
                before = {"version": there.version, "sha256": there.sha256}
                async with noting(
                    shell, operation="delete", resource=f"probes/{name}", tenant=there.tenant, before=before
                ):
                    await store.delete(there)
                return True

        try:
            found = asyncio.run(work())
        except SuiteChanged:
            shell.fail(say("suite-changed", language=lang))
        if not found:
            shell.fail(say("suite-unknown", language=lang, suite=name), 2)
        shell.out.print(say("suite-deleted", language=lang, suite=name), markup=False)


def _saved(shell: Shell, file: Path, tenant: str, *, lang: str) -> "KeptSuite":
    from gateway.clock import clock_ms
    from gateway.core.revision.decode import PolicyInvalid
    from services.commands.noting import noting, operator
    from services.commands.probe_command import tell_mistakes
    from services.control.changes import LATER
    from services.probes.reading import read, text_in
    from services.probes.store import SuiteChanged, SuitesFull, SuiteStore

    settings = shell.settings()
    try:
        text = text_in(file)
        suite = read(text)
    except PolicyInvalid as invalid:
        tell_mistakes(shell, str(file), invalid, lang=lang)
        raise typer.Exit(2) from None
    except OSError:
        shell.fail(say("unreadable", language=lang, file=file), 2)

    async def work() -> "KeptSuite":
        async with shell.store(settings) as redis:
            store = SuiteStore(redis)
            there = await store.get(f"{tenant}/{suite.name}")
            before = None if there is None else {"version": there.version, "sha256": there.sha256}
            resource = f"probes/{tenant}/{suite.name}"
            async with noting(
                shell, operation="save", resource=resource, tenant=tenant, before=before, after=LATER
            ) as changing:
                kept = await store.put(tenant, suite, text, over=there, by=operator().name, now_ms=clock_ms())
                changing.after = {"version": kept.version, "sha256": kept.sha256}
                return kept

    try:
        return asyncio.run(work())
    except SuiteChanged:
        shell.fail(say("suite-changed", language=lang))
    except SuitesFull:
        shell.fail(say("suites-full", language=lang))
