"""Sums what was measured of arms, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from psycopg import IsolationLevel

from services.audit.arms import OF_CALLS, PRODUCTS, Arm, ArmsQuery, Sums, concerns_contacts, measured_of
from services.audit.postgres.lanes import Connection
from services.audit.postgres.subjects import Values, calls_of, look_back, reach, see
from services.audit.postgres.texts import in_json, kept


def summarize(connection: Connection, query: ArmsQuery) -> tuple[Arm, ...]:
    """The arms of a route or an experiment that had calls, by name.

    Raises:
        CallEnded: ARGUMENT_INVALID when revenue came in several currencies and none is named.
    """
    connection.isolation_level = IsolationLevel.REPEATABLE_READ  # one snapshot for all steps
    connection.read_only = False  # for temporary tables, also where the server takes nothing else
    with connection.transaction(force_rollback=True):  # with it the temporary tables go
        scope = "SELECT id FROM scope WHERE tenant = %s AND kind = %s AND name = %s"
        found = connection.execute(scope, (kept(query.tenant), query.kind, kept(query.name))).fetchone()
        if found is None:
            return ()
        values: Values = {
            "tenant": kept(query.tenant),
            "scope": found[0],
            "start": query.start_ms,
            "end": query.end_ms,
            "since": query.start_ms - query.covariate_ms,
            "until": query.end_ms + query.attribution_ms,
            "window": query.attribution_ms,
            "before": query.covariate_ms,
            "budget": in_json(query.budget),
            "currency": query.currency,
        }
        return tuple(_arms(connection, query, values))


def _arms(connection: Connection, query: ArmsQuery, values: Values) -> Iterator[Arm]:
    see(connection, query, values)
    about_contacts = concerns_contacts(query)
    if about_contacts:
        reach(connection, query, values)
    if query.measures and query.covariate_ms:
        look_back(connection, query, values)
    heard = dict(_rows(connection, _HEARD, values)) if about_contacts else {}
    calls = f"({calls_of(query)}) AS calls"
    without = dict(_rows(connection, f"SELECT arm, count(*) FROM {calls} WHERE unit IS NULL GROUP BY arm", values))
    seen = dict(_rows(connection, "SELECT arm, sum(calls) FROM seen GROUP BY arm"))
    several = dict(_rows(connection, _SEVERAL))
    ended = dict(_rows(connection, f"SELECT arm, max(at_ms) FILTER (WHERE {_ENDED}) FROM {calls} GROUP BY arm", values))
    last = dict(_rows(connection, f"SELECT arm, max(at_ms) FROM {calls} GROUP BY arm", values))
    phases = defaultdict(list)
    for arm, revision, count in _rows(connection, _PHASES):
        phases[arm].append((revision, count))
    for arm in sorted(seen.keys() | without.keys()):
        subjects, sums = _sums(connection, query, arm)
        yield Arm(
            name=arm,
            subjects=subjects,
            calls=int(seen.get(arm, 0)),
            last_call_ms=last.get(arm, 0),
            subjects_in_several=several.get(arm, 0),
            calls_without_subject=without.get(arm, 0),
            measures=measured_of(
                query, sums, ended_ms=ended.get(arm), heard_ms=heard.get(arm), currency=values["currency"]
            ),
            phases=tuple(phases[arm]),
        )


_ENDED: Final = "refused OR total_us IS NOT NULL"
_HEARD: Final = """SELECT contact.arm, max(outcome.reported_ms) FROM contact
 JOIN outcome ON outcome.decision = contact.decision AND outcome.tenant = %(tenant)s
 WHERE contact.origin_ms >= %(start)s AND contact.origin_ms < %(end)s GROUP BY contact.arm"""
"""When the last report of any kind about a contact of each arm came."""
_SEVERAL: Final = """SELECT arm, count(*) FROM seen WHERE NOT EXISTS (SELECT 1 FROM alone WHERE alone.unit = seen.unit)
 GROUP BY arm"""
"""(arm, subjects that have taken another one too)."""
_PHASES: Final = """SELECT arm, revision, count(*) FROM
 (SELECT DISTINCT ON (unit) unit, arm, revision FROM seen ORDER BY unit, first_ms, arm) AS each
 GROUP BY arm, revision ORDER BY arm, revision"""
"""(arm, revision, subjects whose first call this was)."""


def _rows(connection: Connection, text: str, values: Values | None = None) -> list[tuple[Any, ...]]:
    return connection.execute(text.encode(), values).fetchall()


def _sums(connection: Connection, query: ArmsQuery, arm: str) -> tuple[int, dict[str, Sums]]:
    """How many subjects an arm has, and the sums of each measure over them, all in one pass."""
    columns, totals = ["1 AS one"], ["count(*)"]
    for number, measure in enumerate(query.measures):
        for name, part in zip("ydx", _parts(query, measure), strict=True):
            columns.append(f"({part})::double precision AS {name}{number}")
        totals += [f"coalesce(sum({product.format(number)}), 0)" for product in PRODUCTS]
    joins = " LEFT JOIN reached ON reached.unit = alone.unit" if concerns_contacts(query) else ""
    if query.measures and query.covariate_ms:
        joins += " LEFT JOIN before ON before.unit = alone.unit"
        if concerns_contacts(query):
            joins += " LEFT JOIN earlier ON earlier.unit = alone.unit"
    each = f"SELECT {', '.join(columns)} FROM alone{joins} WHERE alone.arm = %(arm)s"
    ((count, *sums),) = _rows(connection, f"SELECT {', '.join(totals)} FROM ({each}) AS each", {"arm": arm})
    size = len(PRODUCTS)
    return count, {
        measure: Sums(count, *sums[number * size : (number + 1) * size])
        for number, measure in enumerate(query.measures)
    }


def _parts(query: ArmsQuery, measure: str) -> tuple[str, str, str]:
    """Numerator, denominator and covariate of one subject."""
    if measure in OF_CALLS:
        column, under = OF_CALLS[measure]
        y, d, x = f"alone.{column}", under, f"coalesce(before.{column}, 0)"
    else:
        y, x = f"coalesce(reached.{measure}, 0)", f"coalesce(earlier.{measure}, 0)"
        d = "1" if measure == "revenue_cents" else "coalesce(reached.contacts, 0)"
    return y, d, x if query.covariate_ms else "0"
