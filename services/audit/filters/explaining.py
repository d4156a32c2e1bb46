"""What is said where the grammar of filters does not go on: what stands there, and what to write instead. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from services.audit.filters.filter_texts import Choice, Key, Mistake
from services.audit.filters.functions import FUNCTIONS
from services.audit.filters.naming import unknown_function
from services.audit.filters.values import short

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
    "_COMMA": Key("token-COMMA"),
    "LPAR": "(",
    "RPAR": ")",
    "$END": Key("token-END"),
}
"""What a mistake calls the terminals of the grammar; those that are missing are not worth naming."""
_BESIDES: Final = {"LPAR", "_MINUS", "_NOT", "STRING", "$END"}
_SIGNS: Final = {
    "==": "=", "===": "=", ":=": "=", "=>": ">=", "=<": "<=", "<>": "!=", "><": "!=", "=!": "!=", "!==": "!=",
    "::": ":", "!<": ">=", "!>": "<=",
}  # fmt: skip
_QUOTED: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)
_RUN: Final = re.compile(r"[=<>!:](?:\s*[=<>!:])*")
_PARENTHESES: Final = re.compile(rf"{_QUOTED.pattern}|[()]", re.DOTALL)
_CALLED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_INSTEAD: Final = {
    **dict.fromkeys(("is", "est", "equals", "eq"), "="),
    **dict.fromkeys(("like", "ilike", "matches", "has", "includes", "contains", "contient", "comme"), ":"),
    **dict.fromkeys(("after", "gt", "après", "over"), ">"),
    **dict.fromkeys(("before", "lt", "avant", "under"), "<"),
    "~": ":",
}
"""What stands between a field and a value elsewhere, and here."""


def place(text: str, at: int) -> tuple[int, int]:
    """Line and column of a place, counted from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def opened(text: str) -> Iterator[tuple[int, list[int]]]:
    """Every parenthesis outside of quotes, and where those stand that are open after it."""
    still: list[int] = []
    for found in _PARENTHESES.finditer(text):
        if found[0] == "(":
            still.append(found.start())
        elif found[0] == ")":
            del still[-1:]
        else:
            continue
        yield found.start(), still


def explained(error: UnexpectedInput, text: str) -> Mistake:
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
    return (
        _quote(text, at, found)
        or _sign(text, at)
        or _parenthesis(text, at, found, names=names)
        or _expected(text, at, found, names=names)
    )


def reread(mistake: Mistake, text: str) -> Mistake:
    """The mistake, or what is wrong behind a field that stands alone: a comparison by another language's words."""
    if mistake.code != "alone":
        return mistake
    end = mistake.values.get("end")
    found = re.compile(r"\s*(~|\w+)").match(text, end) if isinstance(end, int) else None
    word = found[1] if found is not None else ""
    if found is None or (word.lower() not in _INSTEAD and word.lower() not in {"in", "dans"}):
        return mistake
    line, column = place(text, found.start(1))
    if word.lower() in _INSTEAD:
        return Mistake("operator", line=line, column=column, word=word, wanted=_INSTEAD[word.lower()])
    return Mistake("arguments", line=line, column=column, name="in", usage=FUNCTIONS["in"].usage)


def _quote(text: str, at: int, found: str) -> Mistake | None:
    """A quote without another one."""
    if found not in {'"', "'"}:
        return None
    line, column = place(text, at)
    closes = re.search(r"[^\s()\"'<>=!:,]\Z", text[:at]) is not None
    return Mistake("quote-end" if closes else "quote", line=line, column=column, quote=found)


def _sign(text: str, at: int) -> Mistake | None:
    """A comparator, or a NOT, as other languages write it."""
    quoted = [(each.start(), each.end()) for each in _QUOTED.finditer(text)]
    for run in _RUN.finditer(text):
        if run.start() <= at < run.end() and not any(begin <= at < end for begin, end in quoted):
            sign = re.sub(r"\s", "", run[0])
            wanted = "NOT" if sign == "!" else _SIGNS.get(sign, "")
            line, column = place(text, run.start())
            return Mistake("operator", line=line, column=column, word=run[0], wanted=wanted) if wanted else None
    return None


def _parenthesis(text: str, at: int, found: str, *, names: set[str]) -> Mistake | None:
    """A parenthesis that is not closed, or closes none, or a call that is not written as its function is."""
    still: list[int] = []
    for each, opening in opened(text):
        if each >= at:
            break
        still = list(opening)
    if found == ")" and not still:
        line, column = place(text, at)
        return Mistake("closing", line=line, column=column)
    if not still:
        return None
    line, column = place(text, still[-1])
    called = _CALLED.search(text[: still[-1]])
    if at == len(text) and "RPAR" in names:
        return Mistake("open", line=line, column=column)
    return None if called is None else _call(text, called)


def _call(text: str, called: re.Match[str]) -> Mistake | None:
    """What is wrong with a call within which the grammar does not go on."""
    name = called[0]
    if name in {"AND", "OR", "NOT"}:
        return None
    line, column = place(text, called.start())
    if name in FUNCTIONS:
        return Mistake("arguments", line=line, column=column, name=name, usage=FUNCTIONS[name].usage)
    first = re.compile(r"\(\s*([A-Za-z_.]+)").match(text, called.end())
    return unknown_function(Token("FUNCTION", name, line=line, column=column), first[1] if first else "")


def _expected(text: str, at: int, found: str, *, names: set[str]) -> Mistake:
    """What may stand there."""
    line, column = place(text, at)
    word = re.match(r"\w+", text[at:])
    # Where a word or value may stand, much else may too, which would only be hard to read.
    names = names - _BESIDES if names & {"WORD", "VALUE", "ARGUMENT"} else names
    wanted = Choice(dict.fromkeys(text for name, text in _TOKENS.items() if name in names))
    return Mistake("expected", line=line, column=column, wanted=wanted, found=short(word[0] if word else found))
