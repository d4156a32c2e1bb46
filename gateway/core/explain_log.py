"""Where a decision stands in the log that proves it, in plain words. English and French."""

from typing import Final

from gateway.core.texts import LANGUAGES, fill

_TEXTS: Final = {
    "logged": ("It is entry {leaf} of the log.", "C’est l’entrée {leaf} du journal."),
    "ended": (
        "It is entry {leaf} of the log, and its end entry {settled}.",
        "C’est l’entrée {leaf} du journal, et sa fin l’entrée {settled}.",
    ),
    "unlogged": (
        "It was stored before there was a log, so nothing proves it.",
        "Elle a été enregistrée avant qu’il y ait un journal : rien ne la prouve.",
    ),
}


def explain_log(leaf: int | None, settled_leaf: int | None, *, language: str) -> tuple[str, ...]:
    """A sentence about the places of the decision and of its end, from 0; `None` for one that is in no log."""
    what = "unlogged" if leaf is None else "logged" if settled_leaf is None else "ended"
    text = _TEXTS[what][LANGUAGES.index(language)]
    places = {name: str(place) for name, place in (("leaf", leaf), ("settled", settled_leaf)) if place is not None}
    return (fill(text, places),)
