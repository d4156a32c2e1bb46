"""A rule that fails at run time is a finding: what is kept of it, for people to look at."""

from typing import Final

import msgspec

NO_KEY: Final = "a map has no such key"
BY_ZERO: Final = "a number is divided by zero"
OUT_OF_RANGE: Final = "a number or a time is out of range"
NO_ELEMENT: Final = "a list has no such element"
NOT_CONVERTED: Final = "a value cannot be converted"
NO_PATTERN: Final = "a regular expression is invalid"
NO_ZONE: Final = "there is no such time zone"
TYPES_DIFFER: Final = "values of these types do not go together"
NO_ANSWER: Final = "the condition gave no answer"

_FRENCH: Final = {
    NO_KEY: "une table n’a pas cette clé",
    BY_ZERO: "un nombre est divisé par zéro",
    OUT_OF_RANGE: "un nombre ou une date sort des limites",
    NO_ELEMENT: "une liste n’a pas cet élément",
    NOT_CONVERTED: "une valeur ne peut pas être convertie",
    NO_PATTERN: "une expression rationnelle n’est pas valable",
    NO_ZONE: "ce fuseau horaire n’existe pas",
    TYPES_DIFFER: "ces types de valeurs ne vont pas ensemble",
    NO_ANSWER: "la condition n’a pas donné de réponse",
}


def in_language(error: str, language: str) -> str:
    """What went wrong, in that language; the key that is missing, where it is named, stays as it is."""
    if language != "fr":
        return error
    what, colon, key = error.partition(": ")
    return f"{_FRENCH.get(what, what)} : {key}" if colon else _FRENCH.get(what, what)


class RuleFailure(msgspec.Struct, frozen=True, kw_only=True):
    """All failures of one rule. Times are milliseconds since the epoch. Holds no personal data."""

    rule: str
    count: int
    first_ms: int
    last_ms: int
    error: str
    """What went wrong last, as one of the texts above."""
    revision: int
    """The revision under which it failed last."""
    decision: str
    """Id of the last decision in which it failed, as an example."""


def added(one: RuleFailure, other: RuleFailure) -> RuleFailure:
    """Both together; what went wrong last is said of them."""
    last = max((one, other), key=lambda failure: failure.last_ms)
    return msgspec.structs.replace(last, count=one.count + other.count, first_ms=min(one.first_ms, other.first_ms))
