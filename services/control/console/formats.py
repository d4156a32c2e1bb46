"""Numbers and times as each language writes them."""

import datetime as dt
from typing import Final

_SEPARATORS: Final = {"en": (",", "."), "fr": ("\N{NARROW NO-BREAK SPACE}", ",")}
"""Of thousands, and before decimals."""
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def number(value: float, digits: int = 0, *, language: str) -> str:
    """12,345.6 in English, 12 345,6 in French; so many digits after the point."""
    thousands, decimal = _SEPARATORS[language]
    text = f"{value:,.{digits}f}".replace(",", "\0").replace(".", decimal)
    return text.replace("\0", thousands).replace("-", "\N{MINUS SIGN}")


def percent(ratio: float, digits: int = 0, *, language: str) -> str:
    """A ratio of 0 to 1 as 12% in English, 12 % in French."""
    return number(ratio * 100, digits, language=language) + (f"{_NO_BREAK}%" if language == "fr" else "%")


def milliseconds(at: dt.datetime) -> int:
    """A time as pages take it: milliseconds since the epoch."""
    return round(at.timestamp() * 1000)
