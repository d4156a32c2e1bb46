"""Sums what came of copies of calls, in PostgreSQL."""

from collections.abc import Iterator
from typing import Any, Final

from psycopg import IsolationLevel

from services.audit.postgres.lanes import Connection
from services.audit.postgres.texts import kept
from services.audit.shadows import EXAMPLES, MOST_LISTED, Cost, Latency, ShadowsQuery, Summary, Told

Values = dict[str, Any]

_ENDS: Final = ("AGREED", "DIFFERED", "FAILED", "DROPPED", "STOPPED", "REFUSED")
_ONE: Final = """ route = %(route)s AND arm = %(arm)s AND version = %(version)s AND kind = %(kind)s
 AND at_ms >= %(start)s AND at_ms < %(end)s AND (%(tenant)s::text = '' OR tenant = %(tenant)s) """
"""The copies of one candidate."""
_ANSWERED: Final = "sent AND ended IN ('AGREED', 'DIFFERED', 'SENT')"
_FIELDS: Final = f"""SELECT each ->> 'path' AS a, each ->> 'kind' AS b, '' AS c,
 (each ->> 'relative')::double precision AS size, decision
 FROM copy, jsonb_array_elements(coalesce(result -> 'differences', '[]')) AS each WHERE {_ONE} AND ended = 'DIFFERED'"""
_RULES: Final = f"""SELECT each.value AS a, substr(side, 7) AS b, '' AS c, 0::double precision AS size, decision
 FROM copy, unnest(ARRAY['rules_added', 'rules_missing']) AS side,
 jsonb_array_elements_text(coalesce(result -> side, '[]')) AS each(value) WHERE {_ONE}"""
_REFUSALS: Final = f"""SELECT result ->> 'verdict' AS a, coalesce(result ->> 'reason', '') AS b,
 coalesce(result ->> 'rule', '') AS c, 0::double precision AS size, decision
 FROM copy WHERE {_ONE} AND result ->> 'verdict' <> 'ALLOW'"""
_FAILURES: Final = f"""SELECT result ->> 'status' AS a, '' AS b, '' AS c, 0::double precision AS size, decision
 FROM copy WHERE {_ONE} AND ended = 'FAILED'"""
_TOLD: Final = """WITH found AS ({}), counted AS (
 SELECT a, b, c, decision, count(*) OVER same AS calls, max(coalesce(size, 0)) OVER same AS size,
 row_number() OVER (PARTITION BY a, b, c ORDER BY decision DESC) AS place
 FROM found WINDOW same AS (PARTITION BY a, b, c))
 SELECT a, b, c, calls, size, array_agg(decision ORDER BY decision DESC) FROM counted WHERE place <= %(examples)s
 GROUP BY a, b, c, calls, size
 ORDER BY calls DESC, a COLLATE "C" NULLS FIRST, b COLLATE "C" NULLS FIRST, c COLLATE "C" LIMIT %(most)s"""
_COSTS: Final = f"""SELECT each.key, count(*), sum(each.value::numeric)::bigint,
 coalesce(sum((result -> 'served_costs' ->> each.key)::numeric), 0)::bigint
 FROM copy, jsonb_each_text(coalesce(result -> 'costs', '{{}}')) AS each
 WHERE {_ONE} AND {_ANSWERED} GROUP BY each.key ORDER BY each.key COLLATE "C" """


def sum_copies(connection: Connection, query: ShadowsQuery) -> tuple[Summary, ...]:
    """A summary for each route, arm, version and kind that had copies, by these."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ  # one snapshot for all steps
    with connection.transaction():
        return tuple(_summaries(connection, query))


def _summaries(connection: Connection, query: ShadowsQuery) -> Iterator[Summary]:
    named = {"tenant": kept(query.tenant), "route": kept(query.route), "arm": kept(query.arm)}
    where = ["at_ms >= %(start)s", "at_ms < %(end)s", *(f"{name} = %({name})s" for name in named if named[name])]
    ends = ", ".join(f"count(*) FILTER (WHERE ended = '{end}')" for end in _ENDS)
    bounds: Values = {"start": query.start_ms, "end": query.end_ms, "tenant": named["tenant"]}
    found = _rows(
        connection,
        f"""SELECT route, arm, version, kind, count(*), count(*) FILTER (WHERE sent), max(at_ms), {ends} FROM copy
            WHERE {" AND ".join(where)} GROUP BY route, arm, version, kind ORDER BY route, arm, version, kind""",
        {**bounds, **named},
    )
    for route, arm, version, kind, copies, sent, last_ms, *counts in found:
        one: Values = {**bounds, "route": route, "arm": arm, "version": version, "kind": kind}
        agreed, differed, failed, dropped, stopped, refused = counts
        yield Summary(
            route=route,
            arm=arm,
            version=version,
            kind=kind,
            copies=copies,
            sent=sent,
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
            costs=tuple(Cost(*row) for row in _rows(connection, _COSTS, one)),
        )


def _rows(connection: Connection, text: str, values: Values) -> list[tuple[Any, ...]]:
    return connection.execute(text.encode(), values).fetchall()


def _latency(connection: Connection, one: Values, column: str) -> Latency | None:
    """Nearest ranks of a time, of the copies that were answered."""
    ((count,),) = _rows(connection, f"SELECT count(*) FROM copy WHERE {_ONE} AND {_ANSWERED}", one)
    if not count:
        return None
    text = f"SELECT {column} FROM copy WHERE {_ONE} AND {_ANSWERED} ORDER BY {column} LIMIT 1 OFFSET %(skipped)s"
    ranks = [(count * percent + 99) // 100 - 1 for percent in (50, 95)]
    p50, p95 = (_rows(connection, text, {**one, "skipped": rank})[0][0] for rank in ranks)
    return Latency(p50, p95)


def _told(connection: Connection, one: Values, source: str, *, size: int) -> tuple[Told, ...]:
    values = {**one, "examples": EXAMPLES, "most": MOST_LISTED}
    return tuple(
        Told(tuple(what[:size]), calls, greatest, tuple(f"decisions/{each.hex}" for each in decisions))
        for *what, calls, greatest, decisions in _rows(connection, _TOLD.format(source), values)
    )
