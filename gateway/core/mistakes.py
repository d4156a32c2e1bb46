"""What is wrong with a policy, without words: a code, and what fills it in. The words are in `gateway.mistakes`."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Union

import msgspec

Value = Union[str, int, float, "Told", tuple["Value", ...]]
"""What fills in a text: a name as it is, a phrase that is told in the reader's language, or several of these."""


class Told(msgspec.Struct, frozen=True):
    """One text of the catalogue, and what it is filled in with."""

    code: str
    values: Mapping[str, Value] = {}


NONE = Told("none")
"""No words at all, where a text has room for a phrase."""


def told(code: str, /, **values: Value) -> Told:
    """The text of that code, filled in."""
    return Told(code, values)


def near(name: str, known: Iterable[str], otherwise: Told, *, cutoff: float = 0.6) -> Told:
    """Which of the known names may be meant; `otherwise` where none is like it. `cutoff` is how alike, 0 to 1."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return told("did-you-mean", near=found[0]) if found else otherwise


def one_of(choices: Sequence[str], otherwise: Told) -> Told:
    """All that could be chosen, and what else could be done."""
    return told("choose-or", choices=tuple(choices), otherwise=otherwise) if choices else otherwise
