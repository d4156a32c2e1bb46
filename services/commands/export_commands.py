"""The commands `pilote audit export`, `pilote audit checkpoint` and `pilote verify`."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import language
from services.commands.proof_texts import say
from services.commands.shell import Shell
from services.commands.unreadable import tell
from services.texts import say as say_plainly

if TYPE_CHECKING:
    from services.commands.exporting import Wanted
    from services.proof.notes import Checkpoint, Key
    from services.proof.verifying import Problem, Report, Trust


def add_audit_to(app: typer.Typer, shell: Shell) -> None:
    """Add the commands of the group `pilote audit`."""
    from services.commands import store_commands, witness_command

    store_commands.add_to(app, shell)
    witness_command.add_to(app, shell)

    @app.command()
    def export(
        file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)],
        where: Annotated[str, typer.Option("--filter", help="AIP-160 filter; without one the whole log.")] = "",
        form: Annotated[
            str, typer.Option("--format", help="jsonl, csv or parquet; by default as the file's name ends.")
        ] = "",
        proofs: Annotated[bool, typer.Option("--proofs", help="With the proof of each row.")] = False,  # noqa: FBT002
        previous: Annotated[
            Path | None, typer.Option(help="A checkpoint seen earlier, to prove that the log continues it.")
        ] = None,
        witnessed: Annotated[bool, typer.Option("--witnessed", help="Only what a witness has seen.")] = False,  # noqa: FBT002
        force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,  # noqa: FBT002
    ) -> None:
        """Write decisions to a file, with what proves them: pilote verify needs no more than that and the key."""
        from services.commands.exporting import Wanted

        if file.exists() and not force:
            shell.fail(say("export-exists", language=language(shell.settings()), file=file), 2)
        size = 0 if previous is None else _size_of(shell, previous)
        _export(shell, file, Wanted(where, _form(shell, file, form), proofs, size, witnessed))

    @app.command()
    def checkpoint(file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)]) -> None:
        """Write the newest signed checkpoint to a file: keep it, and no later export can deny what was before it."""
        from services.commands.exporting import newest_checkpoint

        settings = shell.settings()
        with _told(shell, file):
            found = asyncio.run(newest_checkpoint(settings.audit_listen))
            file.write_text(found.note, encoding="utf-8")
        text = say("checkpoint-written", language=language(settings), file=file, size=found.tree_size)
        shell.out.print(text, markup=False, soft_wrap=True)


def add_verify_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command `pilote verify`."""

    @app.command()
    def verify(
        files: Annotated[list[Path], typer.Argument(help="Exports and checkpoints.")],
        key: Annotated[str, typer.Option(help="The log's public key, or a file with it: pilote audit key prints it.")],
        previous: Annotated[Path | None, typer.Option(help="A checkpoint of the log that was seen earlier.")] = None,
        witness: Annotated[
            list[str] | None, typer.Option(help="Public key of a witness who must have signed, or a file with it.")
        ] = None,
    ) -> None:
        """Verify exports offline: whether anything in them was changed, dropped, reordered, inserted or cut off."""
        trust = _trust(shell, key, previous=previous, witnesses=witness or [])
        lang = language(shell.settings())
        good, logs = True, dict[int, tuple[bytes, Path]]()
        for file in files:
            report = report_of(shell, file, trust)
            good = print_report(shell, file, report, trust=trust, lang=lang) and good
            checkpoint = report.checkpoint
            if (
                checkpoint is not None
                and logs.setdefault(checkpoint.size, (checkpoint.root, file))[0] != checkpoint.root
            ):
                good = False
                text = say("forked", language=lang, size=checkpoint.size)
                shell.err.print(say("problem", language=lang, file=file, text=text), markup=False, soft_wrap=True)
        if not good:
            raise typer.Exit(1)


def read_key_of(shell: Shell, text: str) -> "Key":
    """The public key that a text is, or that is in a file of that name; ends the process where it is none."""
    from services.proof.notes import Malformed, read_key

    path = Path(text)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = path.read_text(encoding="utf-8") if path.is_file() else text
    try:
        return read_key(text)
    except Malformed as error:
        shell.fail(say("key-none", language=language(shell.settings()), key=path, why=error), 2)


def _trust(shell: Shell, key: str, *, previous: Path | None, witnesses: list[str]) -> "Trust":
    from services.proof.verifying import Broken, Trust, checked_checkpoint

    trust = Trust(read_key_of(shell, key), None, tuple(read_key_of(shell, text) for text in witnesses))
    if previous is None:
        return trust
    lang = language(shell.settings())
    try:
        earlier, _ = checked_checkpoint(previous.read_bytes().decode(), Trust(trust.key))
    except (OSError, UnicodeDecodeError):
        shell.fail(say("file-missing", language=lang, file=previous), 2)
    except Broken as broken:
        text = say(broken.problem.what, language=lang, **broken.problem.values)
        shell.fail(say("previous-bad", language=lang, file=previous, text=text), 2)
    return Trust(trust.key, earlier, trust.witnesses)


def report_of(shell: Shell, file: Path, trust: "Trust") -> "Report":
    """What comes of verifying a file, with a bar; ends the process where it cannot be read."""
    from services.commands.export_reading import verify

    lang = language(shell.settings())
    try:
        with progress_bar(shell, say("verifying", language=lang, file=file.name)) as progress:
            return verify(file, trust, progress=progress)
    except OSError:
        shell.fail(say("file-missing", language=lang, file=file), 2)


