"""Contacts that were refused and not made after all, and those that were made and are like them, by stratum."""

from collections.abc import Iterator
from typing import Final

from services.workbench.columns.database import Desk

_REFUSED: Final = """SELECT key, day, stratum, count(DISTINCT subject) AS n FROM keyed
 WHERE day >= $start AND id IN (SELECT id FROM lost) GROUP BY ALL"""
_MADE: Final = """SELECT day, stratum, count(*) AS n, count(*) FILTER (revenue <> 0) AS sold,
  CAST(sum(revenue) AS BIGINT) AS total, CAST(sum(CAST(revenue AS HUGEINT) * revenue) AS VARCHAR) AS squares,
  count(*) FILTER (gone) AS gone
 FROM contacts WHERE carried AND day >= $start GROUP BY ALL"""


def refusals(ask: Desk, *, start_day: int) -> Iterator[tuple[str, int, str, int]]:
    """Key, day, stratum and how many customers were refused a contact, each once a day."""
    found = ask(_REFUSED, {"start": start_day})
    yield from zip(*(found[name].tolist() for name in ("key", "day", "stratum", "n")), strict=True)


def made(ask: Desk, *, start_day: int) -> Iterator[tuple[int, str, tuple[int, int, int, str, int]]]:
    """Day, stratum, and of contacts that were made: how many, sold, sum, squares, and after how many somebody left."""
    found = ask(_MADE, {"start": start_day})
    names = ("day", "stratum", "n", "sold", "total", "squares", "gone")
    for day, stratum, *its in zip(*(found[name].tolist() for name in names), strict=True):
        yield day, stratum, (its[0], its[1], its[2], its[3], its[4])
