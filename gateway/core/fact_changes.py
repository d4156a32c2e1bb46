"""What events tell of a subject, merged into its facts: for each fact the last word counts, by the time of the event.

So it does not matter in which order events come, nor how often: a late one never overwrites what is newer. Of two words
of the same moment the greater one counts, whoever comes first; having no value is the least of all. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.core.call import Facts
from gateway.core.consents import Consent, added_in_time

Word = str | float | bool | None
"""A text of traits, the time zone and the language, a number of scores, true of segments; `None`: none any more."""


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One fact, by its name as in `gateway.core.sources`, and what it became at `at_ms` (since the epoch)."""

    fact: str
    at_ms: int
    word: Word


class Known(msgspec.Struct, frozen=True):
    """The facts of a subject, and since when each of them is known that an event has told."""

    facts: Facts
    times: Mapping[str, int] = {}


def changed(known: Known, changes: Iterable[Change], statements: Iterable[Consent] = ()) -> Known:
    """What is known after these changes, and these words about being contacted."""
    facts, times = _Draft(known.facts), dict(known.times)
    for change in changes:
        since = times.get(change.fact)
        if since is None or (since, _rank(facts.word(change.fact))) < (change.at_ms, _rank(change.word)):
            facts.put(change.fact, change.word)
            times[change.fact] = change.at_ms
    made = facts.made()
    for statement in statements:
        made = msgspec.structs.replace(made, consent_records=added_in_time(made.consent_records, statement))
    return Known(made, times)


def word_in(facts: Facts, fact: str) -> Word:
    """What a fact, by its name, is; `None` where there is none."""
    return _Draft(facts).word(fact)


def _rank(word: Word) -> tuple[int, str]:
    """An order of all words, whatever they are: no source's kinds are another's."""
    return (0, "") if word is None or word is False else (1, repr(word))


class _Draft:
    """Facts that are being changed."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._traits, self._scores = dict(facts.traits), dict(facts.scores)
        self._segments = set(facts.segments)
        self._plain: dict[str, str] = {}

    def word(self, fact: str) -> Word:
        kind, _, name = fact.partition(".")
        match kind:
            case "traits":
                return self._traits.get(name)
            case "scores":
                return self._scores.get(name)
            case "segments":
                return name in self._segments or None
        return self._plain.get(fact, getattr(self._facts, fact)) or None

    def put(self, fact: str, word: Word) -> None:
        kind, _, name = fact.partition(".")
        match kind:
            case "traits":
                _put(self._traits, name, word)
            case "scores":
                _put(self._scores, name, word)
            case "segments":
                (self._segments.add if word else self._segments.discard)(name)
            case _:
                self._plain[fact] = str(word or "")

    def made(self) -> Facts:
        segments = self._facts.segments
        return msgspec.structs.replace(
            self._facts,
            known=True,
            traits=self._traits,
            scores=self._scores,
            # Sorted only where they change: whoever wrote them may have meant an order.
            segments=segments if self._segments == set(segments) else tuple(sorted(self._segments)),
            **self._plain,
        )


def _put(into: dict[str, Any], name: str, word: Word) -> None:
    if word is None:
        into.pop(name, None)
    else:
        into[name] = word
