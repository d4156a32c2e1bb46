"""What a filter still asks of decisions of which it is known when they were made. Pure."""

from services.audit.filters.expression import All, Comparison, Expression


def within(expression: Expression, *, start_ms: int, end_ms: int, skew_ms: int) -> Expression:
    """The filter without the bounds on the receive time that every decision meets whose id has a time in the span.

    The end is outside of it. `skew_ms` is how far the time in an id ever was from its receive time.
    """
    first_us, last_us = (start_ms - skew_ms) * 1_000, (end_ms - 1 + skew_ms) * 1_000
    parts = expression.parts if isinstance(expression, All) else (expression,)
    return All(tuple(part for part in parts if not _met(part, first_us, last_us)))


def _met(part: Expression, first_us: int, last_us: int) -> bool:
    """Whether all that were received between the two, both included, meet it."""
    if not (isinstance(part, Comparison) and part.field.name == "receive_time" and isinstance(part.value, int)):
        return False
    return {
        ">=": first_us >= part.value,
        ">": first_us > part.value,
        "<=": last_us <= part.value,
        "<": last_us < part.value,
    }.get(part.comparator, False)
