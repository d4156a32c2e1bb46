"""Templates, taken apart: words, slots and groups."""

import functools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from services.sentences.kinds import KINDS
from services.sentences.templates import TEMPLATES
from services.sentences.tokens import tokens

_PIECE: Final = re.compile(r"\{(?P<slot>\w+):(?P<type>[\w.]+)\}|\((?P<words>[^)]*)\)|(?P<open>\[[!?]?)|(?P<close>\])")
_FLAG: Final = re.compile(r"(\w+)")


class Words(NamedTuple):
    """Words that stand there, or one of several; the first are said."""

    said: tuple[str, ...]

    @property
    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """Each as its plain words."""
        return tuple(spelt(each) for each in self.said)


class Slot(NamedTuple):
    """What is chosen."""

    name: str
    type: str


class Group(NamedTuple):
    """Parts that are there together or not."""

    parts: tuple["Part", ...]
    flag: str = ""
    """The slot that is true where they are there."""
    always: bool = False
    """They are always said."""

    @property
    def slot(self) -> str:
        """The slot that says whether it is there."""
        return self.flag or next(part.name for part in self.parts if isinstance(part, Slot))


Part = Words | Slot | Group


@functools.cache
def spelt(text: str) -> tuple[str, ...]:
    """A text as its plain words."""
    return tuple(token.plain for token in tokens(text))


@functools.cache
def pattern(kind: str, language: str) -> tuple[Part, ...]:
    """A kind's template in a language."""
    return _parts(TEMPLATES[language][kind])


@functools.cache
def default(kind: str, slot: str) -> object:
    """What a slot has where nothing is said of it; `NotImplemented` where it must be said."""
    fields = {field.name: field for field in _fields(kind)}
    return NotImplemented if fields[slot].required else fields[slot].default


def walked(parts: tuple[Part, ...]) -> Iterator[Part]:
    """All parts, those of groups too."""
    for part in parts:
        yield part
        if isinstance(part, Group):
            yield from walked(part.parts)


def _fields(kind: str) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(KINDS[kind])


def _parts(template: str) -> tuple[Part, ...]:
    stack: list[list[Part]] = [[]]
    opened: list[str] = []
    at = 0
    for piece in _PIECE.finditer(template):
        _words(stack[-1], template[at : piece.start()])
        at = piece.end()
        if piece["slot"]:
            stack[-1].append(Slot(piece["slot"], piece["type"]))
        elif piece["words"] is not None:
            stack[-1].append(Words(tuple(piece["words"].split("|"))))
        elif piece["open"]:
            flag = ""
            if piece["open"] == "[?":
                found = _FLAG.match(template, at)
                assert found is not None  # noqa: S101 - templates are our own
                flag, at = found[0], found.end()
            opened.append(f"{piece['open']}{flag}")
            stack.append([])
        else:
            inner, kind = tuple(stack.pop()), opened.pop()
            stack[-1].append(Group(inner, flag=kind[2:], always=kind == "[!"))
    _words(stack[-1], template[at:])
    return tuple(stack[0])


def _words(parts: list[Part], text: str) -> None:
    if text.strip():
        parts.append(Words((text.strip(),)))
