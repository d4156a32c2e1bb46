"""What is wrong with a filter, and where within what somebody wrote. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

_WORD: Final = re.compile(r"[\w.]+|\s*\S", re.UNICODE)


class Mistake(msgspec.Struct, frozen=True):
    """A mistake, with what stands before it, at it and after it."""

    text: str
    before: str = ""
    at: str = ""
    after: str = ""
    column: int = 0
    """From 1; 0 where it has no place."""


def mistake_in(written: str, mistakes: Iterable[Mapping[str, Any]]) -> Mistake | None:
    """The first of a problem's mistakes that is about the filter `written`, which is one line; `None` for none."""
    for each in mistakes:
        if each.get("path") != "filter":
            continue
        text, line, column = str(each.get("problem", "")), each.get("line", 0), each.get("column", 0)
        if line != 1 or not 1 <= column <= len(written) + 1:
            return Mistake(text)
        found = _WORD.match(written, column - 1)
        end = found.end() if found else column - 1
        return Mistake(text, written[: column - 1], written[column - 1 : end], written[end:], column)
    return None
