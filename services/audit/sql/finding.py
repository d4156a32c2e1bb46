"""Compiles facets, timelines and orders to SQL, for one file of decisions or several. Pure."""

from services.audit.filters.bounds import id_bounds
from services.audit.filters.expression import All, Expression
from services.audit.filters.fields import Field
from services.audit.finding import MOST_VALUES, Order, Place
from services.audit.ordering import UNKNOWN
from services.audit.sql.compiling import COLUMNS
from services.audit.sql.conditions import condition, elements, joined, scalar
from services.audit.sql.dialects import Dialect, Sql


def ordered(
    expression: Expression, *, now_ms: int, order: Order, after: Place | None, size: int, skew_ms: int, dialect: Dialect
) -> Sql:
    """The rows, with `COLUMNS` and then what they are ordered by, of the next `size` decisions in an order."""
    comparator, direction = ("<", "DESC") if order.descending else (">", "ASC")
    where = _where(expression, now_ms=now_ms, skew_ms=skew_ms, dialect=dialect)
    wanted = [where]
    if order.by_time:
        key, keys = "0", "decision.id {0}"
        wanted += [Sql(f"decision.id {comparator} ?", (after.id,))] if after else []
    else:
        key = f"ifnull({scalar(order.field, now_ms=now_ms, dialect=dialect)}, {UNKNOWN})"
        keys = f"{key} {{0}}, decision.id {{0}}"
        wanted += [Sql(f"({key}, decision.id) {comparator} (?, ?)", (after.key, after.id))] if after else []
    found = joined(wanted, "AND", empty="1")
    text = f"SELECT {COLUMNS}, {key} FROM decision WHERE {found.text} ORDER BY {keys.format(direction)} LIMIT ?"
    return Sql(text, (*found.parameters, size))


def total(expression: Expression, *, now_ms: int, skew_ms: int, dialect: Dialect) -> Sql:
    """How many decisions match, and when the first and the last of them were received, in milliseconds."""
    where = _where(expression, now_ms=now_ms, skew_ms=skew_ms, dialect=dialect)
    return Sql(
        f"SELECT count(*), min(received_ms), max(received_ms) FROM decision WHERE {where.text}", where.parameters
    )


def facet(expression: Expression, field: Field, *, now_ms: int, skew_ms: int, dialect: Dialect) -> Sql:
    """How many of the decisions that match have each value of a field, the most frequent first."""
    where = _where(expression, now_ms=now_ms, skew_ms=skew_ms, dialect=dialect)
    if field.path.source == "rules":
        source, value = dialect.by_rule
    elif field.path.single:
        source, value = "decision", scalar(field, now_ms=now_ms, dialect=dialect)
    else:
        found, value = elements(field.path, dialect=dialect)
        source, _, told = found.partition(" WHERE ")
        source = f"decision, {source}"
        where = joined([where, *([Sql(told)] if told else [])], "AND", empty="1")
    text = f"""SELECT {value}, count(DISTINCT decision.id) FROM {source} WHERE {where.text}
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_VALUES}"""
    return Sql(text if not field.path.single else text.replace("DISTINCT decision.id", "*"), where.parameters)


def timeline(
    expression: Expression, *, now_ms: int, start_ms: int, width_ms: int, skew_ms: int, dialect: Dialect
) -> Sql:
    """How many decisions that match were received in each bucket of that width, by verdict; none before the start."""
    where = _where(expression, now_ms=now_ms, skew_ms=skew_ms, dialect=dialect)
    text = (
        f"""SELECT (received_ms - ?) {dialect.by} ?, verdict, count(*) FROM decision WHERE {where.text} GROUP BY 1, 2"""
    )
    return Sql(text, (start_ms, width_ms, *where.parameters))


def _where(expression: Expression, *, now_ms: int, skew_ms: int, dialect: Dialect) -> Sql:
    parts = expression.parts if isinstance(expression, All) else (expression,)
    bounds = [Sql(f"decision.id {comparator} ?", (bound,)) for comparator, bound in id_bounds(parts, skew_ms=skew_ms)]
    return joined([*(condition(part, now_ms=now_ms, dialect=dialect) for part in parts), *bounds], "AND", empty="1")
