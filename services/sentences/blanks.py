"""A sentence as something to fill in: its words, and a blank for each slot, said or not yet."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from gateway.core.call import Operation
from services.sentences import kinds
from services.sentences.cursor import Cursor
from services.sentences.kinds import KINDS, Kind, Sentence, kind_of, made
from services.sentences.naming import CLOSED, KEYS, PICKED, Known, options
from services.sentences.pattern import Group, Part, Slot, Words, default, pattern
from services.sentences.saying import is_said
from services.sentences.slots import slot_type
from services.sentences.tokens import tokens
from services.sentences.words import WORDS

Control = Literal["words", "number", "choice", "checks", "text", "flag"]
_CHECKED: Final = {"any.verb": "verb", "any.noun": "noun", "any.plural": "plural", "choices.each": "each",
                   "tabled.basis": "basis"}  # fmt: skip
"""Types whose values are ticked: by table."""
_USUAL: Final = ("transactional", "legal")
_CONTACT: Final = (Operation.CONTACT,)
BEGUN: Final[Mapping[str, Kind]] = {
    "cap": kinds.Cap(max=2, period="7d", categories=("marketing",), exempt=_USUAL),
    "gap": kinds.Gap(gap="4h", categories=("marketing",), exempt=_USUAL),
    "repeat": kinds.Repeat(same="topic", max=1, period="30d", exempt=_USUAL),
    "never": kinds.Never(operations=_CONTACT, channels=("phone",)),
    "hold": kinds.Hold(operations=(Operation.DELETE,)),
    "may": kinds.May(operations=(Operation.READ,)),
    "only": kinds.Only(operations=_CONTACT, agents=("sales-bot",)),
    "redact": kinds.Redact(operations=(Operation.READ,), sensitivity="PERSONAL"),
    "hours": kinds.Hours(spans=(kinds.Span(start="09:00", end="20:00"),), days=kinds.DAYS[:5], fallback="Europe/Paris"),
    "consent": kinds.Consent(channels=("phone",), categories=("marketing",), silence="60d"),
    "after": kinds.After(within="1h", first=(Operation.READ,), then=_CONTACT),
    "limit": kinds.Limit(max=100, period="1h", operations=_CONTACT, by=("agent",)),
    "rate": kinds.Rate(rate=10, per="1s", by=("agent",)),
    "running": kinds.Running(at_once=20, by=("agent",)),
}
"""What a new sentence of a kind begins with."""


class Blank(msgspec.Struct, frozen=True, kw_only=True):
    """Words, or a blank."""

    control: Control
    text: str = ""
    """Words; or what stands in the blank."""
    slot: str = ""
    type: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Values and their words."""
    chosen: tuple[str, ...] = ()
    open: bool = False
    """Of ticks: whether something else may be typed beside them."""
    typed: str = ""
    """Of ticks: what stands there."""
    said: bool = True
    """Whether it is part of what the sentence says now."""
    label: str = ""
    """Of a blank: the words around it."""


class NotFilled(Exception):
    """Blanks that are not filled in well: by slot, or "" for the whole, what was expected there."""

    def __init__(self, wrong: Mapping[str, Sequence[str]]) -> None:
        super().__init__(", ".join(wrong))
        self.wrong: Final = wrong

    def __reduce__(self) -> tuple[Any, ...]:
        """It goes from one process to another."""
        return NotFilled, (self.wrong,)


def blanks(sentence: Sentence, language: str, *, names: Known) -> tuple[Blank, ...]:
    """The sentence from its first word to its last; what it does not say yet stands where it would be.

    `names` are those that may be ticked.
    """
    found: list[Blank] = []
    _blanks(pattern(kind_of(sentence), language), sentence, language, found, said=True)
    return tuple(_ticked(each, sentence, language, names) if each.slot in KEYS else each for each in found)


def _ticked(blank: Blank, sentence: Sentence, language: str, names: Known) -> Blank:
    """A blank for names as ticks, where there are any to choose from."""
    values = tuple(map(str, getattr(sentence, blank.slot)))
    choices = options(blank.slot, language, names=names, chosen=values)
    if not choices:
        return blank
    return msgspec.structs.replace(
        blank,
        control="checks",
        text=blank.text or slot_type(blank.type).say(values, language),
        options=choices,
        chosen=tuple(PICKED + each for each in values),
        open=blank.slot not in CLOSED,
    )


