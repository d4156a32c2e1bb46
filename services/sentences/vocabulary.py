"""Which words a language keeps for itself: a name that is one of them is said in quotes."""

import functools
from collections.abc import Iterator

from services.sentences.pattern import Words, pattern, spelt, walked
from services.sentences.templates import TEMPLATES
from services.sentences.words import ANY, FILLERS, SINGULAR, WORDS

GRAMMAR = {
    "en": (
        "or",
        "and",
        "is",
        "is not",
        "unknown",
        "or is unknown",
        "to",
        "customers",
        "client",
        "between",
        "clock",
        "segment",
        "their own clock",
        "weekdays",
        "weekend",
        "through",
        "in",
    ),
    "fr": (
        "ou",
        "et",
        "vaut",
        "ne vaut pas",
        "est",
        "inconnu",
        "clients",
        "client",
        "entre",
        "heure",
        "segment",
        "leur heure",
        "week-end",
        "semaine",
        "à",
        "au",
        "ou est inconnu",
        "du client",
    ),
}


@functools.cache
def reserved(language: str) -> frozenset[str]:
    """The plain words of all templates and tables."""
    return frozenset(FILLERS[language]) | {word for text in _texts(language) for word in spelt(text)}


def _texts(language: str) -> Iterator[str]:
    for kind in TEMPLATES[language]:
        for part in walked(pattern(kind, language)):
            if isinstance(part, Words):
                yield from part.said
    for table in WORDS[language].values():
        for words in table.values():
            yield from words
    for words in ANY[language].values():
        yield from words
    yield from SINGULAR[language].values()
    yield from GRAMMAR[language]
