"""What each subject of a route or an experiment did, as temporary tables of a transaction.

`seen` has what each subject did in each arm; `alone` the subjects with one arm only; `contact` the contacts that follow
from calls of the arms, with the time of the call they follow from; `reached` what those did to each subject; `before`
and `earlier` what the calls and contacts of the time before give for covariates. `services.audit.sqlite.subjects` says
the same in SQLite's words, and one test holds both against a plain count.
"""

from collections.abc import Iterator
from typing import Any, Final

from services.audit.arms import OF_CONTACTS, ArmsQuery, concerns_contacts, several_currencies
from services.audit.postgres.lanes import Connection

_OUTCOMES: Final = "LEFT JOIN outcome ON outcome.decision = contact.decision AND outcome.tenant = %(tenant)s"

Values = dict[str, Any]


def calls_of(query: ArmsQuery) -> str:
    """All calls of the scope, with the arm that they took or the variation that they have shown."""
    if query.kind == "route":
        return "SELECT c.* FROM call AS c WHERE c.scope = %(scope)s AND c.at_ms >= %(start)s AND c.at_ms < %(end)s"
    unit = "coalesce(x.unit, c.unit) AS unit"
    columns = f"c.decision, x.arm, c.at_ms, {unit}, c.revision, c.admitted, c.refused, c.contact, c.failed, c.stood_in"
    return f"""SELECT {columns}, c.total_us, c.costs FROM exposure AS x JOIN call AS c ON c.decision = x.call
        WHERE x.scope = %(scope)s AND x.at_ms >= %(start)s AND x.at_ms < %(end)s"""


def see(connection: Connection, query: ArmsQuery, values: Values) -> None:
    """Make `seen` and `alone`. The revision is that of the first call."""
    _make(
        connection,
        "seen",
        f"""SELECT unit, arm, min(at_ms) AS first_ms, (array_agg(revision ORDER BY at_ms, decision))[1] AS revision,
            count(*) AS calls, count(*) FILTER (WHERE refused) AS refused,
            count(*) FILTER (WHERE failed OR stood_in) AS failed,
            count(*) FILTER (WHERE admitted AND (failed OR total_us IS NOT NULL)) AS ended,
            count(total_us) AS settled, {_MS} AS ms, {_cost(query)} AS cost
            FROM ({calls_of(query)}) AS calls WHERE unit IS NOT NULL GROUP BY unit, arm""",
        values,
    )
    _make(
        connection,
        "alone",
        """SELECT * FROM (SELECT *, count(*) OVER (PARTITION BY unit) AS arms FROM seen) AS each WHERE arms = 1""",
        values,
    )
    connection.execute("CREATE UNIQUE INDEX ON alone (unit)")


def reach(connection: Connection, query: ArmsQuery, values: Values) -> None:
    """Make `contact` and `reached`."""
    contacts = " UNION ALL ".join(f"({text})" for text in _contacts(query))
    _make(connection, "contact", f"SELECT *, row_number() OVER () AS number FROM ({contacts}) AS each", values)
    if "revenue_cents" in query.measures and not query.currency:
        values["currency"] = _the_currency(connection, values)
    told = _told(query, when="outcome.occurred_ms <= contact.origin_ms + %(window)s")
    _make(
        connection,
        "reached",
        f"""SELECT unit, count(*) AS contacts, {_summed(query)} FROM (
            SELECT contact.unit AS unit, {told} FROM contact
            JOIN alone ON alone.unit = contact.unit AND alone.arm = contact.arm {_OUTCOMES}
            WHERE contact.origin_ms >= %(start)s AND contact.origin_ms < %(end)s
            AND contact.at_ms <= contact.origin_ms + %(window)s GROUP BY contact.number, contact.unit) AS each
            GROUP BY unit""",
        values,
    )


def look_back(connection: Connection, query: ArmsQuery, values: Values) -> None:
    """Make `before` and, where contacts are asked for, `earlier`: what each subject did before its first call."""
    if query.kind == "route":
        before, contacts = "c.scope = %(scope)s AND c.at_ms < %(start)s", "contact"
    else:
        routes = "SELECT id FROM scope WHERE tenant = %(tenant)s AND kind = 'route'"
        before = f"c.scope IN ({routes}) AND c.at_ms < %(end)s"
        contacts = f"(SELECT c.* FROM call AS c WHERE c.contact AND {before} AND c.at_ms >= %(since)s) AS contact"
    _make(
        connection,
        "before",
        f"""SELECT c.unit AS unit, count(*) FILTER (WHERE c.refused) AS refused,
            count(*) FILTER (WHERE c.failed OR c.stood_in) AS failed, {_MS} AS ms, {_cost(query)} AS cost
            FROM call AS c JOIN alone ON alone.unit = c.unit
            WHERE {before} AND c.at_ms >= alone.first_ms - %(before)s AND c.at_ms < alone.first_ms
            AND c.at_ms >= %(since)s GROUP BY c.unit""",
        values,
    )
    if not concerns_contacts(query):
        return
    # What was told after the first call may be its doing.
    told = _told(query, when="outcome.occurred_ms < alone.first_ms")
    _make(
        connection,
        "earlier",
        f"""SELECT unit, {_summed(query)} FROM (
            SELECT contact.unit AS unit, {told} FROM {contacts}
            JOIN alone ON alone.unit = contact.unit {_OUTCOMES}
            WHERE contact.at_ms >= alone.first_ms - %(before)s AND contact.at_ms < alone.first_ms
            GROUP BY contact.decision, contact.unit) AS each GROUP BY unit""",
        values,
    )


