"""Where in a policy somebody types, told from lines that need not be YAML yet: by indentation, dashes and brackets."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_KEY: Final = re.compile(r"( *)((?:- +)*)([A-Za-z_][\w-]*|'[^']*'|\"[^\"]*\")\s*:(?:\s+(.*))?$")
_DASH: Final = re.compile(r"( *)((?:- +)+|-$)(.*)$")


class Cursor(NamedTuple):
    """What is typed."""

    path: tuple[str, ...]
    """Keys from the document on, with "[]" for an element of a list."""
    key: bool
    """Whether it is the key of a mapping at `path`, or else a value there."""
    typed: str
    """What stands there already, up to the cursor."""
    siblings: frozenset[str]
    """Of a key: those that the mapping has already."""
    first: int = 0
    """The line, from 0, in which the part of a section begins that holds it all."""


class _Line(NamedTuple):
    dash: int
    """Column of its last dash; -1 where it has none."""
    column: int
    """Of its key, or of what it says."""
    key: str
    value: str


def cursor(lines: list[str], *, line: int, column: int) -> Cursor:
    """What is typed at a place; lines and columns count from 1."""
    row = min(max(line, 1), len(lines)) - 1
    before = lines[row][: max(0, column - 1)]
    here = _read(before) or _Line(-1, len(before) - len(before.lstrip(" ")), "", before.strip())
    path, siblings, first = _above(lines, row, here)
    if here.dash >= 0:
        path = (*path, "[]")
    if not here.key:
        found = _within(here.value, path)
        if found is not None:
            return found._replace(first=first)
        siblings |= _below(lines, row, here)
        return Cursor(path, True, here.value, siblings, first)  # noqa: FBT003
    found = _within(here.value, (*path, here.key))
    if found is not None:
        return found._replace(first=first)
    return Cursor((*path, here.key), False, here.value, frozenset(), first)  # noqa: FBT003


def _read(text: str) -> _Line | None:
    match = _KEY.match(text)
    if match:
        indent, dashes = len(match[1]), match[2]
        dash = indent + dashes.rindex("-") if dashes else -1
        return _Line(dash, indent + len(dashes), match[3].strip("'\""), (match[4] or "").lstrip())
    match = _DASH.match(text)
    if match:
        indent = len(match[1])
        return _Line(indent + match[2].rindex("-"), indent + len(match[2]), "", match[3])
    return None


def _above(lines: list[str], row: int, here: _Line) -> tuple[tuple[str, ...], frozenset[str], int]:
    """The path that leads to a line, the keys beside its own, and the line where the part begins."""
    path: list[str] = []
    siblings: set[str] = set()
    column, item, nearest, first = (here.dash, True, False, row) if here.dash >= 0 else (here.column, False, True, row)
    for at in range(row - 1, -1, -1):
        if column == 0 and not item:
            break
        text = lines[at]
        line = _read(text) if text.strip() and not text.lstrip().startswith("#") else None
        if line is None:
            continue
        if item:
            if line.key and (line.column < column or (line.column == column and line.dash < 0)):
                path.insert(0, line.key)
                column, item, nearest = line.column, False, False
                first = at if column else first
            else:
                continue
        elif line.key and line.column == column:
            if nearest:
                siblings.add(line.key)
        elif line.key and line.column < column:
            path.insert(0, line.key)
            column, nearest = line.column, False
            first = at if column else first
        else:
            continue
        if line.dash >= 0:
            path.insert(0, "[]")
            column, item, nearest, first = line.dash, True, False, at
    return tuple(path), frozenset(siblings), first


def _below(lines: list[str], row: int, here: _Line) -> frozenset[str]:
    """The keys that follow in the same mapping."""
    found: set[str] = set()
    for text in lines[row + 1 :]:
        if not text.strip():
            continue
        line = _read(text)
        indent = len(text) - len(text.lstrip(" "))
        if indent < here.column:
            break
        if line is not None and line.key and line.column == here.column and line.dash < 0:
            found.add(line.key)
    return frozenset(found)


def _within(value: str, path: tuple[str, ...]) -> Cursor | None:
    """Where in brackets that are open at the end of a line somebody types; `None` where none are."""
    brackets = _Brackets(value, path)
    for at, char in brackets.outside_quotes():
        if char in "{[" and not value[brackets.begun : at].strip():
            brackets.open(char)
        elif not brackets.stack:
            return None
        elif char in "}]":
            brackets.stack.pop()
        elif char == ",":
            brackets.stack[-1] = brackets.stack[-1]._replace(key="")
        elif char == ":" and brackets.stack[-1].kind == "{" and value[at + 1 : at + 2] in (" ", ""):
            brackets.keyed(value[brackets.begun : at].strip().strip("'\""))
        else:
            continue
        brackets.begun = at + 1
    return brackets.here()


class _Bracket(NamedTuple):
    kind: str
    path: tuple[str, ...]
    keys: frozenset[str] = frozenset()
    key: str = ""
    """Whose value comes; empty: a key does."""


class _Brackets:
    """The brackets that are open so far in a text, and what they mean."""

    def __init__(self, value: str, path: tuple[str, ...]) -> None:
        self._value = value
        self._path = path
        self.stack: list[_Bracket] = []
        self.begun = 0
        """Where what is typed last begins."""

    def outside_quotes(self) -> Iterator[tuple[int, str]]:
        """Each character that is within no quotes, and its place."""
        quote, escaped = "", False
        for at, char in enumerate(self._value):
            if quote:
                quote = "" if char == quote and not escaped else quote
                escaped = char == "\\" and quote == '"' and not escaped
            elif char in "'\"" and not self._value[self.begun : at].strip():
                quote = char
            else:
                yield at, char

    def open(self, kind: str) -> None:
        """A bracket opens."""
        below = self._path
        if self.stack:
            last = self.stack[-1]
            below = (*last.path, last.key) if last.key else last.path
        self.stack.append(_Bracket(kind, (*below, "[]") if kind == "[" else below))

    def keyed(self, key: str) -> None:
        """A key is complete."""
        last = self.stack[-1]
        self.stack[-1] = last._replace(key=key, keys=last.keys | {key})

    def here(self) -> Cursor | None:
        """What is typed at the end; `None` where no bracket is open."""
        if not self.stack:
            return None
        last, typed = self.stack[-1], self._value[self.begun :].lstrip()
        if last.kind == "{" and not last.key:
            return Cursor(last.path, True, typed, last.keys)  # noqa: FBT003
        return Cursor((*last.path, last.key) if last.key else last.path, False, typed, frozenset())  # noqa: FBT003
