"""Which ids matches of a filter may have: ids sort by time, so bounds on the receive time bound them too. Pure."""

from typing import Final

from services.audit.filters.expression import Comparison, Expression

_LAST_MS: Final = 0xFFFF_FFFF_FFFF
"""An id holds 48 bits of time; a bound beyond them bounds nothing."""


def id_bounds(parts: tuple[Expression, ...], *, skew_ms: int) -> list[tuple[str, str]]:
    """(">=" or "<", first 12 digits of an id) that every match meets, by those parts that bound the receive time.

    `skew_ms` is how far the time in an id ever was from its receive time.
    """
    bounds = []
    for part in parts:
        if not (isinstance(part, Comparison) and part.field.name == "receive_time" and isinstance(part.value, int)):
            continue
        at_ms = part.value // 1_000
        if part.comparator in {">", ">=", "="}:
            bounds.append((">=", f"{min(max(at_ms - skew_ms, 0), _LAST_MS):012x}"))
        if part.comparator in {"<", "<=", "="} and at_ms + skew_ms < _LAST_MS:
            bounds.append(("<", f"{at_ms + skew_ms + 1:012x}"))
    return bounds
