"""Where a request says what: the sources of a policy, "contacts/{path.id}" say. Pure."""

import re
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from gateway.core.mistakes import Told, told

ORIGINS: Final = ("path", "query", "headers", "body")
SAID: Final = (
    "subject",
    "channel",
    "category",
    "brand",
    "campaign",
    "purpose",
    "contact_point",
    "session",
    "request_id",
)
"""What a request may say that governs it, by the names that policies and calls have for it."""
SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""What identifies a caller says nothing else: it is neither recorded nor seen by rules."""

_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_STEP: Final = re.compile(r"[A-Za-z0-9_$@:-]{1,100}")
_HEADER: Final = re.compile(r"[a-z0-9_-]{1,100}")


class Place(NamedTuple):
    """One place of a request."""

    origin: str
    """One of `ORIGINS`."""
    steps: tuple[str, ...]

    def __str__(self) -> str:
        """As policies write it."""
        return ".".join((self.origin, *self.steps))


class Source(NamedTuple):
    """Texts and places, in turn: there is one text more than there are places."""

    texts: tuple[str, ...]
    places: tuple[Place, ...]


class SourceWrong(ValueError):
    """What is wrong with a source."""

    def __init__(self, what: Told) -> None:
        super().__init__(what.code)
        self.what: Final = what


def source(text: str, *, variables: tuple[str, ...]) -> Source:
    """The source that a policy writes as `text`, for a path with these variables.

    Raises:
        SourceWrong: it is none.
    """
    return taken_apart(text, origins=ORIGINS, place=partial(_place, variables=variables))


def taken_apart(text: str, *, origins: tuple[str, ...], place: Callable[[str], Place]) -> Source:
    """The source whose holes `place` reads; it raises `SourceWrong` for one that is none, as this does.

    `origins` are the first words of places: a text that begins so was meant to be in braces.
    """
    pieces = _HOLE.split(text)
    texts, holes = pieces[::2], pieces[1::2]
    if any("{" in each or "}" in each for each in texts):
        raise SourceWrong(told("rest-source-braces"))
    if not holes and text.split(".", maxsplit=1)[0] in origins and "." in text:
        raise SourceWrong(told("rest-source-bare", text=text))
    return Source(tuple(texts), tuple([place(hole) for hole in holes]))


def _place(hole: str, *, variables: tuple[str, ...]) -> Place:
    origin, _, rest = hole.partition(".")
    steps = tuple(rest.split("."))
    if origin not in ORIGINS or not all(_STEP.fullmatch(step) for step in steps):
        raise SourceWrong(told("rest-source-place", place=hole))
    if origin != "body" and len(steps) > 1:
        raise SourceWrong(told("rest-source-place", place=hole))
    if origin == "path" and rest not in variables:
        raise SourceWrong(told("rest-source-variable", name=rest))
    if origin == "headers" and not _HEADER.fullmatch(rest):
        raise SourceWrong(told("rest-source-header", name=rest))
    if origin == "headers" and rest in SECRET_HEADERS:
        raise SourceWrong(told("rest-source-secret", name=rest))
    return Place(origin, steps)
