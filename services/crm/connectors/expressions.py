"""JMESPath in the texts of a descriptor: compiled once, filled in for each request."""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeGuard
from urllib.parse import quote

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

_IN_PATH: Final = re.compile(r"\{([^{}]*)\}")
_MENTIONS: Final = re.compile(r"\b(?:filter|words|request)\.([a-z_]+)")


class Unfit(Exception):
    """An expression does not fit what it was given. Says which one, never what it was given."""


class _Functions(functions.Functions):  # type: ignore[misc, unused-ignore]
    """Functions beyond JMESPath's own."""

    @functions.signature({"types": ["string", "null"]}, {"types": ["string"]})
    def _func_split(self, text: str | None, separator: str) -> list[str]:
        return (text or "").split(separator)

    @functions.signature({"types": ["string", "null"]}, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, text: str | None, old: str, new: str) -> str:
        return (text or "").replace(old, new)

    @functions.signature({"types": ["string", "null"]})
    def _func_lower(self, text: str | None) -> str:
        return (text or "").lower()

    @functions.signature({"types": ["string", "null"]})
    def _func_html(self, text: str | None) -> str:
        return html.escape(text or "")

    @functions.signature({"types": ["string", "null"]})
    def _func_soql(self, text: str | None) -> str:
        """A literal of SOQL: quoted, so that what somebody searches for never becomes part of the query."""
        escaped = (text or "").replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
        return f"'{escaped}'"


_OPTIONS: Final = jmespath.Options(custom_functions=_Functions())


class Expression:
    """One JMESPath expression.

    Raises:
        ValueError: it is none.
    """

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._compiled: Any = jmespath.compile(text)
        except (JMESPathError, RecursionError) as error:
            raise ValueError(text) from error

    def __call__(self, value: object) -> Any:
        """What it gives for that value.

        Raises:
            Unfit: it cannot be evaluated on it.
        """
        try:
            return self._compiled.search(value, options=_OPTIONS)
        except (JMESPathError, TypeError, ValueError, RecursionError) as error:
            raise Unfit(self.text) from error


Filled = Callable[[Mapping[str, Any]], Any]


def template(value: object) -> Filled:
    """What fills in a body, a query or headers: a text with `=` before it is an expression, all else stays as it is.

    A member whose expression gives null is left out. `=` alone stays as it is.

    Raises:
        ValueError: with the expression that is none.
    """
    if _is_expression(value):
        return Expression(value[1:])
    if isinstance(value, Mapping):
        members = {str(key): template(each) for key, each in value.items()}
        return lambda context: {
            key: filled for key, member in members.items() if (filled := member(context)) is not None
        }
    if isinstance(value, list):
        parts = [template(each) for each in value]
        return lambda context: [part(context) for part in parts]
    return lambda _: value


def path_template(text: str) -> Callable[[Mapping[str, Any]], str]:
    """What fills in a path: each `{expression}` gives one segment, escaped; null or nothing ends with `Unfit`.

    Raises:
        ValueError: with the expression that is none.
    """
    parts = _IN_PATH.split(text)
    expressions = [Expression(part) for part in parts[1::2]]

    def fill(context: Mapping[str, Any]) -> str:
        found = list(parts)
        for index, expression in enumerate(expressions):
            value = expression(context)
            # A segment of dots would lead to another path than the descriptor names.
            if value in (None, "", ".", "..") or isinstance(value, (dict, list)):
                raise Unfit(expression.text)
            found[2 * index + 1] = quote(str(value), safe="")
        return "".join(found)

    return fill


def expressions_in(value: object) -> Iterator[str]:
    """Every expression in a template, and in the braces of a path."""
    if isinstance(value, str):
        if _is_expression(value):
            yield value[1:]
        else:
            yield from _IN_PATH.findall(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from expressions_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from expressions_in(each)


def _is_expression(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith("=") and value != "="  # alone it is an operator of the vendor's


def mentioned(*values: object) -> frozenset[str]:
    """Fields of the request that these templates look at."""
    return frozenset(name for value in values for text in expressions_in(value) for name in _MENTIONS.findall(text))
