"""The terms of a filter (AIP-160): what is joined by AND, taken out and put in where people press a value. Pure.

OR binds tighter than AND there, so a term can be joined to any filter as it is written.
"""

import re
from collections.abc import Iterator
from typing import Final

from services.control.filters import is_

_AND: Final = re.compile(r"\s+AND\s+")
_BARE: Final = re.compile(r"(?!(?:AND|OR|NOT|NULL|NONE|NIL|TRUE|FALSE)$)[A-Z][A-Z0-9_]*|[0-9]{1,15}")


def equals(field: str, value: str) -> str:
    """The term that a field has this very value; names of enums and numbers without quotes, as people write them."""
    return f"{field} = {value}" if _BARE.fullmatch(value) else is_(field, value)


def terms(text: str) -> tuple[str, ...]:
    """The terms of a filter in order; one alone where it is none that can be read."""
    found, begun = [], 0
    for start, end in _joints(text):
        found.append(text[begun:start].strip())
        begun = end
    found.append(text[begun:].strip())
    return tuple(term for term in found if term)


def with_term(text: str, term: str) -> str:
    """The filter, and this term."""
    kept = terms(text)
    return " AND ".join(kept if term in kept else (*kept, term))


def without_term(text: str, term: str) -> str:
    """The filter without this term."""
    return " AND ".join(each for each in terms(text) if each != term)


def _joints(text: str) -> Iterator[tuple[int, int]]:
    """Where terms are joined: from and to where the word and the spaces around it go."""
    depth, quote, at = 0, "", 0
    while at < len(text):
        sign = text[at]
        if quote:
            if sign == "\\":
                at += 1
            elif sign == quote:
                quote = ""
        elif sign in "\"'":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif depth == 0 and (found := _AND.match(text, at)):
            yield found.span()
            at = found.end()
            continue
        at += 1
