"""Amounts of one currency in another: whole cents by an exact rate, rounded half to even. Pure."""

from collections.abc import Mapping
from fractions import Fraction

from gateway.core.policy.reporting import Reporting


def rates_of(reporting: Reporting) -> Mapping[str, Fraction]:
    """What one unit of each currency is worth in that of the report, exactly; that currency itself is worth 1."""
    return {name: Fraction(rate) for name, rate in reporting.rates.items()} | {reporting.currency: Fraction(1)}


def converted(cents: int, rate: Fraction) -> int:
    """An amount at a rate, rounded once: of two equally near whole cents the even one."""
    return round(cents * rate)
