"""Reads the AIP-160 filter of a request, and explains what is wrong with it. Pure."""

import re
from pathlib import Path
from typing import Final, cast

from lark import Lark, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from gateway.core.errors import CallEnded, Reason
from services.audit.filters.building import Build
from services.audit.filters.expression import Expression
from services.audit.filters.filter_texts import Key, Mistake, say
from services.audit.filters.values import short

MAX_CHARACTERS: Final = 4_000
MAX_DEPTH: Final = 50
"""Most parentheses within each other. Far below what Python's and SQLite's own recursion limits would allow."""

_PARENTHESES: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()]""", re.DOTALL)
_TOKENS: Final = {
    "WORD": Key("token-FIELD"),
    "COMPARATOR": Key("token-COMPARATOR"),
    "VALUE": Key("token-VALUE"),
    "ARGUMENT": Key("token-VALUE"),
    "STRING": Key("token-VALUE"),
    "_AND": "AND",
    "_OR": "OR",
    "_NOT": "NOT",
    "_MINUS": "-",
    "_COMMA": ",",
    "LPAR": "(",
    "RPAR": ")",
    "$END": Key("token-END"),
}
"""What a mistake calls the terminals of the grammar; those that are missing are not worth naming."""
_BESIDES: Final = {"LPAR", "_MINUS", "_NOT", "STRING"}


def parse(text: str, *, language: str = "en") -> Expression:
    """The filter that `text` asks for; an empty text asks for everything.

    Raises:
        CallEnded: ARGUMENT_INVALID, with the place of the mistake and what to write instead, in `language` too.
    """
    try:
        return _parsed(text)
    except Mistake as mistake:
        raise _ended(mistake, language) from mistake


def _parsed(text: str) -> Expression:
    if len(text) > MAX_CHARACTERS:
        raise Mistake("long", length=len(text), most=MAX_CHARACTERS)
    _check_depth(text)
    try:
        # With a transformer inside, the parser returns what that built, not a tree.
        return cast(Expression, _parser.parse(text))
    except UnexpectedInput as error:
        raise _explained(error, text) from error
    except VisitError as error:
        raise error.orig_exc from error


def _check_depth(text: str) -> None:
    depth = 0
    for found in _PARENTHESES.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            line, column = _place(text, found.start())
            raise Mistake("deep", line=line, column=column, most=MAX_DEPTH)


def _explained(error: UnexpectedInput, text: str) -> Mistake:
    """What the parser found and what it would have taken."""
    at = error.pos_in_stream if error.pos_in_stream is not None else len(text)
    found: str = Key("token-END")
    names = set[str]()
    if isinstance(error, UnexpectedCharacters):
        found, names = text[at], set(error.allowed or ())
    elif isinstance(error, UnexpectedToken):
        names = set(error.accepts or error.expected)
        ended = error.token.type == "$END"
        at = len(text) if ended else at
        found = found if ended else str(error.token)
    line, column = _place(text, at)
    if found in {'"', "'"}:
        return Mistake("quote", line=line, column=column, quote=found)
    if found[:1] == "=" and text[:at].rstrip()[-1:] == "=":
        return Mistake("twice", line=line, column=column)
    word = re.match(r"\w+", text[at:])
    # Where a word or value may stand, much else may too, which would only be hard to read.
    names -= _BESIDES if names & {"WORD", "VALUE", "ARGUMENT"} else set()
    wanted = tuple(dict.fromkeys(text for name, text in _TOKENS.items() if name in names))
    return Mistake("expected", line=line, column=column, wanted=wanted, found=short(word[0] if word else found))


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column of a place, counted from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _ended(mistake: Mistake, language: str) -> CallEnded:
    line, column = str(mistake.line), str(mistake.column)
    said = {
        spoken: say("wrong", language=spoken, line=line, column=column, problem=mistake.text(spoken))
        for spoken in {"en", language}
    }
    return CallEnded(
        Reason.ARGUMENT_INVALID,
        said["en"],
        metadata={"line": line, "column": column, "mistake": mistake.code},
        violations=(("filter", said["en"]),),
        localized=None if language == "en" else (language, said[language]),
    )


_parser: Final = Lark(
    (Path(__file__).parent / "filter.lark").read_text(encoding="utf-8"), parser="lalr", transformer=Build()
)
