"""The commands `pilote audit stats` and `pilote audit seal`: the files that decisions are kept in."""

import asyncio
import sqlite3
import time
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import Settings, language
from services.commands.database_stats import show_database
from services.commands.export_commands import progress_bar
from services.commands.segment_texts import megabytes, say
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from services.audit.sqlite.segments.inspecting import Fault, Part
    from services.audit.sqlite.segments.sealing import Keeping

SHOWN = 24
"""Segments that are listed without --all: a day of them."""


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the commands."""

    @app.command()
    def stats(
        every: Annotated[bool, typer.Option("--all", help="List all segments, not only the last 24.")] = False,  # noqa: FBT002
        check: Annotated[bool, typer.Option("--check", help="Read every file, and say what is wrong.")] = False,  # noqa: FBT002
    ) -> None:
        """Show the segments, or days, that decisions are kept in; with --check whether all of them can be read."""
        settings = shell.settings()
        lang = language(settings)
        if settings.audit_url is not None:
            show_database(shell, settings, every=every, check=check)
            return
        parts = _parts(shell, settings)
        print_rows(shell.out, _rows(parts, every=every, lang=lang))
        if len(parts) > SHOWN and not every:
            shell.out.print(say("earlier", language=lang, count=len(parts) - SHOWN), markup=False)
        shell.out.print(_totals(parts, lang=lang), markup=False, soft_wrap=True)
        faults = _checked(shell, settings, lang=lang) if check else _missing(parts)
        for fault in faults:
            text = say(fault.what, language=lang, file=fault.file, detail=fault.detail)
            shell.err.print(text, markup=False, soft_wrap=True)
        if faults:
            shell.fail(say("faulty", language=lang, count=len(faults)))
        if check:
            values = {"segments": len(parts), "decisions": sum(part.segment.decisions for part in parts)}
            shell.out.print(say("fine", language=lang, **values), markup=False, soft_wrap=True)

    @app.command()
    def seal() -> None:
        """Seal now what the audit service would seal in the background; it must not be running."""
        from services.audit.in_use import InUse, using

        settings = shell.settings()
        lang = language(settings)
        if settings.audit_url is not None:
            shell.fail(say("seal-nothing", language=lang), 2)
        _parts(shell, settings)
        try:
            with using(settings.home, alone=True):
                count = asyncio.run(_seal(shell, settings, lang=lang))
        except InUse:
            shell.fail(say("in-use", language=lang), 2)
        shell.out.print(say("sealed-now", language=lang, count=count), markup=False)


def keeping_of(settings: Settings) -> "Keeping":
    """How long hours are kept in which way, as the settings say."""
    from services.audit.sqlite.segments.hours import HOUR_MS
    from services.audit.sqlite.segments.sealing import Keeping

    return Keeping(grace_ms=settings.audit_seal_minutes * 60_000, hot_ms=settings.audit_hot_hours * HOUR_MS)


async def _seal(shell: Shell, settings: Settings, *, lang: str) -> int:
    from services.audit.sqlite.store import SqliteStore

    store = SqliteStore(settings.home, keeping=keeping_of(settings))
    now_ms = int(time.time() * 1_000)
    try:
        await store.mark_in_doubt(now_ms=now_ms)
        with progress_bar(shell, say("sealing", language=lang)) as progress:
            return await store.seal(now_ms=now_ms, progress=progress)
    finally:
        await store.close()


def _parts(shell: Shell, settings: Settings) -> "list[Part]":
    from services.audit.sqlite.segments.inspecting import parts

    try:
        return parts(settings.home)
    except sqlite3.Error as error:
        shell.fail(say("no-store", language=language(settings), home=settings.home, why=error))


def _checked(shell: Shell, settings: Settings, *, lang: str) -> "list[Fault]":
    from services.audit.sqlite.segments.inspecting import faults

    with progress_bar(shell, say("looking", language=lang)) as progress:
        return list(faults(settings.home, told=progress))


def _missing(parts: "list[Part]") -> "list[Fault]":
    from services.audit.sqlite.segments.inspecting import Fault

    sized = [
        (name, size)
        for part in parts
        for name, size in ((part.segment.file, part.sqlite_bytes), (part.segment.sealed, part.parquet_bytes))
    ]
    return [Fault(name, "missing") for name, size in sized if size < 0]


def _rows(parts: "list[Part]", *, every: bool, lang: str) -> tuple[tuple[str, ...], ...]:
    shown = parts if every else parts[-SHOWN:]
    rows = [
        (
            f"{part.name[:4]}-{part.name[4:6]}-{part.name[6:8]} {part.name[8:]}:00"
            if part.name.isdigit()
            else part.name,
            say(part.state, language=lang),
            str(part.segment.decisions),
            _megabytes(part.sqlite_bytes, lang=lang),
            _megabytes(part.parquet_bytes, lang=lang),
        )
        for part in shown
    ]
    return (tuple(say("columns", language=lang).split("|")), *rows)


def _totals(parts: "list[Part]", *, lang: str) -> str:
    return say(
        "totals",
        language=lang,
        segments=len(parts),
        decisions=sum(part.segment.decisions for part in parts),
        sqlite=_megabytes(sum(max(part.sqlite_bytes, 0) for part in parts), lang=lang),
        parquet=_megabytes(sum(max(part.parquet_bytes, 0) for part in parts), lang=lang),
    )


def _megabytes(size: int, *, lang: str) -> str:
    return say("is-missing", language=lang) if size < 0 else megabytes(size, lang=lang)