def print_report(shell: Shell, file: Path, report: "Report", *, trust: "Trust", lang: str) -> bool:
    """Say what came of a file; whether it is good."""
    from services.proof.verifying import MOST_PROBLEMS

    for problem in report.problems:
        shell.err.print(_problem_text(file, problem, lang), markup=False, soft_wrap=True)
    if report.problems:
        if len(report.problems) >= MOST_PROBLEMS:
            text = say("more-problems", language=lang, file=file, most=MOST_PROBLEMS)
            shell.err.print(text, markup=False, soft_wrap=True)
        shell.err.print(say("bad", language=lang, file=file), markup=False, soft_wrap=True)
        return False
    for text in (_verdict_text(file, report, lang), *_notes(file, report, trust=trust, lang=lang)):
        shell.out.print(text, markup=False, soft_wrap=True)
    return True


def _problem_text(file: Path, problem: "Problem", lang: str) -> str:
    text = say(problem.what, language=lang, **problem.values)
    if problem.row:
        return say("problem-row", language=lang, file=file, row=problem.row, text=text)
    return say("problem", language=lang, file=file, text=text)


def _verdict_text(file: Path, report: "Report", lang: str) -> str:
    from services.proof.exports import hash_text

    checkpoint, manifest = report.checkpoint, report.manifest
    if checkpoint is None:
        return ""
    values = {"file": file, "origin": checkpoint.origin, "size": checkpoint.size}
    if manifest is None:
        return say("verified-checkpoint", language=lang, root=hash_text(checkpoint.root), **values)
    head = manifest.head
    what = "verified-log" if not head.query else "verified-proofs" if head.proofs else "verified-signed"
    return say(what, language=lang, rows=manifest.rows, query=head.query, time=head.time, **values)


def _notes(file: Path, report: "Report", *, trust: "Trust", lang: str) -> Iterator[str]:
    """What else is worth saying of a good file."""
    for witness, at_s in zip(trust.witnesses, report.cosigned_s, strict=True):
        at = f"{datetime.fromtimestamp(min(at_s, 253_402_300_799), UTC):%Y-%m-%dT%H:%M:%SZ}"
        yield say("verified-witness", language=lang, file=file, witness=witness.name, time=at)
    if trust.previous is not None and report.manifest is not None:
        yield say("verified-previous", language=lang, file=file, previous=trust.previous.size)
    if report.manifest is not None and report.manifest.unlogged:
        yield say("verified-unlogged", language=lang, file=file, count=report.manifest.unlogged)
    if report.manifest is not None and report.manifest.unreadable:
        segments = ", ".join(report.manifest.unreadable)
        yield say("verified-unreadable", language=lang, file=file, segments=segments)
    if report.deleted:
        yield say("verified-deleted", language=lang, file=file, count=report.deleted)


def _form(shell: Shell, file: Path, form: str) -> str:
    from services.commands.export_writing import FORMATS

    wanted = form or {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}.get(file.suffix, "")
    if wanted not in FORMATS:
        shell.fail(say("export-format", language=language(shell.settings()), file=file), 2)
    return wanted


def _export(shell: Shell, file: Path, wanted: "Wanted") -> None:
    from services.commands.exporting import export

    settings = shell.settings()
    lang = language(settings)
    with _told(shell, file), progress_bar(shell, say("exporting", language=lang, file=file.name)) as progress:
        written = asyncio.run(export(settings.audit_listen, file, wanted, progress=progress))
    values = {"rows": written.rows, "size": written.head.tree_size, "origin": written.head.origin}
    shell.out.print(say("exported", language=lang, file=file, **values), markup=False, soft_wrap=True)
    if written.unreadable:
        tell(shell, written.unreadable)
        raise typer.Exit(
            1
        )  # the file is good, and says so itself: but whoever waits for a whole one must not take it for that


def _size_of(shell: Shell, previous: Path) -> int:
    """How many entries an earlier checkpoint is of; whose it is, is verified by whoever reads the export."""
    from services.proof.notes import Malformed, read_checkpoint, read_note

    try:
        found: Checkpoint = read_checkpoint(read_note(previous.read_bytes().decode()).text)
    except (OSError, UnicodeDecodeError, Malformed):
        shell.fail(say("file-missing", language=language(shell.settings()), file=previous), 2)
    return found.size


@contextlib.contextmanager
def _told(shell: Shell, file: Path) -> Iterator[None]:
    """End the process with a text where the service does not answer, or the file cannot be written."""
    import grpc

    from gateway.rpc.status import status_from
    from services.commands.exporting import CutOff

    settings = shell.settings()
    lang = language(settings)
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE and not status_from(error).details:
            shell.fail(say_plainly("audit-down", language=lang, address=settings.audit_listen))
        shell.fail(say("export-failed", language=lang, file=file, why=error.details() or ""))
    except CutOff:
        shell.fail(say("export-cut", language=lang, file=file))
    except (OSError, ValueError) as error:
        shell.fail(say("export-failed", language=lang, file=file, why=error))


@contextlib.contextmanager
def progress_bar(shell: Shell, text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, for what takes long; elsewhere nothing is shown."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=shell.err, transient=True, disable=not shell.err.is_terminal) as progress:
        task = progress.add_task(text, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
