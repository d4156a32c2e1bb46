"""The commands `pilote audit verify` and `pilote audit import`: the files of a store, without a running service."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import Settings, language
from services.commands.export_commands import print_report, progress_bar, read_key_of, report_of
from services.commands.proof_texts import say
from services.commands.shell import Shell

if TYPE_CHECKING:
    from services.audit.proofs.checking import Tally, Wrong
    from services.commands.importing import Imported
    from services.proof.notes import Key
    from services.proof.verifying import Report


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the commands."""

    @app.command()
    def verify(
        key: Annotated[
            str, typer.Option(help="The log's public key, or a file with it; by default that of this home.")
        ] = "",
    ) -> None:
        """Check what the store in this home keeps against its log, and the log against all that was signed of it."""
        settings = shell.settings()
        lang = language(settings)
        wrong, tally = _checked(shell, settings, _key(shell, settings, key))
        for each in wrong:
            shell.err.print(_text(each, lang), markup=False, soft_wrap=True)
        values = {"decisions": tally.decisions, "size": tally.size, "checkpoints": tally.checkpoints}
        text = say("store-bad" if wrong else "store-good", language=lang, **values)
        (shell.err if wrong else shell.out).print(text, markup=False, soft_wrap=True)
        for what, count in (("store-unlogged", tally.unlogged), ("store-deleted", tally.deleted)):
            if count:
                shell.out.print(say(what, language=lang, count=count), markup=False, soft_wrap=True)
        if wrong:
            raise typer.Exit(1)

    @app.command("import")
    def import_export(
        file: Annotated[Path, typer.Argument(help="An export in JSON Lines.", exists=True, dir_okay=False)],
        key: Annotated[str, typer.Option(help="Public key of the log that it was exported from, or a file with it.")],
    ) -> None:
        """Verify an export and bring it into the store of this home, which must be empty and not in use."""
        from services.commands.export_reading import is_lines
        from services.proof.verifying import Trust

        settings = shell.settings()
        lang = language(settings)
        _check_home(shell, settings)
        if not is_lines(file):
            shell.fail(say("import-format", language=lang, file=file), 2)
        trust = Trust(read_key_of(shell, key))
        report = report_of(shell, file, trust)
        if not print_report(shell, file, report, trust=trust, lang=lang):
            raise typer.Exit(1)
        imported = _imported(shell, settings, file, report)
        what = "imported-same" if imported.same_log else "imported"
        text = say(what, language=lang, count=imported.entries, home=_place(settings))
        shell.out.print(text, markup=False, soft_wrap=True)


def _key(shell: Shell, settings: Settings, text: str) -> "Key":
    from services.audit.proofs.log_key import KEY_FILE
    from services.commands.audit_commands import log_signer_of

    if text:
        return read_key_of(shell, text)
    path = settings.audit_key_file or settings.home / KEY_FILE
    if not path.is_file():
        shell.fail(say("store-no-key", language=language(settings), file=path), 2)
    return log_signer_of(shell, settings).key


def _checked(shell: Shell, settings: Settings, key: "Key") -> "tuple[list[Wrong], Tally]":
    from gateway.core.errors import CallEnded
    from services.audit.postgres.store import PostgresStore
    from services.audit.proofs.checking import Check
    from services.audit.sqlite.files import SqliteFiles
    from services.commands.audit_commands import store_url_of

    lang = language(settings)

    async def work() -> "tuple[list[Wrong], Tally]":
        url = store_url_of(shell, settings)
        # Of an embedded store only the files are read: the service may run on them.
        kept = SqliteFiles(settings.home) if url is None else PostgresStore(url, make=False)
        try:
            with progress_bar(shell, say("checking", language=lang)) as progress:
                check = Check(kept, key=key, now_ms=int(time.time() * 1_000), progress=progress)
                return [wrong async for wrong in check.run()], check.tally
        finally:
            await kept.close()

    try:
        return asyncio.run(work())
    except CallEnded as ended:
        shell.fail(say("store-unreadable", language=lang, home=_place(settings), why=ended))


def _place(settings: Settings) -> str:
    """Where the store is; never the URL itself."""
    return str(settings.home) if settings.audit_url is None else say("database", language=language(settings))


def _text(wrong: "Wrong", lang: str) -> str:
    values = dict(wrong.values)
    if "problem" in values:
        inner = {"wanted": "", "signed": "", "why": "", "origin": "", **values}
        values["problem"] = say(str(values["problem"]), language=lang, **inner)
    return say(wrong.what, language=lang, **values)


def _check_home(shell: Shell, settings: Settings) -> None:
    from services.supervisor.home import running

    if running(settings.home.resolve()) is not None:
        shell.fail(say("import-in-use", language=language(settings), home=settings.home), 2)


def _imported(shell: Shell, settings: Settings, file: Path, report: "Report") -> "Imported":
    from gateway.core.errors import CallEnded
    from services.audit.opening import opened
    from services.audit.sqlite.store import KEEPING
    from services.commands.audit_commands import store_url_of
    from services.commands.importing import Foreign, NotEmpty, import_lines

    lang = language(settings)

    async def work() -> "Imported":
        store = opened(settings.home, url=store_url_of(shell, settings), keeping=KEEPING)
        try:
            with progress_bar(shell, say("importing", language=lang, file=file.name)) as progress:
                return await import_lines(file, report, store, progress=progress)
        finally:
            await store.close()

    try:
        return asyncio.run(work())
    except NotEmpty:
        what = "import-not-empty" if settings.audit_url is None else "import-not-empty-database"
        shell.fail(say(what, language=lang, home=settings.home), 2)
    except Foreign as foreign:
        shell.fail(say("import-foreign", language=lang, file=file, why=foreign))
    except CallEnded as ended:
        shell.fail(say("store-unreadable", language=lang, home=_place(settings), why=ended))
