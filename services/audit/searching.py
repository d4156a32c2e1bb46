"""Free text: what of a decision is searched, and what counts as a word. Pure.

Words are as FTS5's tokenizer unicode61 has them: letters and digits, without case and without accents. No personal
field is among the texts: they are kept as ciphertext only.
"""

import unicodedata
from functools import lru_cache

from gateway.conclusion import Conclusion, message
from gateway.core.record import Outcome, Record


def searched(record: Record, outcome: Outcome, conclusion: Conclusion) -> tuple[str, ...]:
    """The texts of a decision in which words are looked for; those to look for must stand in one of them."""
    names = dict.fromkeys((conclusion.rule, *(look.rule for look in record.rules)))
    texts = (
        *(message(record, outcome), conclusion.reason, *names, record.agent, record.method, record.route),
        *(record.citation, record.hold_comment),
    )
    return tuple(text for text in texts if text)


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
