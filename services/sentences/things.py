"""Names, numbers and comparisons in sentences: said, and read."""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from gateway.core.policy.vocabulary import NAME
from services.sentences.cursor import Cursor
from services.sentences.kinds import KEYWORDS, Asks, Compares, Country, Is, Method, Order, Path, Word
from services.sentences.pattern import spelt
from services.sentences.tokens import Token, plain
from services.sentences.vocabulary import reserved
from services.sentences.words import ANY, QUOTES, WORDS

_NAME: Final = re.compile(NAME)
_WHOLE: Final = re.compile(r"\d{1,16}\Z")
_NUMBER: Final = re.compile(r"-?\d{1,16}([.,]\d{1,17})?\Z")
_JOINTS: Final = {"en": {"or": "or", "and": "and"}, "fr": {"or": "ou", "and": "et"}}
_IS: Final = {"en": ("is", "is not", "or is unknown"), "fr": ("vaut", "ne vaut pas", "ou est inconnu")}
_UNKNOWN: Final = {"en": "or unknown", "fr": "ou inconnu"}
Read = Iterator[tuple[Any, int]]


EACH: Final = {"en": ("for each", "for", "per", "by"), "fr": ("pour chaque", "pour", "par")}
_TIMES: Final = {"en": "times", "fr": "fois"}

# ---- lists


def joined(said: Sequence[str], language: str, *, joint: str) -> str:
    """Several as people list them: "a, b or c"."""
    if len(said) < 2:
        return "".join(said)
    return f"{', '.join(said[:-1])} {_JOINTS[language][joint]} {said[-1]}"


def joints(cursor: Cursor, at: int, *, joint: str) -> Iterator[int]:
    """Where the next of several begins: behind a comma, an "or" or an "and"."""
    del joint  # whoever writes "a and b" where "or" is said means the same
    for word in (*_JOINTS[cursor.language].values(),):
        end = cursor.words(at, (plain(word),))
        if end is not None:
            yield end
            return
    if at < len(cursor.tokens) and cursor.tokens[at].text == ",":
        yield at + 1


def any_said(table: str, language: str) -> str:
    """What is said where a slot bounds nothing."""
    return ANY[language][table][0]


def any_spellings(table: str, language: str) -> tuple[str, ...]:
    """All ways to say that."""
    return ANY[language][table]


def customers(values: Sequence[str], listed: str, language: str, *, to: bool) -> str:
    """Customers of these segments; `listed` are their names. `to` is where French needs its preposition."""
    if language == "en":
        return f"{listed} customers" if values else any_said("segment", language)
    if not values:
        return f"à {any_said('segment', language)}" if to else any_said("segment", language)
    return f"{'aux' if to else 'les'} clients {listed}"


def read_customers(cursor: Cursor, at: int, listed: Callable[[Cursor, int], Read]) -> Read:
    """Customers of segments, before or behind the word."""
    words = ("customer", "client")
    if cursor.language == "en":
        for values, end in listed(cursor, at):
            for word in words:
                after = cursor.words(end, (word,), said="customers")
                if after is not None:
                    yield values, after
    for word in words:
        after = cursor.words(at, (word,))
        if after is None:
            continue
        for more in ((), ("in",), ("segment",), ("in", "segment")):
            begins = cursor.words(after, more) if more else after
            if begins is not None:
                yield from listed(cursor, begins)


# ---- names


@functools.cache
def _by_spelling(table: str, language: str) -> dict[tuple[str, ...], str]:
    found = {spelt(word): value for value, words in WORDS[language][table].items() for word in words}
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def say_named(value: str, language: str, *, table: str, free: bool) -> str:
    """A value of a table by its word; where it has none and may be free, a name."""
    words = WORDS[language][table].get(value)
    return words[0] if words else say_name(value, language) if free else value


def read_named(cursor: Cursor, at: int, *, table: str, free: bool) -> Read:
    """Values of a table whose words stand there, and names where it may be free."""
    spellings = _by_spelling(table, cursor.language)
    ends: dict[tuple[str, int], None] = {}
    for spelling, value in spellings.items():
        end = cursor.words(at, spelling)
        if end is not None:
            ends[value, end] = None
    yield from sorted(ends, key=lambda each: -each[1])
    if free:
        yield from ((name, end) for name, end in read_name(cursor, at) if (name, end) not in ends)
    if not ends:
        for words in WORDS[cursor.language][table].values():
            cursor.missed(at, words[0])


