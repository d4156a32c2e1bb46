r"""The words and units that every part of a policy is written in.

Every name is 1 to 63 characters of lower-case letters, digits, "-", "_" and ".", beginning with a letter.
Durations are texts such as "500ms", "30s", "5m", "24h", "7d". Patterns end in \Z: "$" lets a newline follow.
"""

import functools
from typing import Annotated, Final, Literal

import msgspec

NAME: Final = r"^[a-z][a-z0-9_.-]{0,62}\Z"
Name = Annotated[str, msgspec.Meta(pattern=NAME)]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,8}(ms|s|m|h|d)\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000_000_000)]
"""Small enough to stay exact in the store, whose numbers have 53 bits."""
BasisPoints = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
"""Hundredths of a percent: 10,000 is all."""
Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.+:-]{0,62}\Z")]
Versioned = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,62}@[0-9A-Za-z][0-9A-Za-z_.+:-]{0,62}\Z")]
"""A name and a version of it: "reply-writer@3"."""
SuiteName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,62}/[a-z][a-z0-9_.-]{0,62}\Z")]
"""A tenant and one of its suites of probes: "acme/contacts"."""
Weight = Annotated[float, msgspec.Meta(ge=0, le=1000)]
ClockTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z|^24:00\Z")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Mode = Literal["enforce", "monitor"]
Cited = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Citation = Cited | Annotated[tuple[Cited, ...], msgspec.Meta(max_length=3)]
"""What a part of the policy rests on: an article of law, a contract, a promise; one text or up to three.

Short, since it stands in the refusal several times, and a client takes 8 KiB of trailers by default.
"""
Level = Literal["observe", "suggest", "approve", "autonomous"]
_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@functools.lru_cache(maxsize=4096)  # every call asks for the same few
def duration_ms(text: str) -> int:
    """Milliseconds of a duration such as "500ms" or "7d"."""
    digits = text.rstrip("mshd")
    return int(digits) * _UNIT_MS[text[len(digits) :]]


def clock_minute(text: str) -> int:
    """Minutes since midnight of a clock time such as "13:30"; 1440 for "24:00"."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def cited(citation: Citation) -> str:
    """A citation as one text."""
    return citation if isinstance(citation, str) else "; ".join(citation)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a policy: immutable, by name only, and with no field that is not in its contract."""


class Message(Part, frozen=True, kw_only=True):
    """What the caller reads when the rule refuses, in both languages.

    `{agent}`, `{method}`, `{rule}` and `{revision}` are filled in; any other name in braces is a mistake.
    """

    en: Text
    fr: Text


StoreError = Literal["closed", "open", "local"]
