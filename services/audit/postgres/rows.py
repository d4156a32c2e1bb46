"""Finds decisions in PostgreSQL, and reads them."""

from typing import Any, Final

import msgspec

from gateway.conclusion import Conclusion, State, state_at
from gateway.core.record import Outcome, Record, Settlement, Verdict
from gateway.core.shadows import ShadowResult
from services.audit.filters.expression import All, Comparison, Expression
from services.audit.filters.fields import Kind
from services.audit.postgres.conditions import Sql, condition, joined
from services.audit.postgres.copies import copies_of
from services.audit.postgres.lanes import Connection
from services.audit.postgres.partitions import spans
from services.audit.postgres.texts import kept
from services.audit.store import Stored

COLUMNS: Final = """decision.id, verdict, reason, decision.rule, status, state, settled_ms, expires_ms,
 record, outcome, settlement, decision.leaf, settled_leaf"""
_LAST_MS: Final = 0xFFFF_FFFF_FFFF
"""An id holds 48 bits of time."""
_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)


def pages(connection: Connection, expression: Expression, *, now_ms: int, before: str, size: int) -> tuple[Stored, ...]:
    """The newest `size` decisions that match and have an id less than `before`, or the newest of all."""
    (skew_ms,) = connection.execute("SELECT ms FROM skew").fetchone() or (0,)
    together: tuple[Stored, ...] = ()
    for least, bound in spans(connection, before=before):
        left = size - len(together)
        query = page(expression, now_ms=now_ms, span=(least, bound), size=left, skew_ms=skew_ms)
        together += found(connection, query, now_ms=now_ms)
        if len(together) == size:
            break
    return together


def page(expression: Expression, *, now_ms: int, span: tuple[str, str], size: int, skew_ms: int) -> Sql:
    """The query for one page, newest first, of the ids from the one on and less than the other, where these are given.

    A rule that every match must have leads the query, as in the embedded store. Bounds of the receive time bound the id
    as well, by `skew_ms` at most: so they leave out partitions, and stand in every index.
    """
    parts = expression.parts if isinstance(expression, All) else (expression,)
    rules = [part for part in parts if isinstance(part, Comparison) and _must_have(part)]
    source, key = "decision", "decision.id"
    wanted = [condition(part, now_ms=now_ms) for part in parts if not rules or part is not rules[0]]
    if rules:
        source, key = "decision_rule AS hit JOIN decision ON decision.id = hit.decision", "hit.decision"
        wanted.insert(0, Sql("hit.rule = %s", (kept(str(rules[0].value)),)))
    bounds = id_bounds(parts, skew_ms=skew_ms)
    least, bound = span
    bounds += [(">=", least)] if least else []
    bounds += [("<", bound)] if bound else []
    # Of both, since the planner does not carry a bound from the one to the other.
    keys = ("hit.decision", "decision.id") if rules else (key,)
    wanted += [Sql(f"{each} {comparator} %s::uuid", (bound,)) for comparator, bound in bounds for each in keys]
    where = joined(wanted, "AND", empty="true")
    text = f"SELECT {COLUMNS} FROM {source} WHERE {where.text} ORDER BY {key} DESC LIMIT %s"
    return Sql(text, (*where.parameters, size))


def found(connection: Connection, query: Sql, *, now_ms: int) -> tuple[Stored, ...]:
    """The decisions that a query selects, with their copies."""
    rows = connection.execute(query.text.encode(), query.parameters).fetchall()
    copies = copies_of(connection, [row[0].hex for row in rows])
    return tuple(_stored(row, copies.get(row[0].hex, ()), now_ms=now_ms) for row in rows)


def _stored(row: tuple[Any, ...], copies: tuple[ShadowResult, ...], *, now_ms: int) -> Stored:
    _, verdict, reason, rule, status, state, settled_ms, expires_ms, record, outcome, settlement, *leaves = row
    return Stored(
        conclusion=Conclusion(
            verdict=Verdict(verdict),
            reason=reason,
            rule=rule,
            status=status,
            state=state_at(State(state), expires_ms=expires_ms, now_ms=now_ms),
            settled_ms=settled_ms,
        ),
        record=_record.decode(record),
        outcome=_outcome.decode(outcome),
        settlement=None if settlement is None else _settlement.decode(settlement),
        copies=copies,
        leaf=leaves[0],
        settled_leaf=leaves[1],
    )


def id_bounds(parts: tuple[Expression, ...], *, skew_ms: int) -> list[tuple[str, str]]:
    """(comparator, id) pairs that every match meets, from those parts that bound the receive time."""
    bounds = []
    for part in parts:
        if not (isinstance(part, Comparison) and part.field.name == "receive_time" and isinstance(part.value, int)):
            continue
        at_ms = part.value // 1_000
        if part.comparator in {">", ">=", "="}:
            bounds.append((">=", _first_id(min(max(at_ms - skew_ms, 0), _LAST_MS))))
        if part.comparator in {"<", "<=", "="} and at_ms + skew_ms < _LAST_MS:
            bounds.append(("<", _first_id(at_ms + skew_ms + 1)))
    return bounds


def _first_id(at_ms: int) -> str:
    return f"{at_ms:012x}{'0' * 20}"


def _must_have(part: Comparison) -> bool:
    return part.field.kind is Kind.RULE and part.comparator == "="
