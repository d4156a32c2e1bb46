"""What a trial has found, as the page shows it: numbers in words, each with its interval."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.cockpit import wording
from services.control.console import formats

_DIGITS: Final = {"contacts": 0, "people": 0, "events": 1}


class Cell(msgspec.Struct, frozen=True):
    """A number."""

    said: str
    interval: str = ""
    known: bool = True


class Row(msgspec.Struct, frozen=True):
    """One number of each policy, and their difference."""

    name: str
    tried: tuple[Cell, ...]
    difference: Cell | None


class ArmRow(msgspec.Struct, frozen=True):
    """What changes of an arm."""

    kind: str
    name: str
    contacts: int
    refused: int
    allowed: int
    share: Cell


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    start_ms: int
    end_ms: int
    calls: int
    counted: bool
    returns: bool
    """Agents surely come back after refusals."""
    short: bool
    """Too few decisions from before to count with: nothing can be said of people."""
    rows: tuple[Row, ...]
    exact: tuple[tuple[int, int], ...]
    """By policy: contacts newly refused, and newly made."""
    arms: tuple[tuple[ArmRow, ...], ...]
    tried: tuple[Any, ...]
    """Each policy's backtest."""

    @property
    def two(self) -> bool:
        """Whether two policies were tried."""
        return len(self.tried) > 1


def found_of(result: Mapping[str, Any], say: Any, *, language: str) -> Found:
    """The result of a job, in words."""
    currency = result["currency"]

    def cell(unit: str, estimate: Mapping[str, float] | None, *, signed: bool = False) -> Cell:
        if estimate is None:
            return Cell(say("what-if-insufficient"), known=False)
        value, low, high = (
            _said(estimate[end], unit, currency, signed=signed, language=language) for end in ("value", "low", "high")
        )
        n = formats.number(estimate["n"], language=language)
        return Cell(value, say("what-if-interval", low=low, high=high, n=n))

    tried = result["tried"]
    forecasts = [each["forecast"] for each in tried]
    return Found(
        start_ms=result["startMs"],
        end_ms=result["endMs"],
        calls=tried[0]["calls"],
        counted=result["counted"],
        returns=any(each and each["returns"] and each["returns"]["low"] > 0 for each in forecasts),
        short=result["counted"] and not any(each and each["people"] for each in forecasts),
        rows=tuple(
            Row(
                each["name"],
                tuple(
                    cell(each["unit"], one, signed=each["name"] not in ("avoided", "affected")) for one in each["tried"]
                ),
                cell(each["unit"], each["difference"], signed=True) if len(tried) > 1 else None,
            )
            for each in result["figures"]
        ),
        exact=tuple((each["refused"], each["allowed"]) for each in forecasts if each),
        arms=tuple(tuple(_arm(arm, cell) for arm in each["arms"]) for each in tried),
        tried=tuple(tried),
    )


def _arm(arm: Mapping[str, Any], cell: Any) -> ArmRow:
    share = cell("share", arm["share"])
    return ArmRow(arm["kind"], arm["name"], arm["contacts"], arm["refused"], arm["allowed"], share)


def _said(value: float, unit: str, currency: str, *, signed: bool, language: str) -> str:
    if unit == "money":
        text = wording.money(round(value), currency=currency, language=language)
    elif unit == "share":
        text = formats.percent(value, 1, language=language)
    else:
        text = formats.number(value, _DIGITS[unit], language=language)
        text = text.lstrip("\N{MINUS SIGN}") if not any(each in "123456789" for each in text) else text
    return f"+{text}" if signed and text[0] != "\N{MINUS SIGN}" and any(each in "123456789" for each in text) else text
