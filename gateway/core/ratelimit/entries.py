"""Where a descriptor says what: the sources of a policy, "contacts/{entries.customer}" say. Pure."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from gateway.core.mistakes import told
from gateway.core.rest.sources import Place, Source, SourceWrong, taken_apart

ORIGIN: Final = "entries"
SAID: Final = ("subject", "channel", "category", "brand", "campaign", "purpose", "contact_point", "session")
"""What a descriptor may say that governs it, by the names that policies and calls have for it."""
_KEY: Final = re.compile(r"[A-Za-z0-9_$@:-]{1,100}")


def entry_source(text: str, *, keys: tuple[str, ...]) -> Source:
    """The source that a policy writes as `text`, for a descriptor with these keys.

    Raises:
        SourceWrong: it is none.
    """
    return taken_apart(text, origins=(ORIGIN,), place=partial(_place, keys=keys))


def filled(source: Source, entries: Mapping[str, str]) -> str:
    """What the source comes to; empty where any of its places says nothing."""
    found = source.texts[0]
    for place, text in zip(source.places, source.texts[1:], strict=True):
        value = entries.get(place.steps[0], "")
        if not value:
            return ""
        found += value + text
    return found


def _place(hole: str, *, keys: tuple[str, ...]) -> Place:
    origin, _, key = hole.partition(".")
    if origin != ORIGIN or not _KEY.fullmatch(key):
        raise SourceWrong(told("ratelimit-source-place", place=hole))
    if key not in keys:
        raise SourceWrong(told("ratelimit-source-entry", key=key))
    return Place(origin, (key,))
