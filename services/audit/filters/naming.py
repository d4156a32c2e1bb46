"""What is said of a name in a filter that there is not, or that stands alone. Pure."""

from typing import Final

from lark import Token

from services.audit.filters.fields import FIELDS, MEMBERS
from services.audit.filters.filter_texts import Key, Mistake
from services.audit.filters.functions import FUNCTIONS
from services.audit.filters.habits import check_quotes
from services.audit.filters.suggesting import nearest
from services.audit.filters.values import mistaken, short

_JOINING: Final = frozenset({"AND", "OR", "NOT"})
_OPERATORS: Final = {"&&": "AND", "||": "OR", "&": "AND", "|": "OR"}
_FRENCH: Final = {"ET": "AND", "OU": "OR", "NON": "NOT"}
_HAS: Final = frozenset({"has", "exists", "isset", "defined"})
_VALUES: Final = {member: name for name in ("verdict", "state", "operation") for member in MEMBERS[FIELDS[name].kind]}
"""Values that look like words to search for behind an OR: "verdict = DENY OR HOLD"."""
_MAIN: Final = (
    *("tenant", "agent", "method", "operation", "subject", "channel", "verdict", "reason", "rule", "limit"),
    *("model_version", "route", "latency", "receive_time"),
)
"""Fields that are named to somebody who has named one that there is not."""


def unknown_field(name: str, *, line: int = 1, column: int = 1) -> Mistake:
    """The mistake of naming a field that there is not."""
    near = nearest(name, tuple(FIELDS))
    if near:
        return Mistake("near", line=line, column=column, what=Key("field"), name=short(name), near=near)
    return Mistake("unknown-field", line=line, column=column, name=short(name), known=_MAIN)


def unknown_function(token: Token, first: str = "") -> Mistake:
    """The mistake of calling what is no function: `token` is its name, `first` what it is called with."""
    name = str(token).removesuffix("(")
    if name.upper() in _JOINING:
        return mistaken("capitals", token, word=name, wanted=name.upper())
    if name in FIELDS:
        return mistaken("alone", token, name=name)
    if name.lower() in _HAS and first in FIELDS:
        return mistaken("unknown-has", token, name=name, near=first)
    near = nearest(name, tuple(FUNCTIONS))
    code = "near" if near else "unknown"
    return mistaken(code, token, what=Key("function"), name=short(name), near=near, known=tuple(sorted(FUNCTIONS)))


def check_word(token: Token) -> None:
    """That a word without quotes is one to search for.

    Raises:
        Mistake: it means something else, here or elsewhere.
    """
    word = str(token)
    if word.upper() in _JOINING:
        raise mistaken("capitals", token, word=word, wanted=word.upper())
    if word in _OPERATORS:
        raise mistaken("operator", token, word=word, wanted=_OPERATORS[word])
    if word.upper() in _FRENCH:
        raise mistaken("operator-word", token, word=word, wanted=_FRENCH[word.upper()])
    if word in FIELDS:
        raise mistaken("alone", token, name=word, end=token.end_pos)
    if word in FUNCTIONS:
        raise mistaken("alone-function", token, name=word, usage=FUNCTIONS[word].usage)
    if word in _VALUES:
        raise mistaken("alone-value", token, name=_VALUES[word], value=word)
    check_quotes(token)
