"""Cross-checks of what counts: limits, caps, the score and sequences."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from gateway.core.policy.counting import Calendar, Cap, Limit
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Sequence
from gateway.core.pressure import SCORE
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.zones import zone_exists

_SHAPES: Final = "give one of `rate`, `max` with `window` or `calendar`, `concurrent`, `quota` with `max`"
_LONGEST_KEPT: Final = 400 * 86_400_000


def check_counted(document: Document, mistakes: Mistakes) -> None:
    """Report every limit, cap or sequence that is not whole, and names that refusals could not tell apart."""
    _names(document, mistakes)
    for path, calendar in _calendars(document):
        _calendar(calendar, path, mistakes)
    for index, limit in enumerate(document.limits):
        _limit(limit, ("limits", index), mistakes)
    for index, cap in enumerate(document.caps):
        _cap(cap, ("caps", index), mistakes)
    for index, sequence in enumerate(document.sequences):
        _sequence(sequence, ("sequences", index), mistakes)


def _names(document: Document, mistakes: Mistakes) -> None:
    """Refusals and records name what refused, without saying what kind of thing it is."""
    taken = {limit.name: "limit" for limit in document.limits}
    if document.pressure is not None:
        taken.setdefault(SCORE, "score of contact pressure")
        for index, limit in enumerate(document.limits):
            if limit.name == SCORE:
                problem = f"the name {SCORE!r} is taken by the score of contact pressure"
                mistakes.add(("limits", index, "name"), problem, fix="choose another name")
    for section, kind in (("caps", "cap"), ("sequences", "sequence")):
        for index, part in enumerate(getattr(document, section)):
            if taken.get(part.name, kind) != kind:
                fix = f"choose another name for the {taken[part.name]} or for the {kind}"
                mistakes.add(
                    (section, index, "name"), f"the name {part.name!r} is taken by a {taken[part.name]}", fix=fix
                )
            taken[part.name] = kind


def _calendars(document: Document) -> Iterator[tuple[Path, Calendar]]:
    for section in ("limits", "caps"):
        for index, part in enumerate(getattr(document, section)):
            if part.calendar is not None:
                yield (section, index, "calendar"), part.calendar


def _calendar(calendar: Calendar, path: Path, mistakes: Mistakes) -> None:
    fix = 'write an IANA name, such as "Europe/Paris"'
    if calendar.zone != "subject" and not zone_exists(calendar.zone):
        mistakes.add((*path, "zone"), f"there is no time zone {calendar.zone!r}", fix=f'{fix}, or "subject"')
    if not zone_exists(calendar.fallback_zone):
        mistakes.add((*path, "fallback_zone"), f"there is no time zone {calendar.fallback_zone!r}", fix=fix)


def _limit(limit: Limit, path: Path, mistakes: Mistakes) -> None:
    shapes = [limit.rate, limit.max, limit.concurrent]
    if sum([shape is not msgspec.UNSET for shape in shapes]) != 1:
        mistakes.add(path, f"the limit {limit.name!r} must say in one way how much is allowed", fix=_SHAPES)
        return
    counts = limit.max is not msgspec.UNSET
    if counts and (limit.window is None) == (limit.calendar is None):
        mistakes.add(
            path, f"the limit {limit.name!r} needs a time to count in", fix="give either `window` or `calendar`"
        )
    for name in ("window", "calendar", "cost", "quota"):
        if getattr(limit, name) is not None and not counts:
            mistakes.add((*path, name), f"`{name}` goes with `max` only", fix=_SHAPES)
    if limit.calendar is not None and limit.calendar.zone == "subject" and "subject" not in limit.by:
        fix = 'count `by` subject too, or name a zone such as "Europe/Paris"'
        mistakes.add((*path, "calendar", "zone"), "the limit counts customers of several zones together", fix=fix)
    if limit.quota is not None:
        _quota(limit, (*path, "quota"), mistakes)


def _quota(limit: Limit, path: Path, mistakes: Mistakes) -> None:
    quota = limit.quota
    assert quota is not None  # noqa: S101 - for the type checker
    if (quota.used is None) == (quota.remaining is None):
        mistakes.add(path, "the upstream tells either what is used or what remains", fix="give `used` or `remaining`")
    if limit.cost is not None:
        mistakes.add(path, "an upstream counts calls, not costs", fix="remove `cost`, or make it another limit")
    for name in ("used", "remaining", "max"):
        reading = getattr(quota, name)
        if reading is None:
            continue
        try:
            groups = re.compile(reading.pattern).groups
        except re.error:
            groups = 0
        if groups < 1:
            fix = "write a regular expression whose first group is the number, such as ([0-9]+)"
            mistakes.add((*path, name, "pattern"), "the pattern finds no number", fix=fix)
    for priority in quota.shares:
        if not re.fullmatch("[0-9]{1,2}", priority):
            fix = "name each priority of the agents, 0 to 99, in quotes"
            mistakes.add((*path, "shares", priority), f"{priority!r} is no priority", fix=fix)


def _cap(cap: Cap, path: Path, mistakes: Mistakes) -> None:
    if cap.max is not None and (cap.window is None) == (cap.calendar is None):
        mistakes.add(path, f"the cap {cap.name!r} needs a time to count in", fix="give either `window` or `calendar`")
    if cap.on_exceed == "downgrade" and cap.downgrade_to is None:
        mistakes.add((*path, "on_exceed"), "a downgrade needs a channel", fix="name it in `downgrade_to`")
    if cap.downgrade_to is not None and cap.downgrade_to in (cap.channels or (cap.downgrade_to,)):
        fix = "name a channel that the cap does not cover, and list those it covers in `channels`"
        mistakes.add((*path, "downgrade_to"), f"{cap.downgrade_to!r} is under the same cap", fix=fix)
    for place, category in enumerate(cap.priority):
        if category in cap.priority[:place]:
            mistakes.add((*path, "priority", place), f"{category!r} is listed twice", fix="name each category once")


def _sequence(sequence: Sequence, path: Path, mistakes: Mistakes) -> None:
    if (sequence.by is None) == (sequence.key is None):
        fix = 'give `by` ("subject" or "agent"), or `key`, an expression that names the thing'
        mistakes.add(path, f"the sequence {sequence.name!r} must say in one way what it is about", fix=fix)
    if sequence.by == "agent" and sequence.agents == "other":
        fix = "count by subject or key, or by the same agent"
        mistakes.add((*path, "agents"), "an agent is never another one than itself", fix=fix)
