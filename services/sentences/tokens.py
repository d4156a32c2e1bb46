"""A sentence as words with their places, and how two spellings of a word are the same."""

import re
import unicodedata
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
    “(?P<curly>[^”]*)” | "(?P<straight>[^"]*)" | «(?P<guillemets>[^»]*)»
    | (?P<elided>[^\W\d_]{1,3}['’]) (?=\w)
    | (?P<number>-?\d+(?:[.,]\d+)?) (?![\w:/@*-]|[.,]\d)
    | (?P<mark>[,;()])
    | (?P<word>[^\s,;()“”"«»'’]+)
    | (?P<odd>\S)
    """,
    re.VERBOSE,
)
_TRAILING: Final = ".!?:…"


class Token(NamedTuple):
    """One word, number, mark or quoted text."""

    text: str
    """As typed; of a quoted one what is between the quotes."""
    start: int
    end: int
    """Where it stands, in characters; `end` is behind it."""
    quoted: bool = False

    @property
    def plain(self) -> str:
        """As words are compared."""
        return plain(self.text)


def tokens(text: str) -> tuple[Token, ...]:
    """The words of a sentence. A full stop at the end of a word belongs to no word."""
    found = []
    for each in _TOKEN.finditer(text):
        kind = each.lastgroup
        inner = each[kind] if kind else each[0]
        if kind in ("curly", "straight", "guillemets"):
            found.append(Token(inner.strip(), each.start(), each.end(), quoted=True))
            continue
        bare = inner.rstrip(_TRAILING)
        if bare:
            found.append(Token(bare, each.start(), each.start() + len(bare)))
    return tuple(found)


def plain(word: str) -> str:
    """A word without case, accents and the ending of a plural: "Été" is "ete", "messages" is "message"."""
    letters = unicodedata.normalize("NFKD", word.casefold().replace("’", "'"))
    bare = "".join(each for each in letters if not unicodedata.combining(each))
    return bare[:-1] if len(bare) > 3 and bare[-1] in "sx" and bare[-2:] != "ss" else bare
