"""What a person has said by the IAB's Global Privacy Platform: a GPP string, version 1, and the sections that are read.

The layout is that of the IAB's "Global Privacy Platform String": a header that lists sections by id, Fibonacci-coded,
then the sections, parted by "~", each in letters of base64url of six bits. Read are the TC string of Europe (2), the US
Privacy string (6), and who has opted out by the sections for the USA (7) and California (8). Pure.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from gateway.core.tcf import LONGEST, Allowed, allowed_by

TYPE: Final = 3
VERSION: Final = 1
MOST_SECTIONS: Final = 64
"""Far more than there are."""
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_BITS: Final = {letter: f"{number:06b}" for number, letter in enumerate(_LETTERS)}
_EUROPE: Final = 2
_US_PRIVACY: Final = 6
_US_STRING: Final = re.compile(r"1[YNyn-]{3}\Z")
# Where each two-bit field stands by which a person opts out of sale, sharing or targeted advertising, by section; and
# the versions that have it there.
_OPT_OUTS: Final = {7: ((18, 20, 22), (1, 2)), 8: ((12, 14), (1,))}
_OPTED_OUT: Final = 1
_GPC: Final = re.compile(r"011")
"""Of a further segment: its type, 1, and that the signal is set."""


class Said(msgspec.Struct, frozen=True):
    """What a string says."""

    allowed: Allowed | None = None
    """What is allowed in Europe; `None` where the string does not speak of it."""
    opted_out: bool = False
    """Whether the person has opted out of sale, sharing or targeted advertising anywhere that is read."""


def said_by(text: str) -> Said | None:
    """What a GPP string says; `None` for what is none, is cut off, or holds a section that is damaged."""
    if len(text) > LONGEST:
        return None
    header, *parts = text.split("~")
    ids = _section_ids(header)
    if ids is None or len(ids) != len(parts):
        return None
    said = Said()
    for section, part in zip(ids, parts, strict=True):
        if section == _EUROPE:
            allowed = allowed_by(part)
            if allowed is None:
                return None
            said = msgspec.structs.replace(said, allowed=allowed)
        elif section == _US_PRIVACY or section in _OPT_OUTS:
            out = _us_privacy(part) if section == _US_PRIVACY else _opted_out(section, part)
            if out is None:
                return None
            said = msgspec.structs.replace(said, opted_out=said.opted_out or out)
    return said


def _us_privacy(part: str) -> bool | None:
    return part[2] in "Yy" if _US_STRING.match(part) else None


def _opted_out(section: int, part: str) -> bool | None:
    places, versions = _OPT_OUTS[section]
    core, *segments = (_bits(each) for each in part.split("."))
    if core is None or len(core) < places[-1] + 2 or int(core[:6], 2) not in versions:
        return None
    if any(segment is None for segment in segments):
        return None
    out = any(int(core[at : at + 2], 2) == _OPTED_OUT for at in places)
    return out or any(_GPC.match(segment or "") is not None for segment in segments)


def _section_ids(header: str) -> list[int] | None:
    bits = _bits(header)
    if bits is None or len(bits) < 24 or (int(bits[:6], 2), int(bits[6:12], 2)) != (TYPE, VERSION):
        return None
    numbers, found, last = _Numbers(bits[24:]), list[int](), 0
    try:
        for _ in range(int(bits[12:24], 2)):
            group = numbers.flag()
            first = last + numbers.number()
            last = first + (numbers.number() if group else 0)
            if last - first + len(found) >= MOST_SECTIONS:
                return None
            found += range(first, last + 1)
    except StopIteration:
        return None
    return found


class _Numbers:
    """Reads flags and Fibonacci-coded numbers one after the other. Methods raise `StopIteration` at the end."""

    def __init__(self, bits: str) -> None:
        self._bits: Iterator[str] = iter(bits)

    def flag(self) -> bool:
        return next(self._bits) == "1"

    def number(self) -> int:
        """Sum of the Fibonacci numbers 1, 2, 3, 5 ... whose bits are set; a second 1 in a row ends it."""
        total, one, two, before = 0, 1, 2, "0"
        while (bit := next(self._bits)) != "1" or before != "1":
            total += one if bit == "1" else 0
            one, two, before = two, one + two, bit
        return total


def _bits(text: str) -> str | None:
    """Six bits a letter; `None` for what is none."""
    try:
        return "".join([_BITS[letter] for letter in text])
    except KeyError:
        return None
