"""Sums what was measured of arms, in SQLite."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from services.audit.arms import OF_CALLS, PRODUCTS, Arm, ArmsQuery, Sums, concerns_contacts, measured_of
from services.audit.sqlite.subjects import Values, calls_of, look_back, reach, see

_WITHOUT: Final = "SELECT arm, count(*) FROM ({}) WHERE unit IS NULL GROUP BY arm"


def summarize(connection: sqlite3.Connection, query: ArmsQuery) -> tuple[Arm, ...]:
    """The arms of a route or an experiment that had calls, by name.

    Raises:
        CallEnded: ARGUMENT_INVALID when revenue came in several currencies and none is named.
    """
    scope = "SELECT id FROM scope WHERE tenant = ? AND kind = ? AND name = ?"
    found = connection.execute(scope, (query.tenant, query.kind, query.name)).fetchone()
    if found is None:
        return ()
    values: Values = {
        "tenant": query.tenant,
        "scope": found[0],
        "start": query.start_ms,
        "end": query.end_ms,
        "window": query.attribution_ms,
        "before": query.covariate_ms,
        "budget": f'$."{query.budget}"',
        "currency": query.currency,
    }
    connection.execute("BEGIN")  # one snapshot for all steps
    try:
        return tuple(_arms(connection, query, values))
    finally:
        connection.execute("ROLLBACK")  # with it the temporary tables go


def _arms(connection: sqlite3.Connection, query: ArmsQuery, values: Values) -> Iterator[Arm]:
    see(connection, query, values)
    about_contacts = concerns_contacts(query)
    if about_contacts:
        reach(connection, query, values)
    if query.measures and query.covariate_ms:
        look_back(connection, query, values)
    heard = _heard(connection, values) if about_contacts else {}
    without = dict(connection.execute(_WITHOUT.format(calls_of(query)), values).fetchall())
    seen = dict(connection.execute("SELECT arm, total(calls) FROM temp.seen GROUP BY arm").fetchall())
    several = dict(_several(connection))
    phases = defaultdict(list)
    for arm, revision, count in _phases(connection):
        phases[arm].append((revision, count))
    for arm in sorted(seen.keys() | without.keys()):
        subjects, sums = _sums(connection, query, arm)
        ended_ms = _last(connection, query, values, arm=arm, which="refused OR total_us IS NOT NULL")
        yield Arm(
            name=arm,
            subjects=subjects,
            calls=int(seen.get(arm, 0)),
            last_call_ms=_last(connection, query, values, arm=arm, which="1") or 0,
            subjects_in_several=several.get(arm, 0),
            calls_without_subject=without.get(arm, 0),
            measures=measured_of(query, sums, ended_ms=ended_ms, heard_ms=heard.get(arm), currency=values["currency"]),
            phases=tuple(phases[arm]),
        )


def _last(connection: sqlite3.Connection, query: ArmsQuery, values: Values, *, arm: str, which: str) -> int | None:
    """When the last of such calls of an arm was received; the index is walked backwards until there is one."""
    text = f"""SELECT at_ms FROM ({calls_of(query)}) WHERE arm = :arm AND ({which}) ORDER BY at_ms DESC LIMIT 1"""
    row = connection.execute(text, {**values, "arm": arm}).fetchone()
    return None if row is None else int(row[0])


def _several(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """(arm, subjects that have taken another one too)."""
    return connection.execute(
        "SELECT arm, count(*) FROM temp.seen WHERE unit NOT IN (SELECT unit FROM temp.alone) GROUP BY arm"
    ).fetchall()


def _phases(connection: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """(arm, revision, subjects whose first call this was)."""
    return connection.execute(
        """SELECT arm, revision, count(*) FROM (SELECT arm, revision, min(first_ms) FROM temp.seen GROUP BY unit)
           GROUP BY arm, revision ORDER BY arm, revision"""
    ).fetchall()


def _sums(connection: sqlite3.Connection, query: ArmsQuery, arm: str) -> tuple[int, dict[str, Sums]]:
    """How many subjects an arm has, and the sums of each measure over them, all in one pass."""
    columns, totals = ["1"], []
    for number, measure in enumerate(query.measures):
        y, d, x = _parts(query, measure)
        columns += [f"{y} AS y{number}", f"{d} AS d{number}", f"{x} AS x{number}"]
        totals += [f"total({product.format(number)})" for product in PRODUCTS]
    joins = ""
    if concerns_contacts(query):
        joins += " LEFT JOIN temp.reached AS reached ON reached.unit = alone.unit"
    if query.measures and query.covariate_ms:
        joins += " LEFT JOIN temp.before AS before ON before.unit = alone.unit"
        if concerns_contacts(query):
            joins += " LEFT JOIN temp.earlier AS earlier ON earlier.unit = alone.unit"
    # One arm at a time, since grouping by arm would sort all subjects.
    each = f"SELECT {', '.join(columns)} FROM temp.alone AS alone{joins} WHERE alone.arm = ?"
    count, *sums = connection.execute(f"SELECT {', '.join(['count(*)', *totals])} FROM ({each})", (arm,)).fetchone()
    size = len(PRODUCTS)
    return count, {
        measure: Sums(count, *sums[number * size : (number + 1) * size])
        for number, measure in enumerate(query.measures)
    }


def _parts(query: ArmsQuery, measure: str) -> tuple[str, str, str]:
    """Numerator, denominator and covariate of one subject."""
    if measure in OF_CALLS:
        column, under = OF_CALLS[measure]
        y, d, x = f"alone.{column}", under, f"ifnull(before.{column}, 0)"
    else:
        y, x = f"ifnull(reached.{measure}, 0)", f"ifnull(earlier.{measure}, 0)"
        d = "1" if measure == "revenue_cents" else "ifnull(reached.contacts, 0)"
    return y, d, x if query.covariate_ms else "0"


def _heard(connection: sqlite3.Connection, values: Values) -> dict[str, int]:
    """When the last report of any kind about a contact of each arm came."""
    text = """SELECT contact.arm, max(outcome.reported_ms) FROM temp.contact AS contact CROSS JOIN outcome
        ON outcome.decision = contact.decision AND outcome.tenant = :tenant
        WHERE contact.origin_ms >= :start AND contact.origin_ms < :end GROUP BY contact.arm"""
    return dict(connection.execute(text, values).fetchall())
