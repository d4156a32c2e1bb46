"""What must hold of what is there, so that it is changed, or sent once more: RFC 9110, section 13. Pure."""

import re
from typing import Final

import msgspec

from gateway.core.errors import Reason
from services.control.texts import say
from services.control.undone import Undone
from services.not_done import NotDone

CHANGED: Final = -1
"""The version of nothing that is there."""
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LIST: Final = re.compile(rf"(?:,[ \t]*+)*+{_TAG.pattern}[ \t]*+(?:,[ \t]*+(?:{_TAG.pattern}[ \t]*+)?+)*+")
"""Also with empty elements (RFC 9110, 5.6.1)."""


class Unmatched(NotDone):
    """What is there is not what was seen, or it was not said what was; the code is that of a text of ours."""

    say = staticmethod(say)


class Match(msgspec.Struct, frozen=True):
    """Which of the versions there ever were may be there: the ETags that a header names."""

    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()
    any: bool = False
    """Whichever it is, as "*" says."""

    def holds(self, etag: str) -> bool:
        """Whether what has that ETag may be changed. Weak ones never match, and are of none (RFC 9110, 13.1.1)."""
        return self.any or unquoted(etag) in self.strong

    def holds_weakly(self, etag: str) -> bool:
        """Whether what has that ETag is known already to whoever asks (RFC 9110, 13.1.2)."""
        return self.any or unquoted(etag) in self.strong | self.weak

    def version(self, current: int) -> int:
        """The version that a change is made from: the one that is there, or `CHANGED`."""
        return current if self.holds(str(current)) else CHANGED


ANY: Final = Match(any=True)


def match_in(header: str, *, field: str) -> Match:
    """What a header says, "*" or ETags with commas between. `field` is its name.

    Raises:
        Undone: ARGUMENT_INVALID where it says neither.
    """
    given = header.strip(" \t")
    if given == "*":
        return ANY
    if not _LIST.fullmatch(given):
        raise Undone(Reason.ARGUMENT_INVALID, "match-shape", field=field)
    tags = _TAG.findall(given)
    return Match(frozenset(tag for weak, tag in tags if not weak), frozenset(tag for weak, tag in tags if weak))


def exactly(etag: str) -> Match:
    """What has that ETag; empty: whatever there is."""
    return Match(frozenset({unquoted(etag)})) if etag else ANY


def quoted(etag: str) -> str:
    """An ETag as HTTP writes it."""
    return f'"{unquoted(etag)}"'


def unquoted(etag: str) -> str:
    """An ETag as it is kept."""
    return etag.removeprefix("W/").strip('"')
