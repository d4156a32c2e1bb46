"""Times in sentences: how long, at which hours, on which days, by whose clock."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from gateway.core.policy.vocabulary import Day
from services.sentences.cursor import Cursor
from services.sentences.kinds import DAYS, Span, Zone
from services.sentences.pattern import spelt
from services.sentences.things import joined, joints, read_count, say_code
from services.sentences.tokens import plain
from services.sentences.words import SINGULAR, WORDS

_GLUED: Final = re.compile(r"([1-9][0-9]{0,8})([A-Za-z]+)\Z")
_DURATION: Final = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)\Z")
_CLOCK: Final = re.compile(r"(\d{1,2})(?:[:hH](\d{2})?)?\Z")
_SUBJECT: Final = {
    "en": ("the customer’s clock", "their own clock", "their clock", "the customer’s own clock"),
    "fr": ("du client", "de leur pays", "locale"),
}
_CLOCK_OF: Final = {"en": "the clock of", "fr": "de"}
_OR_BETWEEN: Final = {"en": "or between", "fr": "ou entre"}
_AND: Final = {"en": "and", "fr": "et"}
_RANGE: Final = {"en": ("to", "through", "-"), "fr": ("à", "au", "-")}
_FROM: Final = {"en": ("from {} to {}", "on {}"), "fr": ("du {} au {}", "le {}")}
_ON: Final = {"en": ("on", "from"), "fr": ()}
_DAYS_OFF: Final[dict[str, dict[str, tuple[Day, ...]]]] = {
    "en": {"weekdays": DAYS[:5], "the weekend": DAYS[5:]},
    "fr": {"en semaine": DAYS[:5], "le week-end": DAYS[5:]},
}
Read = Iterator[tuple[Any, int]]


def say_duration(value: str, language: str) -> str:
    """A time: "7 days"."""
    found = _DURATION.match(value)
    if found is None:
        return value
    number, unit = found.groups()
    return f"{number} {SINGULAR[language][unit] if number == '1' else WORDS[language]['unit'][unit][0]}"


def read_duration(cursor: Cursor, at: int) -> Read:
    """A time: "7 days", "7d", "a week"."""
    for token, end in cursor.token(at):
        glued = None if token.quoted else _GLUED.match(token.text)
        for unit, words in WORDS[cursor.language]["unit"].items() if glued else ():
            if glued and plain(glued[2]) in map(plain, words):
                yield f"{glued[1]}{unit}", end
    for number, end in (*read_count(cursor, at), (1, at)):
        if not 1 <= number < 10**8:
            continue
        for unit, words in WORDS[cursor.language]["unit"].items():
            for after in {cursor.words(end, spelt(word)) for word in (*words, SINGULAR[cursor.language].get(unit, ""))}:
                if after is not None:
                    yield (f"{number * 7}d" if unit == "w" else f"{number}{unit}"), after
    cursor.missed(at, say_duration("7d", cursor.language))


def say_period(value: str, language: str) -> str:
    """A time that rolls, or a period of the calendar."""
    words = WORDS[language]["calendar"].get(value)
    return f"{'a' if language == 'en' else _a(words[0])} {words[0]}" if words else say_duration(value, language)


def _a(word: str) -> str:
    return "une" if word.startswith(("semaine", "année")) else "un"


def read_period(cursor: Cursor, at: int) -> Read:
    """A time that rolls, or a period of the calendar."""
    for value, words in WORDS[cursor.language]["calendar"].items():
        for word in words:
            end = cursor.words(at, spelt(word))
            if end is not None:
                yield value, end
    yield from read_duration(cursor, at)


def say_spans(value: Sequence[Span], language: str) -> str:
    """Hours of the day: "09:00 and 20:00"."""
    return f" {_OR_BETWEEN[language]} ".join(f"{each.start} {_AND[language]} {each.end}" for each in value)


def read_spans(cursor: Cursor, at: int) -> Read:
    """Hours of the day."""
    for start, end in _read_clock(cursor, at):
        then = cursor.words(end, (_AND[cursor.language],), said=_AND[cursor.language])
        if then is None:
            continue
        for until, last in _read_clock(cursor, then):
            if until <= start:
                continue
            more = cursor.words(last, spelt(_OR_BETWEEN[cursor.language]))
            if more is not None:
                for rest, after in read_spans(cursor, more):
                    yield (Span(start=start, end=until), *rest), after
            yield (Span(start=start, end=until),), last


def _read_clock(cursor: Cursor, at: int) -> Read:
    for token, end in cursor.token(at):
        found = None if token.quoted else _CLOCK.match(token.text)
        if found is not None:
            hour, minute = int(found[1]), int(found[2] or 0)
            behind = end
            if not found[2] and token.text.isdecimal():
                unit = cursor.words(end, ("h",))  # "9 h"
                behind = end if unit is None else unit
            if (hour < 24 and minute < 60) or (hour, minute) == (24, 0):
                yield f"{hour:02}:{minute:02}", behind
    cursor.missed(at, "09:00")


def say_days(value: Sequence[Day], language: str) -> str:
    """Days of the week: three and more in a row as a range."""
    places = [DAYS.index(each) for each in value]
    said = []
    for _, group in itertools.groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
        run = [WORDS[language]["day"][DAYS[place]][0] for _, place in group]
        whole, one = _FROM[language]
        said += [whole.format(run[0], run[-1])] if len(run) > 2 else [one.format(each) for each in run]
    return joined(said, language, joint="or")


def read_days(cursor: Cursor, at: int) -> Read:
    """Days of the week, in any order, each once in the value."""
    for days, end in _read_run(cursor, at):
        for after in joints(cursor, end, joint="or"):
            for rest, last in read_days(cursor, after):
                yield tuple(sorted({*days, *rest}, key=DAYS.index)), last
        yield days, end


def _read_run(cursor: Cursor, at: int) -> Read:
    begins = {at, *(end for word in _ON[cursor.language] if (end := cursor.words(at, (word,))) is not None)}
    for each in sorted(begins):
        for words, days in _DAYS_OFF[cursor.language].items():
            end = cursor.words(each, spelt(words))
            if end is not None:
                yield days, end
    for first, end in (found for each in sorted(begins) for found in _read_day(cursor, each)):
        if end < len(cursor.tokens) and cursor.tokens[end].plain in map(plain, _RANGE[cursor.language]):
            for last, after in _read_day(cursor, end + 1):
                from_, to = DAYS.index(first), DAYS.index(last)
                run = DAYS[from_ : to + 1] if from_ <= to else (*DAYS[: to + 1], *DAYS[from_:])
                yield run, after
        yield (first,), end


def _read_day(cursor: Cursor, at: int) -> Iterator[tuple[Day, int]]:
    for day in DAYS:
        for word in WORDS[cursor.language]["day"][day]:
            end = cursor.words(at, spelt(word))
            if end is not None:
                yield day, end
                break
    cursor.missed(at, WORDS[cursor.language]["day"]["mon"][0])


def say_zone(value: str, language: str) -> str:
    """Whose clock: the customer's, or that of a place."""
    if not value:
        return _SUBJECT[language][0]
    return f"{_CLOCK_OF[language]} {say_code(value, language)}"


def read_zone(cursor: Cursor, at: int) -> Read:
    """Whose clock."""
    yield from (("", end) for end in cursor.any_of(at, _SUBJECT[cursor.language]))
    begins = cursor.words(at, spelt(_CLOCK_OF[cursor.language]))
    yield from read_place(cursor, at if begins is None else begins)


def read_place(cursor: Cursor, at: int) -> Read:
    """A time zone by its name in the IANA database."""
    for token, end in cursor.token(at):
        try:
            yield msgspec.convert(token.text, Zone), end
        except msgspec.ValidationError:
            continue
    cursor.missed(at, "Europe/Paris")