def say_name(value: str, language: str) -> str:
    """A name, in quotes where it could be taken for something else."""
    free = _NAME.match(value) and value[-1] not in ".:" and not _is_reserved(value, language)
    return value if free else say_quoted(value, language)


def read_name(cursor: Cursor, at: int) -> Read:
    """A name, in quotes or bare."""
    return _read_free(cursor, at, _as_name)


def read_word(cursor: Cursor, at: int) -> Read:
    """A text such as that of a segment; bare where it is like a name."""
    return _read_free(cursor, at, _as_word)


say_word = say_name


def say_method(value: str, language: str) -> str:
    """A method's full name, or a pattern of several."""
    return value if value.startswith("/") else say_quoted(value, language)


def read_method(cursor: Cursor, at: int) -> Read:
    """A method's name: it begins with a stroke, or stands in quotes."""

    def made(token: Token, language: str) -> str | None:
        del language
        return _valid(token.text, Method) if token.quoted or token.text.startswith("/") else None

    return _read_free(cursor, at, made, hint="/…/…")


def say_path(value: str, language: str) -> str:
    """The path of a field."""
    return say_quoted(value, language) if _is_reserved(value, language) else value


def read_path(cursor: Cursor, at: int) -> Read:
    """The path of a field."""

    def made(token: Token, language: str) -> str | None:
        if not token.quoted and _is_reserved(token.text, language):
            return None
        return _valid(token.text, Path)

    return _read_free(cursor, at, made, hint="contact.email")


def say_code(value: str, language: str) -> str:
    """A code in capitals."""
    return say_quoted(value, language) if _is_reserved(value, language) else value


def read_country(cursor: Cursor, at: int) -> Read:
    """A country's code of two letters."""

    def made(token: Token, language: str) -> str | None:
        if not token.quoted and _is_reserved(token.text, language):
            return None
        return _valid(token.text.upper(), Country)

    return _read_free(cursor, at, made, hint="FR")


def say_quoted(value: str, language: str) -> str:
    """A text in quotes."""
    before, after = QUOTES[language]
    return f"{before}{value}{after}"


def read_quoted(cursor: Cursor, at: int) -> Read:
    """A text in quotes, or one bare word that the language does not need."""
    return _read_free(cursor, at, _as_word)


def _as_name(token: Token, language: str) -> str | None:
    if token.quoted:
        return token.text if _NAME.match(token.text) else None
    name = token.text.lower()
    return name if _NAME.match(name) and not _is_reserved(token.text, language) else None


def _as_word(token: Token, language: str) -> str | None:
    return _valid(token.text, Word) if token.quoted else _as_name(token, language)


def _read_free(cursor: Cursor, at: int, made: Callable[[Token, str], str | None], *, hint: str = "…") -> Read:
    for token, end in cursor.token(at):
        value = made(token, cursor.language)
        if value is not None:
            yield value, end
    cursor.missed(at, say_quoted(hint, cursor.language) if hint == "…" else hint)


def _valid(text: str, type_: Any) -> str | None:
    try:
        return str(msgspec.convert(text, type_))
    except msgspec.ValidationError:
        return None


def _is_reserved(word: str, language: str) -> bool:
    return plain(word) in reserved(language)


# ---- numbers


def say_count(value: int, language: str) -> str:
    """A whole number."""
    del language
    return str(value)


def read_count(cursor: Cursor, at: int) -> Read:
    """A whole number in digits, or a small one in words."""
    for token, end in cursor.token(at):
        if not token.quoted and _WHOLE.match(token.text):
            yield int(token.text), end
        elif not token.quoted:
            found = next((value for value, words in WORDS[cursor.language]["number"].items()
                          if token.plain in map(plain, words)), None)  # fmt: skip
            if found is not None:
                yield int(found), end
    cursor.missed(at, "2")


def say_times(value: int, language: str) -> str:
    """How often: "once", "3 times"; in French as it stands behind "plus"."""
    if language == "en":
        return "once" if value == 1 else f"{value} times"
    return f"de {value} fois"


