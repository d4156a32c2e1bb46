"""How a number stands to its limit by an interval that holds at every look: proven well, at risk, or neither."""

from enum import StrEnum

import msgspec


class Stands(StrEnum):
    """What is proven."""

    WELL = "WELL"
    OPEN = "OPEN"
    """Neither: which is not that all is well."""
    AT_RISK = "AT_RISK"


class Range(msgspec.Struct, frozen=True):
    """A number with the interval around it."""

    value: float
    low: float
    high: float


def at_least(limit: float, *, hoped: Range, sure: Range) -> Stands:
    """Of a number that should come to `limit` at least: `hoped` is what it may be at best, `sure` at worst."""
    if hoped.high < limit:
        return Stands.AT_RISK
    return Stands.WELL if sure.low >= limit else Stands.OPEN


def at_most(limit: float, *, known: Range, sure: Range | None) -> Stands:
    """Of a number that should not be above `limit`: `known` may still grow, `sure` does not."""
    if known.low > limit:
        return Stands.AT_RISK
    return Stands.WELL if sure is not None and sure.high <= limit else Stands.OPEN
