"""Finds and counts many decisions at once in PostgreSQL: orders, facets and timelines."""

from collections.abc import Sequence
from typing import Any

from services.audit.filters.bounds import id_bounds
from services.audit.filters.expression import All, Expression
from services.audit.filters.fields import Field, Kind
from services.audit.finding import MOST_VALUES, Facets, Order, Place, Timeline
from services.audit.ordering import UNKNOWN
from services.audit.postgres.conditions import Sql, condition, elements, joined, scalar
from services.audit.postgres.lanes import Connection
from services.audit.postgres.rows import COLUMNS, first_id


class Finder:
    """What is asked on one connection, with the states of the time `now_ms`."""

    def __init__(self, connection: Connection, *, now_ms: int) -> None:
        self._connection = connection
        self._now_ms = now_ms
        (self._skew_ms,) = connection.execute("SELECT ms FROM skew").fetchone() or (0,)

    def ordered(self, expression: Expression, *, order: Order, after: Place | None, size: int) -> Sql:
        """The query for the next `size` decisions in an order."""
        comparator, direction = ("<", "DESC") if order.descending else (">", "ASC")
        wanted = [self._where(expression)]
        if order.by_time:
            keys = f"decision.id {direction}"
            wanted += [Sql(f"decision.id {comparator} %s::uuid", (after.id,))] if after else []
        else:
            key = f"coalesce({scalar(order.field, now_ms=self._now_ms).text}, {UNKNOWN})"
            keys = f"{key} {direction}, decision.id {direction}"
            wanted += [Sql(f"({key}, decision.id) {comparator} (%s, %s::uuid)", (after.key, after.id))] if after else []
        where = joined(wanted, "AND", empty="true")
        text = f"SELECT {COLUMNS} FROM decision WHERE {where.text} ORDER BY {keys} LIMIT %s"
        return Sql(text, (*where.parameters, size))

    def facets(self, expression: Expression, fields: Sequence[Field]) -> Facets:
        """How many decisions match, and how many of them have each value of the fields."""
        return Facets(self.span(expression)[0], {field.name: self._counts(expression, field) for field in fields})

    def span(self, expression: Expression) -> tuple[int, int, int]:
        """How many decisions match, and when the first and the last were received; 0 where there are none."""
        where = self._where(expression)
        columns = "count(*), coalesce(min(received_ms), 0), coalesce(max(received_ms), 0)"
        ((total, first, last),) = self._rows(f"SELECT {columns} FROM decision WHERE {where.text}", where.parameters)
        return total, first, last

    def timeline(self, expression: Expression, *, start_ms: int, width_ms: int) -> Timeline:
        """How many decisions that match were received in each bucket, by verdict; none may match before the start."""
        where = self._where(expression)
        text = f"""SELECT (received_ms - %s::bigint) / %s::bigint, verdict, count(*) FROM decision
            WHERE {where.text} GROUP BY 1, 2"""
        rows = self._rows(text, (start_ms, width_ms, *where.parameters))
        return Timeline(start_ms, width_ms, {(number, verdict): count for number, verdict, count in rows})

    def _counts(self, expression: Expression, field: Field) -> dict[str | int, int]:
        """How many of the decisions that match have each value of a field, the most frequent first."""
        where, value, count = self._where(expression), Sql(""), "count(DISTINCT decision.id)"
        if field.path.source == "rules":
            source, value = "decision_rule AS e JOIN decision ON decision.id = e.decision", Sql("e.rule")
        elif field.path.single:
            source, value, count = "decision", scalar(field, now_ms=self._now_ms), "count(*)"
        else:
            found, each = elements(field)
            source, _, told = found.partition(" WHERE ")
            source, value = f"decision, {source}", Sql(each)
            where = joined([where, *([Sql(told)] if told else [])], "AND", empty="true")
        if field.kind is Kind.NUMBER:
            value = Sql(f"({value.text})::bigint", value.parameters)
        text = f"""SELECT {value.text}, {count} FROM {source} WHERE {where.text}
            GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_VALUES}"""
        return dict(self._rows(text, (*value.parameters, *where.parameters)))

    def _where(self, expression: Expression) -> Sql:
        parts = expression.parts if isinstance(expression, All) else (expression,)
        bounds = [
            Sql(f"decision.id {comparator} %s::uuid", (first_id(digits),))
            for comparator, digits in id_bounds(parts, skew_ms=self._skew_ms)
        ]
        return joined([*(condition(part, now_ms=self._now_ms) for part in parts), *bounds], "AND", empty="true")

    def _rows(self, text: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._connection.execute(text.encode(), parameters).fetchall()
