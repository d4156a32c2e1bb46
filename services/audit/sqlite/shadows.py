"""Sums what came of copies of calls, in SQLite."""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Final

from services.audit.shadows import EXAMPLES, MOST_LISTED, Cost, Latency, ShadowsQuery, Summary, Told

Values = Mapping[str, str | int]

_ENDS: Final = ("AGREED", "DIFFERED", "FAILED", "DROPPED", "STOPPED", "REFUSED")
_ONE: Final = """ route = :route AND arm = :arm AND version = :version AND kind = :kind
 AND at_ms >= :start AND at_ms < :end AND (:tenant = '' OR tenant = :tenant) """
"""The copies of one candidate."""
_ANSWERED: Final = "sent AND end IN ('AGREED', 'DIFFERED', 'SENT')"
_FIELDS: Final = f"""SELECT json_extract(each.value, '$.path') AS a, json_extract(each.value, '$.kind') AS b, '' AS c,
 json_extract(each.value, '$.relative') AS size, decision
 FROM copy, json_each(result, '$.differences') AS each WHERE {_ONE} AND end = 'DIFFERED'"""
_RULES: Final = f"""SELECT each.value AS a, substr(side.value, 7) AS b, '' AS c, 0 AS size, decision
 FROM copy, json_each('["rules_added", "rules_missing"]') AS side, json_each(result, '$.' || side.value) AS each
 WHERE {_ONE}"""
_REFUSALS: Final = f"""SELECT json_extract(result, '$.verdict') AS a, ifnull(json_extract(result, '$.reason'), '') AS b,
 ifnull(json_extract(result, '$.rule'), '') AS c, 0 AS size, decision
 FROM copy WHERE {_ONE} AND json_extract(result, '$.verdict') != 'ALLOW'"""
_FAILURES: Final = f"""SELECT json_extract(result, '$.status') AS a, '' AS b, '' AS c, 0 AS size, decision
 FROM copy WHERE {_ONE} AND end = 'FAILED'"""
_TOLD: Final = """WITH found AS ({}), counted AS (
 SELECT a, b, c, decision, count(*) OVER same AS calls, max(ifnull(size, 0)) OVER same AS size,
 row_number() OVER (PARTITION BY a, b, c ORDER BY decision DESC) AS place
 FROM found WINDOW same AS (PARTITION BY a, b, c))
 SELECT a, b, c, calls, size, group_concat(decision) FROM
 (SELECT * FROM counted WHERE place <= :examples ORDER BY decision DESC)
 GROUP BY a, b, c ORDER BY calls DESC, a, b, c LIMIT :most"""
_COSTS: Final = f"""SELECT each.key, count(*), total(each.value),
 total((SELECT value FROM json_each(result, '$.served_costs') AS served WHERE served.key = each.key))
 FROM copy, json_each(result, '$.costs') AS each WHERE {_ONE} AND {_ANSWERED} GROUP BY each.key"""


def sum_copies(connection: sqlite3.Connection, query: ShadowsQuery) -> tuple[Summary, ...]:
    """A summary for each route, arm, version and kind that had copies, by these."""
    connection.execute("BEGIN")  # one snapshot for all steps
    try:
        return tuple(_summaries(connection, query))
    finally:
        connection.execute("ROLLBACK")


def _summaries(connection: sqlite3.Connection, query: ShadowsQuery) -> Iterator[Summary]:
    named = {"tenant": query.tenant, "route": query.route, "arm": query.arm}
    where = " AND ".join(["at_ms >= :start", "at_ms < :end", *(f"{name} = :{name}" for name in named if named[name])])
    ends = ", ".join(f"total(end = '{end}')" for end in _ENDS)
    bounds: Values = {"start": query.start_ms, "end": query.end_ms, "tenant": query.tenant}
    found = connection.execute(
        f"""SELECT route, arm, version, kind, count(*), total(sent), max(at_ms), {ends} FROM copy WHERE {where}
            GROUP BY route, arm, version, kind ORDER BY route, arm, version, kind""",
        {**bounds, **named},
    ).fetchall()
    for route, arm, version, kind, copies, sent, last_ms, *counts in found:
        one: Values = {**bounds, "route": route, "arm": arm, "version": version, "kind": kind}
        agreed, differed, failed, dropped, stopped, refused = (int(count) for count in counts)
        yield Summary(
            route=route,
            arm=arm,
            version=version,
            kind=kind,
            copies=copies,
            sent=int(sent),
            agreed=agreed,
            differed=differed,
            failed=failed,
            dropped=dropped,
            stopped=stopped,
            refused=refused,
            last_ms=last_ms,
            latency=_latency(connection, one, "took_us"),
            served_latency=_latency(connection, one, "served_us"),
            fields=_told(connection, one, _FIELDS, size=2),
            rules=_told(connection, one, _RULES, size=2),
            refusals=_told(connection, one, _REFUSALS, size=3),
            failures=_told(connection, one, _FAILURES, size=1),
            costs=_costs(connection, one),
        )


def _latency(connection: sqlite3.Connection, one: Values, column: str) -> Latency | None:
    """Nearest ranks of a time, of the copies that were answered."""
    (count,) = connection.execute(f"SELECT count(*) FROM copy WHERE {_ONE} AND {_ANSWERED}", one).fetchone()
    if not count:
        return None
    text = f"SELECT {column} FROM copy WHERE {_ONE} AND {_ANSWERED} ORDER BY {column} LIMIT 1 OFFSET :skipped"
    ranks = [(count * percent + 99) // 100 - 1 for percent in (50, 95)]
    p50, p95 = (connection.execute(text, {**one, "skipped": rank}).fetchone()[0] for rank in ranks)
    return Latency(p50, p95)


def _told(connection: sqlite3.Connection, one: Values, source: str, *, size: int) -> tuple[Told, ...]:
    values = {**one, "examples": EXAMPLES, "most": MOST_LISTED}
    return tuple(
        Told(tuple(what[:size]), calls, greatest, tuple(f"decisions/{each}" for each in decisions.split(",")))
        for *what, calls, greatest, decisions in connection.execute(_TOLD.format(source), values)
    )


def _costs(connection: sqlite3.Connection, one: Values) -> tuple[Cost, ...]:
    return tuple(
        Cost(budget, calls, int(candidate), int(served))
        for budget, calls, candidate, served in connection.execute(_COSTS, one)
    )
