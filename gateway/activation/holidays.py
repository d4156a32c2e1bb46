"""Public holidays by country, from the `holidays` package; worked out once, when a policy is loaded."""

import datetime as dt
import functools
from typing import Final

import holidays

YEARS: Final = range(2020, 2051)
"""Years for which holidays are known; outside them no day is one."""


@functools.lru_cache(maxsize=64)
def dates(country: str) -> frozenset[dt.date] | None:
    """The public holidays of a country (ISO 3166, "FR"); `None` for a country nobody knows."""
    try:
        return frozenset(holidays.country_holidays(country, years=YEARS))
    except NotImplementedError:
        return None
