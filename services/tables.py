"""Tables for people: how figures of each measure are written, in both languages."""

import math
from typing import Final

from gateway.core.policy.learning import SHARES, Measure
from gateway.core.texts import LANGUAGES, fill, number
from services.insights.comparing import Interval

Rows = tuple[tuple[str, ...], ...]
"""The first row names the columns; `services.commands.shell.print_rows` prints them."""

_INTERVAL: Final = ("{value} ({low} to {high})", "{value} ({low} à {high})")
_POINTS: Final = ("pp", "pt")


class Figures:
    """Writes figures in one language; `currency` is that of revenue."""

    def __init__(self, *, language: str, currency: str = "") -> None:
        self._language = language
        self._place = LANGUAGES.index(language)
        self._currency = currency

    def interval(self, interval: Interval, value: float, measure: Measure | None) -> str:
        """A difference in the measure, or a share where there is none, and in brackets where it may lie."""
        low, middle, high = (self.value(each, measure, sign="+") for each in (interval.low, value, interval.high))
        return fill(_INTERVAL[self._place], {"value": middle, "low": low, "high": high})

    def value(self, value: float, measure: Measure | None, *, sign: str = "") -> str:
        """A value of the measure, or a share where there is none; with a sign where differences are meant."""
        if math.isinf(value):
            return "-∞" if value < 0 else "+∞"
        plus = sign if value > 0 else ""
        if measure is None:
            return plus + self.percent(value, 1)
        if measure in SHARES and sign:  # a difference of shares is in points: per cent would be taken for the lift
            points = number(value * 100, digits=2, language=self._language)
            return f"{plus}{points} {_POINTS[self._place]}"
        if measure in SHARES:
            return self.percent(value, 2)
        if measure == "latency_ms":
            return f"{plus}{number(value, digits=1, language=self._language)} ms"
        if measure == "revenue_cents":
            return f"{plus}{number(value / 100, digits=2, language=self._language)} {self._currency}".rstrip()
        return plus + number(value, digits=2, language=self._language)

    def percent(self, share: float, digits: int) -> str:
        """A share of 1 as per cent."""
        return number(share * 100, digits=digits, language=self._language) + (
            "\u202f%" if self._language == "fr" else "%"
        )

    def p_value(self, p_value: float) -> str:
        """A probability, however small."""
        if p_value < 0.0001:
            return f"{p_value:.0e}"
        return number(p_value, digits=4, language=self._language)
