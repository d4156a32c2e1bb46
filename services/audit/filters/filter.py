"""Reads the AIP-160 filter of a request, and explains what is wrong with it. Pure."""

from pathlib import Path
from typing import Final, cast

from lark import Lark, UnexpectedInput

from gateway.core.errors import CallEnded, Reason
from services.audit.filters.building import Build
from services.audit.filters.explaining import explained, opened, place, reread
from services.audit.filters.expression import Expression
from services.audit.filters.filter_texts import Mistake, say

MAX_CHARACTERS: Final = 4_000
MAX_DEPTH: Final = 50
"""Most parentheses within each other. Far below what Python's and SQLite's own recursion limits would allow."""


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
        raise explained(error, text) from error
    except Mistake as mistake:
        raise reread(mistake, text) from mistake


def _check_depth(text: str) -> None:
    for at, still in opened(text):
        if len(still) > MAX_DEPTH:
            line, column = place(text, at)
            raise Mistake("deep", line=line, column=column, most=MAX_DEPTH)


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