def filled(kind: str, language: str, fields: Mapping[str, Sequence[str]]) -> Kind:
    """The sentence that the blanks make, each with what was typed, chosen or ticked there.

    Raises:
        NotFilled: something that stands in a blank cannot stand there.
    """
    values: dict[str, Any] = {}
    wrong: dict[str, Sequence[str]] = {}
    if kind not in KINDS:
        raise NotFilled({"": tuple(KINDS)})
    for part in _slots(pattern(kind, language)):
        name = part if isinstance(part, str) else part.name
        given = [each.strip() for each in fields.get(name, ()) if each.strip()]
        if isinstance(part, str):
            values[name] = bool(given)
        elif given:
            _fill(part, given, language, values, wrong)
        elif default(kind, name) is NotImplemented:
            wrong[name] = _expected(part, "", language)
    if wrong:
        raise NotFilled(wrong)
    try:
        return made({"kind": kind, **msgspec.to_builtins(values)})
    except msgspec.ValidationError as error:
        raise NotFilled({"": (str(error),)}) from error


def _fill(
    slot: Slot, given: Sequence[str], language: str, values: dict[str, Any], wrong: dict[str, Sequence[str]]
) -> None:
    picked = tuple(each.removeprefix(PICKED) for each in given if each.startswith(PICKED))
    if picked and slot.name in KEYS:
        typed = [each for each in given if not each.startswith(PICKED)]
        if typed:
            _fill(slot, typed, language, values, wrong)
        values[slot.name] = tuple(dict.fromkeys((*picked, *values.get(slot.name, ()))))
    elif slot.type in _CHECKED:
        values[slot.name] = tuple(given)
    elif slot.type.startswith("choice."):
        values[slot.name] = given[0]
    else:
        cursor = Cursor(tokens(given[0]), language)
        whole = [value for value, end in slot_type(slot.type).read(cursor, 0) if cursor.over(end)]
        if whole:
            values[slot.name] = whole[0]
        else:
            wrong[slot.name] = _expected(slot, given[0], language)


def _expected(slot: Slot, text: str, language: str) -> tuple[str, ...]:
    cursor = Cursor(tokens(text), language)
    for _ in slot_type(slot.type).read(cursor, 0):
        pass
    return tuple(cursor.expected)[:6]


def _slots(parts: tuple[Part, ...]) -> list[Slot | str]:
    """All slots; of a flag its name alone."""
    found: list[Slot | str] = []
    for part in parts:
        if isinstance(part, Slot):
            found.append(part)
        elif isinstance(part, Group):
            found += [part.flag] if part.flag else _slots(part.parts)
    return found


def _blanks(parts: tuple[Part, ...], sentence: Sentence, language: str, found: list[Blank], *, said: bool) -> None:
    for place, part in enumerate(parts):
        if isinstance(part, Words):
            found.append(Blank(control="words", text=part.said[0], said=said))
        elif isinstance(part, Group):
            inside = said and is_said(part, sentence)
            if part.flag:
                words = " ".join(each.said[0] for each in part.parts if isinstance(each, Words))
                chosen = ("on",) if getattr(sentence, part.flag) else ()
                found.append(
                    Blank(control="flag", slot=part.flag, chosen=chosen, said=inside, label=words.lstrip(",; "))
                )
            else:
                _blanks(part.parts, sentence, language, found, said=inside)
        else:
            found.append(_blank(part, getattr(sentence, part.name), language, said=said, label=_label(parts, place)))


def _label(parts: tuple[Part, ...], place: int) -> str:
    """The words before a slot, of its own group; behind it where there are none."""
    around = [*reversed(parts[:place]), *parts[place + 1 :]]
    return next((each.said[0].lstrip(",; ") for each in around if isinstance(each, Words)), "…")


def _blank(slot: Slot, value: Any, language: str, *, said: bool, label: str) -> Blank:
    empty = value in ((), "", None)
    if slot.type in _CHECKED or slot.type.startswith("choice."):
        table = _CHECKED.get(slot.type) or slot.type.partition(".")[2]
        options = tuple((each, words[0]) for each, words in WORDS[language][table].items())
        several = slot.type in _CHECKED
        plain = msgspec.to_builtins(value)
        chosen = tuple(map(str, plain)) if several else () if empty else (str(plain),)
        text = (
            slot_type(slot.type).say(value, language) if several and (not empty or slot.type.startswith("any.")) else ""
        )
        control: Control = "checks" if several else "choice"
        return Blank(
            control=control,
            text=text,
            slot=slot.name,
            type=slot.type,
            options=options,
            chosen=chosen,
            said=said,
            label=label,
        )
    text = "" if empty and not said else slot_type(slot.type).say(value, language)
    number = slot.type == "count"
    return Blank(
        control="number" if number else "text", text=text, slot=slot.name, type=slot.type, said=said, label=label
    )
