"""Finds in the values of a filter what other languages have: their operators, quotes and lists. Pure.

Read as texts they would match nothing, without a word.
"""

from typing import Final

from lark import Token

from services.audit.filters.fields import MEMBERS, Field, Kind
from services.audit.filters.filter_texts import Mistake
from services.audit.filters.known_values import KNOWN
from services.audit.filters.values import mistaken, short

_LIKE: Final = frozenset({"~", "~~", "~*"})
_WHETHER: Final = {"TRUE": "something", **dict.fromkeys(("NULL", "NONE", "NIL", "FALSE"), "nothing")}
"""What asks elsewhere whether there is a value."""
_CURLED: Final = "“”„«»\u2018’\u201a\u2039\u203a"
"""Quotes of word processors, double and single."""


def check_value(field: Field, token: Token) -> None:
    """That a value without quotes is one.

    Raises:
        Mistake: it is what other languages have in its place.
    """
    if token.type == "STRING":
        return
    text = str(token)
    check_quotes(token)
    if text in _LIKE:
        raise mistaken("operator", token, word=text, wanted=":")
    sign = _listing(text, closed=field.kind in MEMBERS)
    if sign:
        raise Mistake("several", line=token.line or 1, column=(token.column or 1) + text.rindex(sign), sign=sign)
    texts = field.kind in {Kind.TEXT, Kind.RULE, Kind.SUBJECT}
    code = _WHETHER.get(text.upper(), "")
    if code and texts and text not in KNOWN.get(field.name, ()):
        raise mistaken(code, token, name=field.name, value=text)


def check_quotes(token: Token) -> None:
    """That no quotes of a word processor stand around it: they would be part of the text, which is hardly meant."""
    text = str(token)
    if text[0] in _CURLED or text[-1] in _CURLED:
        raise mistaken("quote-kind", token, wanted=f'"{short(text.strip(_CURLED))}"')


def _listing(text: str, *, closed: bool) -> str:
    """The sign that makes a list of the text; empty for none. `closed`: no value of the field has such a sign."""
    if text[-1] in ",;":
        return text[-1]
    if text[0] in "[{":
        return text[0]
    return next((sign for sign in ",;" if closed and sign in text), "")
