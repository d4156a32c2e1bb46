"""What the YAML parsers say of a text that is none, as codes: the words of neither go on."""

import re
from typing import Any, Final

from yaml import YAMLError

from gateway.core.mistakes import Told, told

_KINDS: Final = (
    (r"undefined alias", "yaml-alias"),
    (r"duplicate anchor|second occurrence", "yaml-anchor-twice"),
    (r"another document", "yaml-documents"),
    (r"nesting depth|nested too deeply", "yaml-deep"),
    (r"cannot start any token", "yaml-start"),
    (r"mapping values are not allowed", "yaml-colon"),
    (r"could not find expected ':'", "yaml-no-colon"),
    (r"sequence entries are not allowed", "yaml-dash"),
    (r"mapping keys are not allowed", "yaml-question"),
    (r"unexpected end of stream|unexpected document", "yaml-unclosed"),
    (r"',' or '\]'", "yaml-list"),
    (r"',' or '\}'", "yaml-mapping"),
    (r"node content", "yaml-nothing"),
    (r"expected key|'-' indicator|<block end>", "yaml-indent"),
    (r"escape|hexdec", "yaml-escape"),
    (r"tab character", "yaml-tab"),
    (r"comment or |line break|chomping|indentation indicator", "yaml-block"),
    (r"document start|directive|YAML document|version number|digit or", "yaml-before"),
    (r"tag|URI|whitespace|'!'|'>'|alphabetic|alphanumeric", "yaml-tag"),
)
"""Parts of what the two parsers say, each in its own words, and what that is here; the first that fits counts."""
_PLACED: Final = ("yaml-start", "yaml-nothing")
"""Of these the sign that stands at the place is named."""


def yaml_mistake(error: YAMLError, text: str) -> tuple[Told, int, int]:
    """What is wrong with a text, and its line and column, from 1; 0 where it is not known."""
    mark: Any = getattr(error, "problem_mark", None)
    if mark is None:
        return _unreadable(text)
    line, column = mark.line + 1, mark.column + 1
    said = str(getattr(error, "problem", None) or getattr(error, "context", None) or "")
    code = next((code for part, code in _KINDS if re.search(part, said)), "yaml-wrong")
    lines = text.splitlines()
    sign = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
    if sign == "\t":
        return told("yaml-tab"), line, column
    if code in _PLACED:
        return (told(code, sign=sign) if sign else told("yaml-unclosed")), line, column
    return told(code), line, column


def _unreadable(text: str) -> tuple[Told, int, int]:
    """A sign that no YAML may hold; one parser counts in characters and the other in bytes, so it is looked for."""
    position = next((place for place, sign in enumerate(text) if _forbidden(sign)), None)
    if position is None:
        return told("yaml-wrong"), 0, 0
    before = text[:position]
    sign = f"U+{ord(text[position]):04X}"
    return told("yaml-control", sign=sign), before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def _forbidden(sign: str) -> bool:
    code = ord(sign)
    printable = sign in "\t\n\r\x85" or 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xD7FF
    return not (printable or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF)
