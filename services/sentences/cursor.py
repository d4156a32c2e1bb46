"""Where one is in a sentence that is read, and how far it could be followed: that is where something else was meant."""

from collections.abc import Iterator, Sequence
from typing import Final

from services.sentences.pattern import spelt
from services.sentences.tokens import Token
from services.sentences.words import FILLERS

MOST_STEPS: Final = 60_000
"""Attempts before a sentence is given up; the longest that is said takes a tenth."""


class TooTangled(Exception):
    """The sentence can be read in too many ways."""


class Cursor:
    """The words of a sentence, and what was expected where it could not be followed further."""

    def __init__(self, tokens: Sequence[Token], language: str) -> None:
        self.tokens: Final = tokens
        self.language: Final = language
        self.furthest = 0
        """The first word that nothing fits."""
        self.expected: dict[str, None] = {}
        """What would have fitted there."""
        self.followed = False
        """Whether any words of the language were found, and not names alone."""
        self._steps = 0

    def words(self, at: int, spelling: Sequence[str], *, said: str = "") -> int | None:
        """Where it goes on behind these plain words; `None` where they do not stand there.

        Fillers may be added and left out. `said` is what is told that was expected.
        """
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooTangled
        fillers = FILLERS[self.language]
        here = at
        matched = False
        for word in spelling:
            found = here
            while found < len(self.tokens) and self._plain(found) != word and self._skipped(found):
                found += 1
            if found < len(self.tokens) and self._plain(found) == word:
                here = found + 1
                matched = self.followed = True
            elif word not in fillers and word != ",":
                if said:
                    self.missed(here, said)
                return None
        return here if matched else None

    def any_of(self, at: int, spellings: Sequence[str]) -> Iterator[int]:
        """Where it goes on behind one of these texts, the longest first."""
        ends = {end for text in spellings if (end := self.words(at, spelt(text))) is not None}
        if not ends and spellings:
            self.missed(at, spellings[0])
        yield from sorted(ends, reverse=True)

    def token(self, at: int) -> Iterator[tuple[Token, int]]:
        """The word there, or behind fillers, and where it goes on."""
        while at < len(self.tokens):
            if self.tokens[at].text != ",":
                yield self.tokens[at], at + 1
            if not self._skipped(at):
                return
            at += 1

    def over(self, at: int) -> bool:
        """Whether nothing follows but what may be left out."""
        return all(self._skipped(each) for each in range(at, len(self.tokens)))

    def missed(self, at: int, said: str) -> None:
        """That would have fitted there."""
        while at < len(self.tokens) and self._skipped(at):
            at += 1
        if at > self.furthest:
            self.furthest, self.expected = at, {}
        if at == self.furthest:
            self.expected[said] = None

    def _plain(self, at: int) -> str:
        token = self.tokens[at]
        return "" if token.quoted else token.plain

    def _skipped(self, at: int) -> bool:
        return self._plain(at) in FILLERS[self.language] or self._plain(at) in (",", ";")
