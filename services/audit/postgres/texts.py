"""Texts as PostgreSQL can keep them. Pure.

It takes no NUL, and no index entry of more than 2,704 bytes. What a gateway writes has neither; but one entry that could
not be stored would hold up all that come after it, for ever.
"""

import hashlib
from typing import Any, Final

import msgspec

from services.audit.filters.searching import words_of

LONGEST_BYTES: Final = 500
"""Four such texts and a number fit into one entry of an index."""


def kept(text: str) -> str:
    """The text as it is stored and compared: itself, or its beginning and its SHA-256 where it cannot be kept whole.

    Two texts that differ stay different, so that comparisons mean what they say.
    """
    if len(text) <= LONGEST_BYTES // 4 and "\0" not in text:
        return text
    raw = text.encode()
    if len(raw) <= LONGEST_BYTES and b"\0" not in raw:
        return text
    return f"{text[: LONGEST_BYTES // 8]}…{hashlib.sha256(raw).hexdigest()}".replace("\0", "\ufffd")


def unkept(text: str) -> bytes | None:
    """The whole of a text that cannot be kept as it is, for what must be given back to the byte."""
    return None if kept(text) == text else text.encode()


def kept_unit(unit: bytes | None) -> bytes | None:
    """A pseudonym as it is stored and compared: itself, or its SHA-256 where it is longer than any of ours."""
    return unit if unit is None or len(unit) <= LONGEST_BYTES else hashlib.sha256(unit).digest()


def json_of(raw: bytes | str) -> str:
    """A JSON text that `jsonb` takes: with U+FFFD for every NUL."""
    text = raw if isinstance(raw, str) else raw.decode()
    return msgspec.json.encode(_without_nul(msgspec.json.decode(text))).decode() if "\\u0000" in text else text


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case dict():
            return {_without_nul(name): _without_nul(part) for name, part in value.items()}
        case list():
            return [_without_nul(part) for part in value]
        case _:
            return value


def in_json(text: str) -> str:
    """The text as it stands in what `json_of` and the store's own reading of JSON make of it."""
    return text.replace("\0", "\ufffd")


LONGEST_WORD: Final = 64
"""Characters of a word that are kept: a longer one is found by its beginning."""


def line_of(text: str) -> str:
    """The words of a text as they are searched: in one line, with a space before and after each."""
    words = words_of(text)
    return f" {' '.join(word[:LONGEST_WORD] for word in words)} \n" if words else ""


def phrase(words: str, *, prefix: bool) -> str:
    """What stands in a line that has these words next to each other; with `prefix` the last may go on there."""
    wanted = " ".join(word[:LONGEST_WORD] for word in words_of(words))
    return f" {wanted}" if prefix else f" {wanted} "


def words_in(words: str, *, prefix: bool) -> tuple[str, ...]:
    """The whole words among them."""
    found = tuple(word[:LONGEST_WORD] for word in words_of(words))
    return found[:-1] if prefix else found