def read_times(cursor: Cursor, at: int) -> Read:
    """How often."""
    times = _TIMES[cursor.language]
    for number, end in read_count(cursor, at):
        after = cursor.words(end, spelt(times), said=times)
        if after is not None:
            yield number, after
        elif cursor.language == "en" and cursor.tokens[end - 1].plain in ("once", "twice"):
            yield number, end


def say_number(value: float, language: str) -> str:
    """A number, with a comma in French."""
    text = format(Decimal(repr(value)), "f")
    return text.replace(".", ",") if language == "fr" else text


def read_number(cursor: Cursor, at: int) -> Read:
    """A number as one with a fraction."""
    return ((float(value), end) for value, end in _read_amount(cursor, at))


def _read_amount(cursor: Cursor, at: int) -> Read:
    """A number; a whole one where it is written without a fraction."""
    for token, end in cursor.token(at):
        if not token.quoted and _NUMBER.match(token.text):
            text = token.text.replace(",", ".")
            yield (float(text) if "." in text else int(text)), end
    cursor.missed(at, say_number(0.5, cursor.language))


# ---- comparisons


def say_is(value: Is, language: str) -> str:
    """That a text is one of some, or none of them."""
    yes, no, unknown = _IS[language]
    listed = joined([say_quoted(each, language) for each in value.values], language, joint="or")
    told = f"{say_word(value.name, language)} {no if value.negated else yes} {listed}"
    return f"{told} {unknown}" if value.or_unknown else told


def read_is(cursor: Cursor, at: int) -> Read:
    """That a text is one of some, or none of them."""
    yes, no, unknown = _IS[cursor.language]
    for name, end in read_word(cursor, at):
        for negated, said in ((True, no), (False, yes)):
            after = cursor.words(end, spelt(said), said=said)
            if after is None:
                continue
            for values, last in _read_texts(cursor, after):
                if not negated:
                    known = cursor.words(last, spelt(unknown))
                    if known is not None:
                        yield Is(name=name, values=values, or_unknown=True), known
                yield Is(name=name, values=values, negated=negated), last


def _read_texts(cursor: Cursor, at: int) -> Read:
    for value, end in read_quoted(cursor, at):
        after = cursor.words(end, (plain(_JOINTS[cursor.language]["or"]),))
        if after is None and end < len(cursor.tokens) and cursor.tokens[end].text == ",":
            after = end + 1
        if after is not None:
            yield from (((value, *rest), last) for rest, last in _read_texts(cursor, after) if value not in rest)
        yield (value,), end


def say_compares(value: Compares, language: str) -> str:
    """That a number is above, below or just another."""
    said = say_named(value.order, language, table="order", free=False)
    told = f"{say_word(value.name, language)} {said} {say_number(value.value, language)}"
    return f"{told} {_UNKNOWN[language]}" if value.or_unknown else told


def read_compares(cursor: Cursor, at: int) -> Read:
    """That a number is above, below or just another."""
    for name, end in read_word(cursor, at):
        for order, number, last in _read_ordered(cursor, end):
            known = cursor.words(last, spelt(_UNKNOWN[cursor.language]))
            if known is not None:
                yield Compares(name=name, order=order, value=float(number), or_unknown=True), known
            yield Compares(name=name, order=order, value=float(number)), last


def say_asks(value: Asks, language: str) -> str:
    """That a number in the request is above, below or just another."""
    said = say_named(value.order, language, table="order", free=False)
    return f"{say_path(value.path, language)} {said} {say_number(value.value, language)}"


def read_asks(cursor: Cursor, at: int) -> Read:
    """That a number in the request is above, below or just another."""
    for path, end in read_path(cursor, at):
        if "*" not in path and not KEYWORDS & set(path.split(".")):
            for order, number, last in _read_ordered(cursor, end):
                yield Asks(path=path, order=order, value=number), last


def _read_ordered(cursor: Cursor, at: int) -> Iterator[tuple[Order, int | float, int]]:
    for order, end in read_named(cursor, at, table="order", free=False):
        for number, last in _read_amount(cursor, end):
            yield order, number, last
