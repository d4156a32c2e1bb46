"""What the decoder says of one value, as codes: its English words stay here."""

import re
from typing import Final

from gateway.core.mistakes import Told, told

_KIND: Final = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<found>[^`]+)`")
_LENGTH: Final = re.compile(r"Expected `(?P<kind>[^`]+)` of length (?P<sign>[<>]=) (?P<bound>\d+)")
_BOUND: Final = re.compile(r"Expected `(?:int|float)` (?P<sign>[<>]=?) (?P<bound>\S+)")
_CHOICE: Final = re.compile(r"Invalid enum value '?(?P<name>.*?)'?(?: - at `|$)", re.DOTALL)
_WANTED: Final = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_MORE: Final = re.compile(r"Object contains unknown field `(?P<name>[^`]+)`")
_SIGNS: Final = {">=": "least", "<=": "most", ">": "above", "<": "below"}
_KINDS: Final = {
    "str": "kind-text",
    "int": "kind-number",
    "float": "kind-decimal",
    "bool": "kind-truth",
    "null": "kind-nothing",
    "array": "kind-list",
    "object": "kind-mapping",
}


def leaf_mistake(message: str) -> Told:
    """What is wrong with a value that the decoder refuses; of a text that does not match a pattern it quotes none.

    What stands there may be a secret.
    """
    if found := _KIND.match(message):
        kinds = tuple(_kind(name) for name in found["wanted"].split(" | ") if name != "null")
        return told("kind-wrong", wanted=told("either", choices=kinds), found=_kind(found["found"]))
    if found := _LENGTH.match(message):
        unit = "items" if found["kind"] == "array" else "fields" if found["kind"] == "object" else "characters"
        return told(f"length-{_SIGNS[found['sign']]}", bound=found["bound"], unit=told(unit))
    if found := _BOUND.match(message):
        return told(f"bound-{_SIGNS[found['sign']]}", bound=found["bound"].removesuffix(".0"))
    if found := _CHOICE.match(message):
        return told("choice-unknown", name=found["name"])
    if found := _WANTED.match(message):
        return told("inner-missing", name=found["name"])
    if found := _MORE.match(message):
        return told("inner-unknown", name=found["name"])
    return told("unusable")


def kind_of(data: object) -> Told:
    """What kind of value stands there, in the words of YAML."""
    return _kind(_NAMES.get(type(data), type(data).__name__))


_NAMES: Final = {dict: "object", list: "array", type(None): "null"}


def _kind(name: str) -> Told:
    return told(_KINDS.get(name, "kind-other"))
