"""The types of slots: how a value is said in a sentence, and which values may stand at a place of one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from services.sentences import things, times
from services.sentences.cursor import Cursor

Read = Iterator[tuple[Any, int]]
"""Values that may begin at a place, each with where it goes on; the longest first."""


class SlotType(NamedTuple):
    """One type."""

    say: Callable[[Any, str], str]
    read: Callable[[Cursor, int], Read]
    hint: str
    """A text of `services.sentences.texts` that says what goes there."""


def slot_type(name: str) -> SlotType:
    """The type of that name, as templates have it: "count", or one with a table of words, "any.channel"."""
    family, _, table = name.partition(".")
    if family in _FAMILIES:
        return _FAMILIES[family](table)
    return _TYPES[family]


def _listed(one: SlotType, *, joint: str = "or", any_: str = "") -> SlotType:
    """Several of a type; `any_` is the table of what is said where there are none."""

    def say(values: Sequence[Any], language: str) -> str:
        if not values and any_:
            return things.any_said(any_, language)
        return things.joined([one.say(each, language) for each in values], language, joint=joint)

    def read(cursor: Cursor, at: int) -> Read:
        yield from _several(cursor, at, one, joint)
        if any_:
            yield from (((), end) for end in cursor.any_of(at, things.any_spellings(any_, cursor.language)))

    return SlotType(say, read, one.hint)


def _several(cursor: Cursor, at: int, one: SlotType, joint: str) -> Read:
    for value, end in one.read(cursor, at):
        for after in things.joints(cursor, end, joint=joint):
            for rest, last in _several(cursor, after, one, joint):
                if value not in rest:
                    yield (value, *rest), last
        yield (value,), end


def _segments(role: str) -> SlotType:
    inner = _listed(SlotType(things.say_word, things.read_word, "segment"))

    def say(values: Sequence[str], language: str) -> str:
        return things.customers(values, inner.say(values, language), language, to=role == "to")

    def read(cursor: Cursor, at: int) -> Read:
        yield from things.read_customers(cursor, at, inner.read)
        yield from (((), end) for end in cursor.any_of(at, things.any_spellings("segment", cursor.language)))

    return SlotType(say, read, "segment")


def _table(table: str, *, free: bool) -> SlotType:
    return SlotType(
        lambda value, language: things.say_named(value, language, table=table, free=free),
        lambda cursor, at: things.read_named(cursor, at, table=table, free=free),
        table,
    )


def _any(table: str) -> SlotType:
    if table == "agent":
        return _listed(_FREE, any_="agent")
    return _listed(_table(table, free=table == "channel"), any_=table, joint="and" if table == "dimension" else "or")


def _by() -> SlotType:
    """What is counted apart: "for each agent and method", or "all together"."""
    inner = _listed(_table("dimension", free=False), joint="and")

    def say(values: Sequence[Any], language: str) -> str:
        if not values:
            return things.any_said("dimension", language)
        return f"{things.EACH[language][0]} {inner.say(values, language)}"

    def read(cursor: Cursor, at: int) -> Read:
        yield from (((), end) for end in cursor.any_of(at, things.any_spellings("dimension", cursor.language)))
        for begins in cursor.any_of(at, things.EACH[cursor.language]):
            yield from inner.read(cursor, begins)

    return SlotType(say, read, "dimension")


_FREE: Final = SlotType(things.say_name, things.read_name, "name")
_FAMILIES: Final[dict[str, Callable[[str], SlotType]]] = {
    "names": lambda table: _listed(_table(table, free=True) if table else _FREE),
    "any": _any,
    "only": lambda _: _listed(_FREE, any_="only"),
    "choice": lambda table: _table(table, free=False),
    "choices": lambda table: _listed(_table(table, free=False), joint="and"),
    "tabled": lambda table: _listed(_table(table, free=False)),
    "segments": _segments,
}
_TYPES: Final[dict[str, SlotType]] = {
    "count": SlotType(things.say_count, things.read_count, "count"),
    "times": SlotType(things.say_times, things.read_times, "count"),
    "by": _by(),
    "number": SlotType(things.say_number, things.read_number, "number"),
    "words": _listed(SlotType(things.say_word, things.read_word, "segment")),
    "text": SlotType(things.say_quoted, things.read_quoted, "text"),
    "texts": _listed(SlotType(things.say_is, things.read_is, "text"), joint="and"),
    "numbers": _listed(SlotType(things.say_compares, things.read_compares, "number"), joint="and"),
    "asks": _listed(SlotType(things.say_asks, things.read_asks, "number"), joint="and"),
    "methods": _listed(SlotType(things.say_method, things.read_method, "method")),
    "paths": _listed(SlotType(things.say_path, things.read_path, "path")),
    "duration": SlotType(times.say_duration, times.read_duration, "duration"),
    "period": SlotType(times.say_period, times.read_period, "duration"),
    "spans": SlotType(times.say_spans, times.read_spans, "time"),
    "days": SlotType(times.say_days, times.read_days, "day"),
    "country": SlotType(things.say_code, things.read_country, "country"),
    "place": SlotType(things.say_code, times.read_place, "zone"),
    "zone": SlotType(times.say_zone, times.read_zone, "zone"),
}
