"""Reads single facts by the names that conditions know them by. Pure."""

from collections.abc import Callable
from typing import Any, Final

from gateway.core.call import Facts
from gateway.core.consents import by_channel

_PLAIN: Final[dict[str, Callable[[Facts], Any]]] = {
    "known": lambda facts: facts.known,
    "time_zone": lambda facts: facts.time_zone,
    "language": lambda facts: facts.language,
    "segments": lambda facts: facts.segments,
    "pressure": lambda facts: facts.pressure,
}


def fact_reader(steps: tuple[str, ...]) -> Callable[[Facts], Any] | None:
    """A function that reads this fact, `None` where it is unknown; nothing for steps that lead to no single fact."""
    match steps:
        case (name,):
            return _PLAIN.get(name)
        case ("traits", key):
            return lambda facts: facts.traits.get(key)
        case ("scores", key):
            return lambda facts: facts.scores.get(key)
        case ("consents", key):
            return lambda facts: _consent(facts, key)
    return None


def _consent(facts: Facts, key: str) -> bool | None:
    said = by_channel(facts.consent_records) if facts.consent_records else {}
    return said.get(key, facts.consents.get(key))
