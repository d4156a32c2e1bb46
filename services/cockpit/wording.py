"""KPIs in words and figures, in English and French."""

from typing import Final

from gateway.core.texts import saying
from services.cockpit.measures import BY_NAME
from services.cockpit.texts import TEXTS
from services.cockpit.viewing import Number
from services.findings import wording

say: Final = saying(TEXTS)
_SIGN: Final = "+"


def value_of(name: str, value: float, *, currency: str, language: str) -> str:
    """A value of a KPI with its unit, such as "12.5%", "1,240.50 EUR" or "31 points"."""
    match BY_NAME[name].unit:
        case "share":
            return wording.percent(value, language=language)
        case "money":
            return money(round(value), currency=currency, language=language)
        case "points":
            return say("kpi-points", value=wording.number(value, language=language), language=language)
        case _:
            return wording.number(value, language=language)


def interval_of(name: str, number: Number, *, currency: str, language: str) -> str:
    """Its interval; empty where nothing is said."""
    figure = number.figure
    if figure.value is None or figure.low is None:
        return ""
    low = value_of(name, figure.low, currency=currency, language=language)
    if figure.high is None:
        return say("kpi-at-least", low=low, language=language)
    high = value_of(name, figure.high, currency=currency, language=language)
    return say("kpi-interval", low=low, high=high, language=language)


def said(name: str, number: Number, *, currency: str, language: str) -> str:
    """Its value, or that there are too few to say it."""
    figure = number.figure
    if figure.value is None:
        return say("kpi-insufficient", n=wording.number(figure.n, language=language), language=language)
    return value_of(name, figure.value, currency=currency, language=language)


def revised(name: str, number: Number, *, day: str, currency: str, language: str) -> str:
    """How days that were over changed, such as "revised on 29 November: +1,200.00 EUR"; empty where they did not."""
    if number.revised is None or not number.revised.by:
        return ""
    by = number.revised.by
    money_told = BY_NAME[name].head == "revenue"
    told = money(by, currency=currency, language=language) if money_told else wording.number(by, language=language)
    return say("kpi-revised", day=day, by=told if by < 0 else _SIGN + told, language=language)


def money(cents: int, *, currency: str, language: str) -> str:
    """An amount: 1,240.50 EUR in English, 1 240,50 EUR in French."""
    whole, rest = divmod(abs(cents), 100)
    french = language == "fr"
    grouped = f"{whole:,}".replace(",", "\N{NARROW NO-BREAK SPACE}" if french else ",")
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    return f"{sign}{grouped}{',' if french else '.'}{rest:02d}\N{NO-BREAK SPACE}{currency}"
