"""Customers by day and cell: how many there were, after how many days again, and what they spent."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from services.cockpit.cells import DEEDS, LOOKBACK_DAYS
from services.cockpit.dimensions import ALL
from services.workbench.columns.database import Desk
from services.workbench.kpis.contacts import KEYS

MOST_KEYS: Final = 200
"""Of a dimension: those with most contacts and refusals."""
GROUPS: Final = {"contacted": "carried", "treated": "treated", "held": "held"}
"""Whose customers and spending are added up, and of which contacts."""
_PEOPLE: Final = """CREATE OR REPLACE TEMP TABLE people AS SELECT key, subject, day,
  count(*) FILTER (carried) AS contacts, bool_or(carried) AS contacted, bool_or(treated) AS treated,
  bool_or(held) AS held, {deeds},
  CAST(coalesce(sum(revenue) FILTER (carried), 0) AS BIGINT) AS contacted_spent,
  CAST(coalesce(sum(revenue) FILTER (treated), 0) AS BIGINT) AS treated_spent,
  CAST(coalesce(sum(revenue) FILTER (held), 0) AS BIGINT) AS held_spent
 FROM keyed GROUP BY ALL"""
_KEYED: Final = """CREATE OR REPLACE TEMP TABLE keyed AS
 WITH named AS (SELECT {key} AS key, contacts.* FROM contacts {joined}),
 kept AS (SELECT key FROM named WHERE key <> '' OR {all} GROUP BY key ORDER BY count(*) DESC, key LIMIT {most})
 SELECT * FROM named WHERE key IN (SELECT key FROM kept)"""
_GAPS: Final = f"""SELECT key, day, CASE WHEN day - before <= {LOOKBACK_DAYS} THEN day - before ELSE 0 END AS gap,
  count(*) AS n FROM (SELECT key, day, lag(day) OVER (PARTITION BY key, subject ORDER BY day) AS before
   FROM people WHERE {{these}}) WHERE day >= $start GROUP BY ALL"""  # noqa: S608 - our own numbers
_CONTACTS: Final = (
    """SELECT key, day, CAST(sum(contacts) AS BIGINT) AS n FROM people WHERE day >= $start GROUP BY ALL"""
)
_TOTALS: Final = """SELECT key, day, CAST(sum({amount}) AS BIGINT) AS n FROM people
 WHERE day >= $start AND {amount} <> 0 GROUP BY ALL"""
_PRODUCTS: Final = f"""SELECT one.key AS key, one.day AS day, one.day - other.day AS gap,
  CAST(sum(CAST(one.{{amount}} AS HUGEINT) * other.{{amount}}) AS VARCHAR) AS n
 FROM people AS one JOIN people AS other ON one.key = other.key AND one.subject = other.subject
  AND other.day <= one.day AND one.day - other.day <= {LOOKBACK_DAYS}
 WHERE one.day >= $start AND one.{{amount}} <> 0 AND other.{{amount}} <> 0 GROUP BY ALL"""  # noqa: S608
_TALLY: Final = """WITH known AS (SELECT day AS at_day FROM (SELECT unnest($ends) AS day)),
 counted AS (SELECT at_day, key, subject, sum(contacts) FILTER (people.day > at_day - 7) AS contacts
  FROM known JOIN people ON people.day > at_day - 28 AND people.day <= at_day
  GROUP BY ALL HAVING NOT bool_and(held))
 SELECT key, at_day AS day, CAST(coalesce(contacts, 0) AS BIGINT) AS contacts, count(*) AS n FROM counted
 GROUP BY ALL ORDER BY ALL"""
Found = Iterator[tuple[str, int, int, int]]
"""Key, day, gap and how many."""


def group(ask: Desk, dimension: str) -> None:
    """Make the tables `keyed`, contacts with the key of their cell, and `people`, by cell, customer and day."""
    joined = "JOIN belongs USING (subject)" if dimension == "segment" else ""
    whole = "true" if dimension == ALL else "false"
    ask(_KEYED.format(key=KEYS[dimension], joined=joined, all=whole, most=MOST_KEYS))
    ask(_PEOPLE.format(deeds=", ".join(f"bool_or(carried AND {name}) AS {name}" for name in DEEDS)))


def gaps(ask: Desk, these: str, *, start_day: int) -> Found:
    """How many customers of whom `these` is true, by how many days after the time before; 0 for none."""
    found = ask(_GAPS.format(these=these), {"start": start_day})
    gap = np.ma.filled(np.ma.asarray(found["gap"]), 0)
    yield from zip(found["key"].tolist(), found["day"].tolist(), gap.tolist(), found["n"].tolist(), strict=True)


def contacts(ask: Desk, *, start_day: int) -> Iterator[tuple[str, int, int]]:
    """How many contacts were made, by key and day."""
    found = ask(_CONTACTS, {"start": start_day})
    yield from zip(*(found[name].tolist() for name in ("key", "day", "n")), strict=True)


def totals(ask: Desk, of: str, *, start_day: int) -> Iterator[tuple[str, int, int]]:
    """What customers of a group spent, by key and day."""
    found = ask(_TOTALS.format(amount=f"{of}_spent"), {"start": start_day})
    yield from zip(*(found[name].tolist() for name in ("key", "day", "n")), strict=True)


def products(ask: Desk, of: str, *, start_day: int) -> Iterator[tuple[str, int, int, str]]:
    """Products of what the same customers of a group spent on a day and so many days before, summed up."""
    found = ask(_PRODUCTS.format(amount=f"{of}_spent"), {"start": start_day})
    yield from zip(*(found[name].tolist() for name in ("key", "day", "gap", "n")), strict=True)


def tallies(ask: Desk, *, ends: list[int]) -> Iterator[tuple[str, int, int, int]]:
    """How many customers had how many contacts in the seven days up to each of `ends`."""
    if ends:
        found = ask(_TALLY, {"ends": ends})
        yield from zip(*(found[name].tolist() for name in ("key", "day", "contacts", "n")), strict=True)
