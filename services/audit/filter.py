"""Reads the AIP-160 filter of a request, and explains what is wrong with it. Pure."""

import difflib
import re
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError
from lark.visitors import v_args

from gateway.core.errors import CallEnded, Reason
from services.audit.entries import LARGEST
from services.audit.expression import EVERYTHING, FIELDS, All, Comparison, Expression, Field, Kind, Not, Some

MAX_CHARACTERS: Final = 4_000
MAX_DEPTH: Final = 50
"""Most parentheses within each other. Far below what Python's and SQLite's own recursion limits would allow."""

_PARENTHESES: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()]""", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ID: Final = re.compile(r"decisions/([0-9a-f]{32})")
# fromisoformat alone takes much more than RFC 3339 has: weeks, dates without a time, times without an offset.
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
# Both the words of the design and the names of the contract's enums are understood.
_ENUM_PREFIX: Final = re.compile(r"^(VERDICT|DECISION_STATE|OPERATION)_")
_MEMBERS: Final = {
    kind: frozenset(re.findall(r"[A-Z_]{4,}", kind.value)) for kind in (Kind.VERDICT, Kind.STATE, Kind.OPERATION)
}
_WORDS: Final = {
    "_AND": "AND",
    "_OR": "OR",
    "_NOT": "NOT",
    "_MINUS": "-",
    "FIELD": "a field",
    "COMPARATOR": "one of = != < <= > >=",
    "STRING": "a value",
    "BARE": "a value",
    "LPAR": "(",
    "RPAR": ")",
    "$END": "the end",
}


def parse(text: str) -> Expression:
    """The filter that `text` asks for; an empty text asks for everything.

    Raises:
        CallEnded: ARGUMENT_INVALID, with the line and column of the mistake and what was expected there.
    """
    if len(text) > MAX_CHARACTERS:
        _refuse(f"The filter has {len(text)} characters; at most {MAX_CHARACTERS} are taken.")
    _check_depth(text)
    try:
        # With a transformer inside, the parser returns what that built, not a tree.
        return cast(Expression, _parser.parse(text))
    except UnexpectedInput as error:
        _refuse(_explained(error, text), line=error.line, column=error.column)
    except VisitError as error:
        raise error.orig_exc from error


class _Build(Transformer[Token, Expression]):
    """Turns what the grammar found into values, while it is found: no recursion, however long the text is."""

    def start(self, parts: list[Expression]) -> Expression:
        return parts[0] if parts else EVERYTHING

    def conjunction(self, parts: list[Expression]) -> Expression:
        return All(tuple(parts))

    def disjunction(self, parts: list[Expression]) -> Expression:
        return Some(tuple(parts))

    def negation(self, parts: list[Expression]) -> Expression:
        return Not(parts[0])

    @v_args(inline=True)
    def comparison(self, name: Token, comparator: Token, value: Token) -> Expression:
        field = FIELDS.get(name)
        if field is None:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(sorted(FIELDS))}."
            _refuse_at(name, f"There is no field {_short(name)}.{hint}")
        if comparator not in field.comparators:
            _refuse_at(comparator, f"{field.name} is compared with = or != only.")
        return Comparison(field, str(comparator), _value(field, value))


def _value(field: Field, token: Token) -> str | int:
    """The token's value in the field's type."""
    text = _ESCAPED.sub(r"\1", token[1:-1]) if token.type == "STRING" else str(token)
    value = _typed(field.kind, text)
    if value is None:
        _refuse_at(token, f"{field.name} is {field.kind.value}, not {_short(text)}.")
    return value


def _typed(kind: Kind, text: str) -> str | int | None:
    match kind:
        case Kind.NUMBER:
            return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else None
        case Kind.TIME:
            return _time_us(text)
        case Kind.NAME:
            found = _ID.fullmatch(text)
            return found[1] if found else None
        case Kind.VERDICT | Kind.STATE | Kind.OPERATION:
            member = _ENUM_PREFIX.sub("", text)
            return member if member in _MEMBERS[kind] else None
        case Kind.TEXT | Kind.SUBJECT | Kind.RULE:
            return text


def _time_us(text: str) -> int | None:
    """Microseconds since the epoch; `None` when it is no RFC 3339 time. What is finer than microseconds is cut off."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        time_us = round(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        return None
    return min(max(time_us, 0), LARGEST * 1_000)


def _check_depth(text: str) -> None:
    depth = 0
    for found in _PARENTHESES.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, found.start()) + 1
            column = found.start() - text.rfind("\n", 0, found.start())
            _refuse(f"At most {MAX_DEPTH} parentheses may stand within each other.", line=line, column=column)


def _explained(error: UnexpectedInput, text: str) -> str:
    """What the parser found and what it would have taken, in words."""
    found, names = "the end", set[str]()
    if isinstance(error, UnexpectedCharacters):
        found, names = text[error.pos_in_stream or 0], set(error.allowed or ())
    elif isinstance(error, UnexpectedToken):
        names = set(error.accepts or error.expected)
        found = found if error.token.type == "$END" else str(error.token)
    wanted = sorted({_WORDS[name] for name in names if name in _WORDS})
    if found.upper() in {"AND", "OR", "NOT"} and found.upper() != found:
        return f"{found} is written in capitals: {found.upper()}."
    return f"Expected {', '.join(wanted)} but found {_short(found)}."


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


def _refuse_at(token: Token, text: str) -> NoReturn:
    _refuse(text, line=token.line or 1, column=token.column or 1)


def _refuse(text: str, *, line: int = 1, column: int = 1) -> NoReturn:
    message = f"The filter is wrong at line {line}, column {column}: {text}"
    raise CallEnded(
        Reason.ARGUMENT_INVALID,
        message,
        metadata={"line": str(line), "column": str(column)},
        violations=(("filter", message),),
    )


_parser: Final = Lark(
    (Path(__file__).parent / "filter.lark").read_text(encoding="utf-8"), parser="lalr", transformer=_Build()
)
