"""What an agent asks to change of a profile, and which changes of facts that comes to. Pure.

The mask goes by AIP-134: fields outside of it are not looked at. A path may also name one trait, `traits.plan`, which
is taken away where the profile that was sent lacks it; `traits` and `segments` by themselves replace all of them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.call import Facts
from gateway.core.errors import CallEnded, Reason, invalid
from gateway.core.fact_changes import Change, Known, Word
from gateway.core.sources import is_fact
from pilote.cdp.v1.profile_pb2 import Profile
from services.intake.meaning import MOST_CHARACTERS, Unfit, word_of

MOST: Final = 200
"""Traits, and segments, of one profile."""
CHANGING: Final = ("traits", "segments", "time_zone", "language")
_FIELDS: Final = frozenset(field.name for field in Profile.DESCRIPTOR.fields)
_WHY_NOT: Final = {
    "consents": "is changed by SetConsents only",
    "scores": "is told by sources of the policy only",
    "name": "is set by the service",
    "update_time": "is set by the service",
    "etag": "is set by the service",
}
_NAMES: Final = "must be a letter and up to 62 letters, digits, _, . or -"
_FIT: Final = {
    "traits": f"must be at most {MOST_CHARACTERS} characters",
    "time_zone": 'must be an IANA name such as "Europe/Paris"',
    "language": 'must be a BCP 47 tag such as "fr-FR"',
}
Problem = tuple[str, str]


class Wish(msgspec.Struct, frozen=True):
    """What is asked."""

    words: Mapping[str, Word]
    """What facts, by their names, are to be; `None`: no more."""
    replaced: frozenset[str]
    """"traits" or "segments": whatever else there is of them goes."""


def wish_in(profile: Profile, paths: Sequence[str]) -> Wish:
    """What a profile and the paths of its mask ask.

    Raises:
        CallEnded: ARGUMENT_INVALID; every mistake is named.
    """
    asked = _asked(profile, paths)
    words: dict[str, Word] = {}
    problems = list[Problem]()
    for field in ("time_zone", "language"):
        if field in asked:
            problems += _take(words, field, getattr(profile, field) or None, at=field)
    if "traits" in asked and len(profile.traits) > MOST:
        problems.append(("traits", f"must be at most {MOST}"))
    traits = set(profile.traits) if "traits" in asked else set()
    traits |= {path.removeprefix("traits.") for path in asked if path.startswith("traits.")}
    for name in sorted(traits):
        problems += _take(words, f"traits.{name}", profile.traits.get(name), at="traits")
    if "segments" in asked:
        if len(profile.segments) > MOST:
            problems.append(("segments", f"must be at most {MOST}"))
        for position, name in enumerate(profile.segments):
            problems += _take(words, f"segments.{name}", True, at=f"segments[{position}]")  # noqa: FBT003
    if problems:
        raise _refused([(f"profile.{field}", text) for field, text in problems])
    return Wish(words, frozenset(asked & {"traits", "segments"}))


def changes_of(wish: Wish, known: Known | None, *, audiences: Collection[str], now_ms: int) -> tuple[Change, ...]:
    """The changes that a wish comes to, where that much is known.

    They come after whatever is known, also where a clock has run ahead: whoever asks has seen it, or replaces it.

    Raises:
        CallEnded: ARGUMENT_INVALID where members of one of the `audiences` would change, or there would be too many
            traits.
    """
    held = known or Known(Facts())
    before = {
        "traits": {f"traits.{name}" for name in held.facts.traits},
        "segments": {f"segments.{name}" for name in held.facts.segments},
    }
    words: dict[str, Word] = {fact: None for kind in wish.replaced for fact in before[kind]} | dict(wish.words)
    segments = {fact for fact in words if fact.startswith("segments.")}
    moved = {fact for fact in segments if (words[fact] is None) == (fact in before["segments"])}
    for name in sorted(set(audiences) & {fact.removeprefix("segments.") for fact in moved}):
        text = f"profile.segments: {name} is an audience, so AddMembers and RemoveMembers say who belongs to it."
        raise invalid("profile.segments", text)
    after = (before["traits"] | {fact for fact in words if fact.startswith("traits.")}) - {
        fact for fact, word in words.items() if word is None
    }
    if len(after) > max(MOST, len(before["traits"])):
        raise invalid("profile.traits", f"profile.traits would be more than {MOST}; take others away first.")
    return tuple(Change(fact, max(now_ms, held.times.get(fact, -1) + 1), word) for fact, word in words.items())


def _asked(profile: Profile, paths: Sequence[str]) -> set[str]:
    """The paths that change something.

    Raises:
        CallEnded: ARGUMENT_INVALID where one cannot be, or there is none.
    """
    if not paths:
        asked = {field.name for field, _ in profile.ListFields()} & set(CHANGING)
        if not asked:
            raise invalid("update_mask", f"update_mask names nothing, and profile has none of {', '.join(CHANGING)}.")
        return asked
    wrong = [("update_mask", f"{path[:100]} {text}") for path in paths if (text := _wrong(path))]
    if wrong:
        raise _refused(wrong)
    return set(CHANGING) if "*" in paths else set(paths) - {"customer"}


def _wrong(path: str) -> str:
    """What is wrong with a path; empty for nothing. Whoever names the customer has said the same one."""
    if path in (*CHANGING, "*", "customer"):
        return ""
    if path.startswith("traits."):
        return "" if is_fact(path) else f"names no trait: its name {_NAMES}"
    if path in _FIELDS:
        return _WHY_NOT.get(path, "cannot be changed")
    return f"is none of {', '.join(CHANGING)}, or of single traits such as traits.plan"


def _take(words: dict[str, Word], fact: str, value: str | bool | None, *, at: str) -> Iterator[Problem]:  # noqa: FBT001
    """Note what a fact is to be; yields what is wrong with that."""
    kind = fact.partition(".")[0]
    if not is_fact(fact):
        yield at, f"names {_NAMES}" if kind == "traits" else _NAMES
        return
    try:
        words[fact] = word_of(fact, value)
    except Unfit:
        yield fact, _FIT[kind]


def _refused(problems: Sequence[Problem]) -> CallEnded:
    field, text = problems[0]
    return CallEnded(Reason.ARGUMENT_INVALID, f"{field} {text}.", metadata={"field": field}, violations=tuple(problems))
