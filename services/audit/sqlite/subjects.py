"""What each subject of a route or an experiment did, as temporary tables of a reading connection.

All of it is SQL, which holds no lock of the interpreter.

`seen` has what each subject did in each arm; `alone` the subjects with one arm only; `contact` the contacts that follow
from calls of the arms, with the time of the call they follow from; `reached` what those did to each subject; `before`
and `earlier` what the calls and contacts of the time before give for covariates.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from services.audit.arms import OF_CONTACTS, ArmsQuery, concerns_contacts, several_currencies

_OUTCOMES: Final = "LEFT JOIN outcome ON outcome.decision = contact.decision AND outcome.tenant = :tenant"

Values = dict[str, Any]


def calls_of(query: ArmsQuery) -> str:
    """All calls of the scope, with the arm that they took or the variation that they have shown."""
    if query.kind == "route":
        return "SELECT c.* FROM call AS c WHERE c.scope = :scope AND c.at_ms >= :start AND c.at_ms < :end"
    unit = "ifnull(x.unit, c.unit) AS unit"
    columns = f"c.id, x.arm, c.at_ms, {unit}, c.revision, c.admitted, c.refused, c.contact, c.failed, c.stood_in"
    # CROSS JOIN is how SQLite is told the order of a join.
    return f"""SELECT {columns}, c.total_us, c.costs, c.decision
        FROM exposure AS x CROSS JOIN call AS c ON c.id = x.call
        WHERE x.scope = :scope AND x.at_ms >= :start AND x.at_ms < :end"""


def _cost(query: ArmsQuery) -> str:
    """What a call has cost, where that is asked."""
    if "cost" not in query.measures:
        return "0"
    if query.budget:
        return "ifnull(json_extract(costs, :budget), 0)"
    return "CASE WHEN costs IS NULL THEN 0 ELSE (SELECT total(value) FROM json_each(costs)) END"


def see(connection: sqlite3.Connection, query: ArmsQuery, values: Values) -> None:
    """Make `seen` and `alone`. The revision is that of the first call: so SQLite promises for one min()."""
    columns = "calls, refused, failed, ended, settled, ms, cost"
    # With keys, and filled in their order, neither is sorted again by what reads them by subject.
    connection.execute(
        f"""CREATE TEMP TABLE seen (unit BLOB NOT NULL, arm TEXT NOT NULL, first_ms, revision, {columns},
            PRIMARY KEY (unit, arm)) WITHOUT ROWID"""
    )
    connection.execute(
        f"""INSERT INTO temp.seen SELECT unit, arm, min(at_ms), revision, count(*), total(refused),
            total(failed OR stood_in), total(admitted AND (failed OR total_us IS NOT NULL)),
            count(total_us), total(total_us) / 1000, total({_cost(query)})
            FROM ({calls_of(query)}) WHERE unit IS NOT NULL GROUP BY unit, arm""",
        values,
    )
    connection.execute(
        f"CREATE TEMP TABLE alone (unit BLOB NOT NULL PRIMARY KEY, arm TEXT, first_ms, {columns}) WITHOUT ROWID"
    )
    connection.execute(
        f"""INSERT INTO temp.alone SELECT unit, arm, first_ms, {columns} FROM temp.seen
            GROUP BY unit HAVING count(*) = 1"""
    )


def reach(connection: sqlite3.Connection, query: ArmsQuery, values: Values) -> None:
    """Make `contact` and `reached`."""
    for number, text in enumerate(_contacts(query)):
        connection.execute(f"{'INSERT INTO temp.contact' if number else 'CREATE TEMP TABLE contact AS'} {text}", values)
    if "revenue_cents" in query.measures and not query.currency:
        values["currency"] = _the_currency(connection, values)
    connection.execute(
        f"""CREATE TEMP TABLE reached AS SELECT unit, count(*) AS contacts, {_summed(query)} FROM (
            SELECT contact.unit AS unit, {_told(query, when="outcome.occurred_ms <= contact.origin_ms + :window")}
            FROM temp.contact AS contact
            JOIN temp.alone AS alone ON alone.unit = contact.unit AND alone.arm = contact.arm {_OUTCOMES}
            WHERE contact.origin_ms >= :start AND contact.origin_ms < :end
            AND contact.at_ms <= contact.origin_ms + :window GROUP BY contact.rowid) GROUP BY unit""",
        values,
    )


def _contacts(query: ArmsQuery) -> Iterator[str]:
    """The contacts that follow from calls of the scope, those of the time before included for the covariates.

    A contact that takes an arm itself is its own cause. Else the inference that it names is, by what the gateway knew
    of it or by what is stored. The unit is that of the cause, since it was that which the arm was assigned to.
    """
    if query.kind == "route":
        yield """SELECT unit, arm, decision, at_ms, at_ms AS origin_ms FROM call
            WHERE scope = :scope AND contact AND unit IS NOT NULL AND at_ms >= :start - :before AND at_ms < :end"""
        yield """SELECT unit, led_arm, decision, at_ms, led_ms FROM call
            WHERE led_scope = :scope AND scope <> :scope AND contact AND unit IS NOT NULL
            AND at_ms >= :start - :before AND at_ms <= :end + :window"""
        cause = """o.scope = :scope AND c.led_scope IS NULL AND c.scope <> :scope"""
        join, arm, unit = "", "o.arm", "o.unit"
    else:
        yield f"""SELECT unit, arm, decision, at_ms, at_ms AS origin_ms FROM ({calls_of(query)})
            WHERE contact AND unit IS NOT NULL"""
        cause = "NOT EXISTS (SELECT 1 FROM exposure WHERE scope = :scope AND at_ms = c.at_ms AND call = c.id)"
        join = "JOIN exposure AS x ON x.scope = :scope AND x.at_ms = o.at_ms AND x.call = o.id"
        arm, unit = "x.arm", "ifnull(x.unit, o.unit)"
    yield f"""SELECT {unit}, {arm}, c.decision, c.at_ms, o.at_ms FROM call AS c INDEXED BY call_inferred
        CROSS JOIN call AS o INDEXED BY call_by_decision ON o.decision = c.inference {join}
        WHERE c.inference IS NOT NULL AND c.contact AND {unit} IS NOT NULL AND {cause}
        AND c.at_ms >= :start - :before AND c.at_ms <= :end + :window
        AND c.scope IN (SELECT id FROM scope WHERE tenant = :tenant)"""


def _told(query: ArmsQuery, *, when: str) -> str:
    """Columns of what was told of one contact: whether each outcome, and its revenue."""
    columns = [
        f"ifnull(max(outcome.type = '{OF_CONTACTS[measure]}' AND {when}), 0) AS {measure}"
        for measure in query.measures
        if measure in OF_CONTACTS
    ]
    if "revenue_cents" in query.measures:
        revenue = f"CASE WHEN outcome.currency = :currency AND {when} THEN outcome.revenue_cents END"
        columns.append(f"total({revenue}) AS revenue_cents")
    return ", ".join(columns)


def _summed(query: ArmsQuery) -> str:
    """The same columns, summed over contacts."""
    return ", ".join(f"total({m}) AS {m}" for m in query.measures if m in OF_CONTACTS or m == "revenue_cents")


def _the_currency(connection: sqlite3.Connection, values: Values) -> str:
    """The only currency that revenue came in; empty where there was none."""
    text = """SELECT DISTINCT outcome.currency FROM temp.contact AS contact CROSS JOIN outcome
        ON outcome.decision = contact.decision AND outcome.tenant = :tenant
        WHERE outcome.revenue_cents <> 0 ORDER BY 1"""
    found = tuple(currency for (currency,) in connection.execute(text, values))
    if len(found) > 1:
        raise several_currencies(found)
    return found[0] if found else ""


def look_back(connection: sqlite3.Connection, query: ArmsQuery, values: Values) -> None:
    """Make `before` and, where contacts are asked for, `earlier`: what each subject did before its first call."""
    if query.kind == "route":
        before, contacts = "c.scope = :scope AND c.at_ms < :start", "temp.contact"
    else:
        before = "c.scope IN (SELECT id FROM scope WHERE tenant = :tenant AND kind = 'route') AND c.at_ms < :end"
        contacts = f"(SELECT c.* FROM call AS c WHERE c.contact AND {before} AND c.at_ms >= :start - :before)"
    # CROSS JOIN: from the calls, which the index gives by time, to their subjects.
    connection.execute(
        f"""CREATE TEMP TABLE before AS SELECT c.unit AS unit, total(c.refused) AS refused,
            total(c.failed OR c.stood_in) AS failed, total(c.total_us) / 1000 AS ms,
            total({_cost(query)}) AS cost FROM call AS c
            CROSS JOIN temp.alone AS alone ON alone.unit = c.unit
            WHERE {before} AND c.at_ms >= alone.first_ms - :before AND c.at_ms < alone.first_ms
            AND c.at_ms >= :start - :before GROUP BY c.unit""",
        values,
    )
    if not concerns_contacts(query):
        return
    # What was told after the first call may be its doing.
    told = _told(query, when="outcome.occurred_ms < alone.first_ms")
    connection.execute(
        f"""CREATE TEMP TABLE earlier AS SELECT unit, {_summed(query)} FROM (
            SELECT contact.unit AS unit, {told} FROM {contacts} AS contact
            CROSS JOIN temp.alone AS alone ON alone.unit = contact.unit {_OUTCOMES}
            WHERE contact.at_ms >= alone.first_ms - :before AND contact.at_ms < alone.first_ms
            GROUP BY contact.decision) GROUP BY unit""",
        values,
    )
