"""The contacts of a tenant with what came of them, as a table that lasts for as long as they are worked on."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import numpy as np

from services.cockpit.cells import DEEDS, LOOKBACK_DAYS
from services.cockpit.days import DAY_MS, FOLLOW_DAYS
from services.cockpit.dimensions import ALL
from services.workbench.columns.database import Desk
from services.workbench.looks.spans import CARRIED_OUT

KEYS: Final[Mapping[str, str]] = {
    ALL: "''",
    "agent": "agent",
    "version": "version",
    "campaign": "campaign",
    "objective": "objective",
    "category": "category",
    "channel": "channel",
    "segment": "segment",
    "rule": "CASE WHEN refused THEN rule ELSE '' END",
}
"""In SQL, of `contacts`, what each dimension tells apart; cells with an empty key are of everything only."""
APART: Final = "\x1f"
"""Between campaign, category, channel and segments of a stratum."""
_SIGNED: Final = """CAST(sign(revenue_cents) * (CAST(abs(revenue_cents) AS HUGEINT) * top // bottom
 + CASE WHEN 2 * (CAST(abs(revenue_cents) AS HUGEINT) * top % bottom) > bottom
   OR (2 * (CAST(abs(revenue_cents) AS HUGEINT) * top % bottom) = bottom
    AND CAST(abs(revenue_cents) AS HUGEINT) * top // bottom % 2 = 1) THEN 1 ELSE 0 END) AS BIGINT)"""
"""In SQL, of an amount and the rate `top` / `bottom`: as `gateway.core.converting.converted` rounds it."""
_TOLD: Final = ", ".join(
    f"bool_or(type IN ({', '.join(repr(each) for each in types)})) AS {name}" for name, types in DEEDS.items()
)
_DONE: Final = ", ".join(f"coalesce({name}, false) AS {name}" for name in DEEDS)
_CONTACTS: Final = f"""CREATE OR REPLACE TEMP TABLE contacts AS
 WITH came AS (
  SELECT followed.id, {_TOLD},
   CAST(coalesce(sum({_SIGNED}), 0) AS BIGINT) AS revenue
  FROM followed JOIN admitted ON admitted.id = followed.id LEFT JOIN rates ON rates.currency = followed.currency
  WHERE followed.tenant = $tenant AND admitted.tenant = $tenant AND admitted.at_ms >= $first_ms
   AND followed.at_ms - admitted.at_ms BETWEEN 0 AND {FOLLOW_DAYS * DAY_MS - 1} GROUP BY followed.id)
 SELECT admitted.id AS id, admitted.at_ms // {DAY_MS} AS day, admitted.subject AS subject, agent,
  led_by AS version, campaign, objective, category, channel, rule, held_out AS held,
  weighed AND NOT held_out AS treated,
  {CARRIED_OUT} AS carried,
  verdict = 'DENY' AND NOT held_out AS refused,
  {_DONE},
  coalesce(revenue, 0) AS revenue,
  campaign || '{APART}' || category || '{APART}' || channel || '{APART}'
   || coalesce(sets.name, '') AS stratum
 FROM admitted LEFT JOIN settled ON settled.id = admitted.id LEFT JOIN came ON came.id = admitted.id
  LEFT JOIN sets ON sets.subject = admitted.subject
 WHERE admitted.tenant = $tenant AND operation = 'CONTACT' AND NOT standby AND NOT repeats
  AND admitted.subject IS NOT NULL AND admitted.at_ms >= $first_ms AND admitted.at_ms < $end_ms"""  # noqa: S608
_LOST: Final = """CREATE OR REPLACE TEMP TABLE lost AS SELECT DISTINCT contacts.* FROM contacts
 WHERE refused AND NOT EXISTS (SELECT 1 FROM contacts AS made WHERE made.carried AND made.subject = contacts.subject
  AND made.stratum = contacts.stratum AND made.day BETWEEN contacts.day AND contacts.day + 1)"""
_PEOPLE: Final = """SELECT DISTINCT replace(CAST(subject AS VARCHAR), '-', '') AS subject FROM admitted
 WHERE tenant = $tenant AND operation = 'CONTACT' AND subject IS NOT NULL
  AND at_ms >= $first_ms AND at_ms < $end_ms ORDER BY subject LIMIT $most"""
_APART: Final = f"""SELECT admitted.at_ms // {DAY_MS} AS day, followed.currency AS currency, count(*) AS n,
  CAST(sum(revenue_cents) AS VARCHAR) AS cents
 FROM followed JOIN admitted ON admitted.id = followed.id LEFT JOIN rates ON rates.currency = followed.currency
 WHERE followed.tenant = $tenant AND admitted.tenant = $tenant AND rates.currency IS NULL AND revenue_cents <> 0
  AND followed.at_ms - admitted.at_ms BETWEEN 0 AND {FOLLOW_DAYS * DAY_MS - 1} AND admitted.operation = 'CONTACT'
  AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms GROUP BY ALL"""  # noqa: S608 - our own numbers


def first_ms(start_day: int) -> int:
    """From when on contacts are read to work out days from `start_day` on."""
    return (start_day - LOOKBACK_DAYS) * DAY_MS


def people_of(ask: Desk, tenant: str, *, start_day: int, end_ms: int, most: int) -> list[str]:
    """The pseudonyms of customers of these days' contacts, `most` at most."""
    asked = {"tenant": tenant, "first_ms": first_ms(start_day), "end_ms": end_ms, "most": most}
    return [str(each) for each in ask(_PEOPLE, asked)["subject"]]


def put_together(
    ask: Desk,
    tenant: str,
    *,
    start_day: int,
    end_ms: int,
    rates: Mapping[str, Fraction],
    segments: Mapping[str, tuple[str, ...]],
) -> Mapping[int, dict[str, tuple[int, int]]]:
    """Make the tables `contacts`, `lost` (refused, and not made soon after) and `belongs`, which `ask` has then.

    Returns amounts in currencies without a rate, by day and currency: how many and how much.
    """
    _segments(ask, segments)
    names = sorted(rates)
    beside = {
        "rates": {
            "currency": np.array(names, dtype=object),
            "top": np.array([rates[name].numerator for name in names], dtype=np.int64),
            "bottom": np.array([rates[name].denominator for name in names], dtype=np.int64),
        }
    }
    span = {"tenant": tenant, "end_ms": end_ms}
    ask(_CONTACTS, span | {"first_ms": first_ms(start_day)}, beside=beside)
    ask(_LOST)
    found = ask(_APART, span | {"start_ms": start_day * DAY_MS}, beside=beside)
    apart: dict[int, dict[str, tuple[int, int]]] = {}
    for day, currency, n, cents in zip(
        *(found[name].tolist() for name in ("day", "currency", "n", "cents")), strict=True
    ):
        apart.setdefault(day, {})[currency] = (n, int(cents))
    return apart


def _segments(ask: Desk, segments: Mapping[str, tuple[str, ...]]) -> None:
    """The tables `belongs`, of each segment of each customer, and `sets`, of all segments of one as one name."""
    pairs = [(subject, each) for subject, its in segments.items() for each in its]
    names = _largest([" ".join(sorted(its)) for its in segments.values()])
    for table, rows in (
        ("belongs", pairs),
        ("sets", [(subject, name) for subject, name in zip(segments, names, strict=True) if name]),
    ):
        column = "segment" if table == "belongs" else "name"
        columns = {
            "subject": np.array([row[0] for row in rows], dtype=object),
            column: np.array([row[1] for row in rows], dtype=object),
        }
        made = f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT CAST(subject AS UUID) AS subject, {column} FROM batch"  # noqa: S608
        if rows:
            ask(made, beside={"batch": columns})
        else:
            ask(f"CREATE OR REPLACE TEMP TABLE {table} (subject UUID, {column} VARCHAR)")


_MOST_SETS: Final = 19


def _largest(names: list[str]) -> list[str]:
    """The names of the largest sets as they are; of all others nothing, so that they are one together."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    kept = set(sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_SETS])
    return [name if name in kept else "" for name in names]