_MS: Final = "coalesce(sum(total_us), 0)::double precision / 1000"
"""Milliseconds of calls: the sum is of whole numbers, and rounded once."""


def _cost(query: ArmsQuery) -> str:
    """What calls have cost, where that is asked."""
    if "cost" not in query.measures:
        return "0::bigint"
    if query.budget:
        each = "(costs ->> %(budget)s)::numeric"
    else:
        each = "(SELECT sum(value::numeric) FROM jsonb_each_text(costs))"
    return f"coalesce(sum({each}), 0)"


def _make(connection: Connection, name: str, text: str, values: Values) -> None:
    """Make a table of what a query gives, and count it, so that what reads it is planned well."""
    connection.execute(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {text}".encode(), values)
    connection.execute(f"ANALYZE {name}".encode())


def _contacts(query: ArmsQuery) -> Iterator[str]:
    """The contacts that follow from calls of the scope, those of the time before included for the covariates.

    A contact that takes an arm itself is its own cause. Else the inference that it names is, by what the gateway knew
    of it or by what is stored. The unit is that of the cause, since it was that which the arm was assigned to.
    """
    if query.kind == "route":
        yield """SELECT unit, arm, decision, at_ms, at_ms AS origin_ms FROM call
            WHERE scope = %(scope)s AND contact AND unit IS NOT NULL AND at_ms >= %(since)s AND at_ms < %(end)s"""
        yield """SELECT unit, led_arm AS arm, decision, at_ms, led_ms FROM call
            WHERE led_scope = %(scope)s AND scope <> %(scope)s AND contact AND unit IS NOT NULL
            AND at_ms >= %(since)s AND at_ms <= %(until)s"""
        cause = "o.scope = %(scope)s AND c.led_scope IS NULL AND c.scope <> %(scope)s"
        join, arm, unit = "", "o.arm", "o.unit"
    else:
        yield f"""SELECT unit, arm, decision, at_ms, at_ms AS origin_ms FROM ({calls_of(query)}) AS calls
            WHERE contact AND unit IS NOT NULL"""
        cause = """NOT EXISTS (SELECT 1 FROM exposure AS own
            WHERE own.scope = %(scope)s AND own.at_ms = c.at_ms AND own.call = c.decision)"""
        join = "JOIN exposure AS x ON x.scope = %(scope)s AND x.at_ms = o.at_ms AND x.call = o.decision"
        arm, unit = "x.arm", "coalesce(x.unit, o.unit)"
    yield f"""SELECT {unit}, {arm}, c.decision, c.at_ms, o.at_ms FROM call AS c
        JOIN call AS o ON o.decision = c.inference {join}
        WHERE c.inference IS NOT NULL AND c.contact AND {unit} IS NOT NULL AND {cause}
        AND c.at_ms >= %(since)s AND c.at_ms <= %(until)s
        AND c.scope IN (SELECT id FROM scope WHERE tenant = %(tenant)s)"""


def _told(query: ArmsQuery, *, when: str) -> str:
    """Columns of what was told of one contact: whether each outcome, and its revenue."""
    columns = [
        f"coalesce(bool_or(outcome.type = '{OF_CONTACTS[measure]}' AND {when}), false)::integer AS {measure}"
        for measure in query.measures
        if measure in OF_CONTACTS
    ]
    if "revenue_cents" in query.measures:
        ours = f"outcome.currency = %(currency)s AND {when}"
        columns.append(f"coalesce(sum(outcome.revenue_cents) FILTER (WHERE {ours}), 0) AS revenue_cents")
    return ", ".join(columns)


def _summed(query: ArmsQuery) -> str:
    """The same columns, summed over contacts."""
    return ", ".join(f"sum({m}) AS {m}" for m in query.measures if m in OF_CONTACTS or m == "revenue_cents")


def _the_currency(connection: Connection, values: Values) -> str:
    """The only currency that revenue came in; empty where there was none."""
    text = """SELECT DISTINCT outcome.currency FROM contact JOIN outcome
        ON outcome.decision = contact.decision AND outcome.tenant = %(tenant)s
        WHERE outcome.revenue_cents <> 0 ORDER BY 1"""
    found = tuple(currency for (currency,) in connection.execute(text, values))
    if len(found) > 1:
        raise several_currencies(found)
    return found[0] if found else ""
