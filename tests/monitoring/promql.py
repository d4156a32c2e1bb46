"""What a query in PromQL asks for: metrics with their matchers, and the labels that it groups by.

Strict: what is not known here is a failure, so that a misspelt function is found too.
"""

import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>\d+(?:\.\d+)?(?:ms|[smhdwy])?)|(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)"""
    r"""|(?P<op>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){}\[\],])|(?P<space>\s+)"""
)
_FUNCTIONS: Final = {
    *("sum", "max", "min", "count", "avg", "rate", "increase", "delta", "deriv", "histogram_quantile", "absent"),
    *("label_values",),
}
_GROUPING: Final = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS: Final = {"and", "or", "unless", "bool", "offset"}


class Selector(NamedTuple):
    """One metric that is asked for."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]
    """Label, operator and value."""


class Query(NamedTuple):
    """What is asked for."""

    selectors: tuple[Selector, ...]
    grouped: frozenset[str]


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(f"{text[place : place + 20]!r} is no PromQL")
            if match.lastgroup != "space":
                self.tokens.append((str(match.lastgroup), match[0]))
            place = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> tuple[str, str]:
        kind, token = self.tokens[self.at]
        if wanted and token != wanted:
            raise ValueError(f"{token!r} stands where {wanted!r} must be")
        self.at += 1
        return kind, token

    def labels(self) -> list[str]:
        self.take("(")
        found = []
        while self.peek() != ")":
            kind, token = self.take()
            if kind == "name":
                found.append(token)
            elif token != ",":
                raise ValueError(f"{token!r} is no label")
        self.take(")")
        return found

    def matchers(self) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = []
        if self.peek() != "{":
            return found
        self.take("{")
        while self.peek() != "}":
            (_, label), (_, operator), (kind, value) = self.take(), self.take(), self.take()
            if kind != "text" or operator not in ("=", "!=", "=~", "!~"):
                raise ValueError(f"{label}{operator}{value} is no matcher")
            found.append((label, operator, value[1:-1]))
            if self.peek() == ",":
                self.take(",")
        self.take("}")
        return found


def read(text: str) -> Query:
    """The query.

    Raises:
        ValueError: it holds what is not known here.
    """
    reader, selectors, grouped, depth = _Reader(text), [], set(), 0
    while reader.peek():
        kind, token = reader.take()
        depth += (token in "([") - (token in ")]") if kind == "op" else 0
        if kind != "name" or token in _WORDS:
            continue
        if token in _GROUPING:
            grouped |= set(reader.labels())
        elif reader.peek() == "(" or reader.peek() in _GROUPING:
            if token not in _FUNCTIONS:
                raise ValueError(f"{token} is no function that is known here")
        else:
            selectors.append(Selector(token, tuple(reader.matchers())))
    if depth:
        raise ValueError("brackets do not match")
    return Query(tuple(selectors), frozenset(grouped))
