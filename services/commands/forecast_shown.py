"""What a forecast says, as sentences and as data."""

from collections.abc import Iterator
from typing import Any, Final

from gateway.core.texts import day, number
from services.commands.forecast_texts import say
from services.insights.pressure.intervals import Estimate
from services.insights.whatif.forecast import Forecast

_NUMBERS: Final = ("avoided", "affected", "opt_outs", "complaints", "purchases", "cents", "returns")


def sentences(found: Forecast, *, start_ms: int, language: str) -> Iterator[str]:
    """What it comes to, where there is enough to say anything; and what it rests on."""
    if not found.refused and not found.allowed:
        return
    if found.avoided is None or found.affected is None:
        yield say("few", language=language, people=found.people)
        return
    since = day(start_ms, language=language)
    people = _whole(found.affected, language)
    yield say("avoided", language=language, since=since, fewer=_whole(found.avoided, language), people=people)
    for key in ("opt_outs", "complaints", "purchases"):
        change: Estimate | None = getattr(found, key)
        if change is not None:
            yield say(key, language=language, change=_signed(change, language, digits=1))
    if found.comes_back_most:
        back = number(found.comes_back, digits=1, language=language)
        yield say("comes-back", language=language, back=back, most=found.comes_back_most)
    if found.returns is not None and found.returns.low > 0:
        yield say("returns", language=language, share=number(100 * found.returns.value, digits=0, language=language))
    yield say("rests-on", language=language)


def as_data(found: Forecast, *, start_ms: int) -> dict[str, Any]:
    """All of it, for machines; null where too little is known."""
    return {
        "startMs": start_ms,
        "people": found.people,
        "contacts": found.contacts,
        "refused": found.refused,
        "allowed": found.allowed,
        "comesBack": found.comes_back,
        "comesBackMost": found.comes_back_most,
        **{_camel(name): _data(getattr(found, name)) for name in _NUMBERS},
    }


def _data(estimate: Estimate | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "level": estimate.level,
        "n": estimate.n,
    }


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)


def _whole(estimate: Estimate, language: str) -> str:
    value, low, high = (number(each, digits=0, language=language) for each in _of(estimate))
    return say("interval", language=language, value=value, low=low, high=high)


def _signed(estimate: Estimate, language: str, *, digits: int) -> str:
    value, low, high = (
        ("+" if each > 0 else "") + number(each, digits=digits, language=language) for each in _of(estimate)
    )
    return say("interval", language=language, value=value, low=low, high=high)


def _of(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
