"""What somebody types, as a sentence: case, accents, plurals, common synonyms and the order of parts do not matter."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from gateway.core.texts import LANGUAGES
from services.sentences.cursor import Cursor, TooTangled
from services.sentences.kinds import KINDS, Kind, made
from services.sentences.pattern import Group, Part, Slot, Words, default, pattern
from services.sentences.slots import slot_type
from services.sentences.texts import say as in_words
from services.sentences.tokens import tokens
from services.sentences.words import ANY

LONGEST: Final = 2_000
"""Characters of a sentence."""
MOST_SUGGESTED: Final = 12
_Values = Mapping[str, Any]


class Remark(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is wrong with a text, and where: from `start` to before `end`, in characters."""

    start: int
    end: int
    problem: str


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says."""

    sentence: Kind | None = None
    """`None` where it could not be understood: then there is a remark."""
    remarks: tuple[Remark, ...] = ()
    next: tuple[str, ...] = ()
    """What may stand where it could not be understood further, or could go on."""


def understand(text: str, language: str) -> Understood:
    """The sentence that a text says, in that language or in the other one."""
    if len(text) > LONGEST:
        return Understood(remarks=(Remark(start=LONGEST, end=len(text), problem=_problem("long", language)),))
    found = []
    for each in sorted(LANGUAGES, key=lambda one: one != language):
        followed, understood = _understood(text, each)
        if understood.sentence is not None:
            return understood
        found.append((followed, understood))
    return max(found, key=lambda pair: pair[0])[1]  # of both as far, that of the language


def _understood(text: str, language: str) -> tuple[int, Understood]:
    """How many words could be followed, and what was understood."""
    found = tokens(text)
    furthest, expected, wrong = 0, dict[str, None](), ""
    for kind in KINDS:
        cursor = Cursor(found, language)
        try:
            for values in _whole(cursor, kind):
                try:
                    sentence = made({"kind": kind, **msgspec.to_builtins(values)})
                except msgspec.ValidationError:
                    wrong = "contradicts"
                    continue
                return len(found), Understood(sentence=sentence, next=_further(cursor))
        except TooTangled:
            wrong = wrong or "tangled"
        # One name alone may begin a sentence about an agent; that it does is clear from the next word only.
        reached, wanted = (cursor.furthest, cursor.expected) if cursor.followed else (0, _beginning(kind, language))
        if reached > furthest:
            furthest, expected = reached, {}
        if reached == furthest:
            expected |= wanted
    suggested = tuple(expected)[:MOST_SUGGESTED]
    if wrong:
        remark = Remark(start=0, end=len(text), problem=_problem(wrong, language))
    elif furthest < len(found):
        there = found[furthest]
        remark = Remark(
            start=there.start,
            end=there.end,
            problem=_problem("odd", language, word=there.text, wanted=_listed(suggested)),
        )
    else:
        remark = Remark(start=len(text), end=len(text), problem=_problem("short", language, wanted=_listed(suggested)))
    return furthest, Understood(remarks=(remark,), next=suggested)


def _beginning(kind: str, language: str) -> dict[str, None]:
    """How sentences of a kind begin."""
    first = pattern(kind, language)[0]
    return {first.said[0] if isinstance(first, Words) else ANY[language]["agent"][0]: None}


def _whole(cursor: Cursor, kind: str) -> Iterator[_Values]:
    for end, values in _all(cursor, pattern(kind, cursor.language), 0, {}, kind):
        if cursor.over(end):
            yield values
        else:
            cursor.missed(end, ".")


def _all(cursor: Cursor, parts: tuple[Part, ...], at: int, values: _Values, kind: str) -> Iterator[tuple[int, _Values]]:
    """Where all these parts may end that begin there, with what their slots then have."""
    if not parts:
        yield at, values
        return
    first, *rest = parts
    if isinstance(first, Group):
        groups = list(_leading(parts))
        for end, found in _groups(cursor, groups, at, values, kind):
            yield from _all(cursor, parts[len(groups) :], end, found, kind)
        return
    for end, found in _one(cursor, first, at, values):
        yield from _all(cursor, tuple(rest), end, found, kind)


def _one(cursor: Cursor, part: Part, at: int, values: _Values) -> Iterator[tuple[int, _Values]]:
    if isinstance(part, Words):
        ends: dict[int, None] = {at: None} if part.said == (",",) else {}
        for said, spelling in zip(part.said, part.spellings, strict=True):
            end = cursor.words(at, spelling, said=said if said == part.said[0] else "")
            if end is not None:
                ends[end] = None
        yield from ((end, values) for end in sorted(ends, reverse=True))
    elif isinstance(part, Slot):
        for value, end in slot_type(part.type).read(cursor, at):
            yield end, {**values, part.name: value}


def _groups(cursor: Cursor, groups: list[Group], at: int, values: _Values, kind: str) -> Iterator[tuple[int, _Values]]:
    """Groups in any order, each at most once; what must be said is."""
    for place, group in enumerate(groups):
        said = {**values, group.flag: True} if group.flag else values
        for end, found in _all(cursor, group.parts, at, said, kind):
            yield from _groups(cursor, groups[:place] + groups[place + 1 :], end, found, kind)
    if all(default(kind, group.slot) is not NotImplemented for group in groups):
        yield at, values


def _leading(parts: tuple[Part, ...]) -> Iterator[Group]:
    for part in parts:
        if not isinstance(part, Group):
            return
        yield part


def _further(cursor: Cursor) -> tuple[str, ...]:
    """What could follow a sentence that is whole already."""
    if cursor.furthest < len(cursor.tokens):
        return ()
    return tuple(each for each in cursor.expected if each != ".")[:MOST_SUGGESTED]


def _listed(suggested: tuple[str, ...]) -> str:
    return ", ".join(suggested)


def _problem(code: str, language: str, **values: str) -> str:
    return in_words(f"not-understood-{code}", language=language, **values)
