"""Free text: what of a decision is searched, and what counts as a word. Pure.

Words are as FTS5's tokenizer unicode61 has them: letters and digits, without case and without accents. No personal
field is among the texts: they are kept as ciphertext only.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from gateway.core.record import Outcome, Record
from gateway.records.conclusion import Conclusion, message


def searched(record: Record, outcome: Outcome, conclusion: Conclusion) -> tuple[str, ...]:
    """The texts of a decision in which words are looked for; those to look for must stand in one of them."""
    names = dict.fromkeys((conclusion.rule, *(look.rule for look in record.rules)))
    texts = (
        *(message(record, outcome), conclusion.reason, *names, record.agent, record.method, record.route),
        *(record.citation, record.hold_comment),
    )
    return tuple(text for text in texts if text)


BARRIER: Final = "\ue000"
"""Stands between texts in an index: to FTS5 it is a word, and none that anybody can look for."""


def indexed(texts: Sequence[str]) -> str:
    """The words of these texts as an index gets them."""
    return f" {BARRIER} ".join(" ".join(words_of(text)) for text in texts)


def phrase(words: str, *, prefix: bool) -> str:
    """What FTS5 is asked for what `found` finds, and maybe a little more; empty where it cannot tell.

    It does not know the letters of every alphabet.
    """
    wanted = words_of(words)
    if not any(letter.isascii() for word in wanted for letter in word):
        return ""
    return f'"{" ".join(wanted)}"{" *" if prefix else ""}'


@lru_cache(maxsize=4_096)
def words_of(text: str) -> tuple[str, ...]:
    """The words in a text."""
    plain = "".join(each for each in unicodedata.normalize("NFD", text) if unicodedata.category(each) != "Mn")
    return tuple("".join(each if each.isalnum() else " " for each in plain.lower()).split())


def found(texts: tuple[str, ...], words: str, *, prefix: bool) -> bool:
    """Whether the words stand next to each other in one of the texts; with `prefix` the last may go on there."""
    wanted = words_of(words)
    return any(_stands(words_of(text), wanted, prefix=prefix) for text in texts)


def _stands(have: tuple[str, ...], wanted: tuple[str, ...], *, prefix: bool) -> bool:
    size = len(wanted)
    for start in range(len(have) - size + 1):
        part = have[start : start + size]
        if part[:-1] == wanted[:-1] and (part[-1].startswith(wanted[-1]) if prefix else part[-1] == wanted[-1]):
            return True
    return False
