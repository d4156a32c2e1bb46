"""Which names a sentence may choose from: those that the draft has, and the usual ones. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.sentences.things import say_named
from services.sentences.words import WORDS

KEYS: Final[Mapping[str, str]] = {
    "channels": "channel", "categories": "category", "exempt": "category", "segments": "segment",
    "outside": "segment", "agents": "agent", "purposes": "purpose", "topics": "topic", "brands": "brand",
    "campaigns": "campaign",
}  # fmt: skip
"""By slot, whose names it takes."""
CLOSED: Final = frozenset({"agents"})
"""Slots that take no other names than those of the policy: who is in none cannot call."""
PICKED: Final = "="
"""Begins a value that was ticked, not typed; no name begins so."""
Known = Mapping[str, tuple[str, ...]]
"""By key, the names that there are."""


def known(sentences: Iterable[Mapping[str, Any]], *, agents: Iterable[str]) -> Known:
    """The names that these sentences use, as plain data, with the usual channels and categories and all agents."""
    found: dict[str, dict[str, None]] = {key: {} for key in KEYS.values()}
    for key in ("channel", "category"):
        found[key] = dict.fromkeys(WORDS["en"][key])
    for sentence in sentences:
        for slot, key in KEYS.items():
            found[key] |= dict.fromkeys(map(str, sentence.get(slot, ())))
    found["agent"] = dict.fromkeys(agents)
    return {key: tuple(names) for key, names in found.items()}


def options(slot: str, language: str, *, names: Known, chosen: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """What may be ticked in a slot, each with its words; first what there is, then what stands there besides."""
    key = KEYS[slot]
    words = key if key in WORDS[language] else ""
    there = dict.fromkeys((*names.get(key, ()), *chosen))
    return tuple(
        (PICKED + each, say_named(each, language, table=words, free=True) if words else each) for each in there
    )
