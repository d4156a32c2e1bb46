"""A sentence in words, as one text or slot by slot."""

import re
from typing import Any, Final, NamedTuple

from gateway.core.texts import typeset
from services.sentences.kinds import Sentence, kind_of
from services.sentences.pattern import Group, Part, Slot, Words, default, pattern
from services.sentences.slots import slot_type

_MARK: Final = {"en": re.compile(r" +(?=[,.;])"), "fr": re.compile(r" +(?=[,.])|(?<=[’']) +")}
_ONE: Final = re.compile(r"(?<![\w.,:])(1 (?:[\w.-]+ )?)(messages|calls|reads|changes|contacts|deletions|predictions"
                         r"|appels|lectures|modifications|sollicitations|suppressions|prédictions)\b")  # fmt: skip


class Piece(NamedTuple):
    """A part of a sentence as it is shown."""

    text: str
    slot: str = ""
    """The slot that says it; empty: words that are always the same."""
    type: str = ""


def say(sentence: Sentence, language: str) -> str:
    """The sentence in a language, with a full stop."""
    text = " ".join(piece.text for piece in pieces(sentence, language))
    return _whole(text, language)


def pieces(sentence: Sentence, language: str) -> tuple[Piece, ...]:
    """What is said, one after the other."""
    found: list[Piece] = []
    _say(pattern(kind_of(sentence), language), sentence, language, found)
    return tuple(found)


def _say(parts: tuple[Part, ...], sentence: Sentence, language: str, found: list[Piece]) -> None:
    for part in parts:
        if isinstance(part, Words):
            found.append(Piece(part.said[0]))
        elif isinstance(part, Slot):
            value: Any = getattr(sentence, part.name)
            found.append(Piece(slot_type(part.type).say(value, language), part.name, part.type))
        elif is_said(part, sentence):
            _say(part.parts, sentence, language, found)


def is_said(group: Group, sentence: Sentence) -> bool:
    """Whether a group is part of what is said."""
    value = getattr(sentence, group.slot)
    return group.always or (value is True if group.flag else value != default(kind_of(sentence), group.slot))


def _whole(text: str, language: str) -> str:
    text = re.sub(r" {2,}", " ", _MARK[language].sub("", text)).strip()
    text = _ONE.sub(lambda found: found[1] + found[2].removesuffix("s"), text)
    text = text[:1].upper() + text[1:] + "."
    return typeset(text) if language == "fr" else text
