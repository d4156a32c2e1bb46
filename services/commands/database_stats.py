"""What `pilote audit stats` shows of a database."""

import asyncio
from typing import TYPE_CHECKING

from gateway.settings import Settings, language
from services.commands.segment_texts import megabytes, say
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from services.audit.postgres.inspecting import Day

SHOWN = 31
"""Days that are listed without --all."""


def show_database(shell: Shell, settings: Settings, *, every: bool, check: bool) -> None:
    """List the days of the database in `settings`; what cannot be read ends the process."""
    from gateway.core.errors import CallEnded
    from services.audit.postgres.inspecting import days_of
    from services.commands.audit_commands import store_url_of

    lang, url = language(settings), store_url_of(shell, settings)
    if check:
        shell.fail(say("check-database", language=lang), 2)
    try:
        days, size = asyncio.run(days_of(url or ""))
    except CallEnded as ended:
        shell.fail(say("database-away", language=lang, why=ended))
    shown = days if every else days[-SHOWN:]
    print_rows(shell.out, (tuple(say("days", language=lang).split("|")), *(_row(day, lang=lang) for day in shown)))
    if len(days) > len(shown):
        shell.out.print(say("days-earlier", language=lang, count=len(days) - len(shown)), markup=False)
    values = {"days": len(days), "decisions": sum(day.decisions for day in days)}
    totals = say("days-totals", language=lang, size=megabytes(size, lang=lang), **values)
    shell.out.print(totals, markup=False, soft_wrap=True)


def _row(day: "Day", *, lang: str) -> tuple[str, str, str]:
    date = f"{day.date[:4]}-{day.date[4:6]}-{day.date[6:]}" if day.date else say("day-other", language=lang)
    return date, str(day.decisions), megabytes(day.size, lang=lang)
