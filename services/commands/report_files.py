"""Writes the files of a report: whole ones only, and for their owner, since they tell of people."""

from collections.abc import Sequence
from pathlib import Path

from services.commands.export_writing import aside_of
from services.commands.shell import Shell
from services.reports.wanted_texts import say


def write_files(shell: Shell, files: Sequence[tuple[Path, bytes]], *, language: str) -> None:
    """Write them, or end with what is wrong."""
    for file, body in files:
        try:
            with aside_of(file) as aside:
                aside.write_bytes(body)
        except OSError:
            shell.fail(say("report-file", language=language, file=file))
