"""Reads what a filter compares with: numbers, times, spans, names and texts with stars. Pure."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from lark import Token

from services.audit.entries import LARGEST
from services.audit.filters.fields import MEMBERS, Field, Kind
from services.audit.filters.filter_texts import Choice, Mistake
from services.audit.filters.known_values import KNOWN
from services.audit.filters.suggesting import nearest_member, nearest_value, span_meant

MOST_STARS: Final = 4
"""Most stars in a value: what comparing costs grows with each."""
_FEW: Final = 10
"""Most values of a closed list that a mistake names."""

_ID: Final = re.compile(r"decisions/([0-9a-f]{32})")
# fromisoformat alone takes much more than RFC 3339 has: weeks, dates without a time, times without an offset.
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
# Both the words of the design and the names of the contract's enums are understood.
_ENUM_PREFIX: Final = re.compile(r"^(VERDICT|DECISION_STATE|OPERATION)_")
_SPAN: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(us|ms|s|m|h|d)")
_UNITS_US: Final = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_PIECE: Final = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", re.DOTALL)


def typed(field: Field, token: Token) -> str | int:
    """The token's value in the field's type.

    Raises:
        Mistake: it has none.
    """
    pieces = pieces_of(token)
    text = "*".join(pieces)
    value = read(field.kind, text)
    if value is None:
        near = nearest_value(field, text)
        code = "value-near" if near else "value"
        if field.kind is Kind.TIME and not near:
            code, near = "value-time", span_meant(text, unit="h") or "24h"
        raise mistaken(code, token, name=field.name, kind=field.kind, value=short(text), near=near)
    _check_known(field, token, str(value))
    return value


def _check_known(field: Field, token: Token, value: str) -> None:
    """That a text which is one of a closed list is in it: another one would match nothing, without a word."""
    known = KNOWN.get(field.name, (value,))
    if value and value not in known:
        near = nearest_member(value, known)
        few = Choice(known) if len(known) <= _FEW else ()
        code = "member-near" if near else "member-few" if few else "member"
        raise mistaken(code, token, name=field.name, value=short(value), near=near, known=few)


def read(kind: Kind, text: str) -> str | int | None:
    """The value in the type of that kind; `None` when it has none."""
    match kind:
        case Kind.NUMBER:
            return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else None
        case Kind.TIME:
            return time_us(text)
        case Kind.DURATION:
            return span_us(text)
        case Kind.NAME:
            found = _ID.fullmatch(text)
            return found[1] if found else None
        case Kind.BOOL:
            return int(text == "true") if text in MEMBERS[kind] else None
        case Kind.VERDICT | Kind.STATE | Kind.OPERATION:
            member = _ENUM_PREFIX.sub("", text)
            return member if member in MEMBERS[kind] else None
        case Kind.TEXT | Kind.SUBJECT | Kind.RULE:
            return text


def pieces_of(token: Token) -> tuple[str, ...]:
    """The token's text, parted at its stars. A star, quote or backslash itself stands behind a backslash in quotes.

    Raises:
        Mistake: there are too many stars.
    """
    if token.type != "STRING":
        pieces = str(token).split("*")
    else:
        pieces = [""]
        for escaped, star, plain in _PIECE.findall(token[1:-1]):
            if star:
                pieces.append("")
            else:
                pieces[-1] += escaped or plain
    if len(pieces) > MOST_STARS + 1:
        raise mistaken("stars", token, most=MOST_STARS)
    return tuple(pieces)


def time_us(text: str) -> int | None:
    """Microseconds since the epoch; `None` when it is no RFC 3339 time. What is finer than microseconds is cut off."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        at_us = round(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        return None
    return min(max(at_us, 0), LARGEST * 1_000)


def span_us(text: str) -> int | None:
    """Microseconds; `None` when it is no span such as 200ms, 1.5s or 7d, or is finer than microseconds."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    exact = Decimal(found[1]) * _UNITS_US[found[2]]
    return min(int(exact), LARGEST * 1_000) if exact == int(exact) else None


def span_text(microseconds: int) -> str:
    """The span as `span_us` reads it, in the largest unit that holds it exactly."""
    unit = next(unit for unit in reversed(_UNITS_US) if microseconds % _UNITS_US[unit] == 0)
    return f"{microseconds // _UNITS_US[unit]}{unit}"


def mistaken(code: str, token: Token, **values: object) -> Mistake:
    """A mistake at the token."""
    return Mistake(code, line=token.line or 1, column=token.column or 1, **values)


def short(text: str) -> str:
    """The text, or its beginning where it is long."""
    return text if len(text) <= 40 else f"{text[:40]}..."
