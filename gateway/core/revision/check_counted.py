"""Cross-checks of what counts: limits, caps, the score and sequences."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from gateway.core.mistakes import told
from gateway.core.policy.counting import Calendar, Cap, Limit
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Sequence
from gateway.core.pressure import SCORE
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.zones import zone_exists

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
        taken.setdefault(SCORE, "score")
        for index, limit in enumerate(document.limits):
            if limit.name == SCORE:
                mistakes.add(("limits", index, "name"), "name-of-score", name=SCORE)
    for section, kind in (("caps", "cap"), ("sequences", "sequence")):
        for index, part in enumerate(getattr(document, section)):
            if taken.get(part.name, kind) != kind:
                values = {"by": told(f"by-{taken[part.name]}"), "one": told(f"for-{taken[part.name]}")}
                values |= {"other": told(f"for-{kind}")}
                mistakes.add((section, index, "name"), "name-taken-by", name=part.name, **values)
            taken[part.name] = kind


def _calendars(document: Document) -> Iterator[tuple[Path, Calendar]]:
    for section in ("limits", "caps"):
        for index, part in enumerate(getattr(document, section)):
            if part.calendar is not None:
                yield (section, index, "calendar"), part.calendar


def _calendar(calendar: Calendar, path: Path, mistakes: Mistakes) -> None:
    if calendar.zone != "subject" and not zone_exists(calendar.zone):
        mistakes.add((*path, "zone"), "zone-unknown-or-subject", zone=calendar.zone)
    if not zone_exists(calendar.fallback_zone):
        mistakes.add((*path, "fallback_zone"), "zone-unknown", zone=calendar.fallback_zone)


def _limit(limit: Limit, path: Path, mistakes: Mistakes) -> None:
    shapes = [limit.rate, limit.max, limit.concurrent]
    if sum([shape is not msgspec.UNSET for shape in shapes]) != 1:
        mistakes.add(path, "limit-shapes", name=limit.name)
        return
    counts = limit.max is not msgspec.UNSET
    if counts and (limit.window is None) == (limit.calendar is None):
        mistakes.add(path, "limit-timeless", name=limit.name)
    for name in ("window", "calendar", "cost", "quota"):
        if getattr(limit, name) is not None and not counts:
            mistakes.add((*path, name), "limit-needs-max", field=name)
    if limit.calendar is not None and limit.calendar.zone == "subject" and "subject" not in limit.by:
        mistakes.add((*path, "calendar", "zone"), "limit-of-zones")
    if limit.quota is not None:
        _quota(limit, (*path, "quota"), mistakes)


def _quota(limit: Limit, path: Path, mistakes: Mistakes) -> None:
    quota = limit.quota
    assert quota is not None  # noqa: S101 - for the type checker
    if (quota.used is None) == (quota.remaining is None):
        mistakes.add(path, "quota-either")
    if limit.cost is not None:
        mistakes.add(path, "quota-costs")
    for name in ("used", "remaining", "max"):
        reading = getattr(quota, name)
        if reading is None:
            continue
        try:
            groups = re.compile(reading.pattern).groups
        except re.error:
            groups = 0
        if groups < 1:
            mistakes.add((*path, name, "pattern"), "quota-pattern")
    for priority in quota.shares:
        if not re.fullmatch("[0-9]{1,2}", priority):
            mistakes.add((*path, "shares", priority), "quota-priority", priority=priority)


def _cap(cap: Cap, path: Path, mistakes: Mistakes) -> None:
    if cap.max is not None and (cap.window is None) == (cap.calendar is None):
        mistakes.add(path, "cap-timeless", name=cap.name)
    if cap.on_exceed == "downgrade" and cap.downgrade_to is None:
        mistakes.add((*path, "on_exceed"), "cap-downgrade")
    if cap.downgrade_to is not None and cap.downgrade_to in (cap.channels or (cap.downgrade_to,)):
        mistakes.add((*path, "downgrade_to"), "cap-downgrades-to-itself", channel=cap.downgrade_to)
    for place, category in enumerate(cap.priority):
        if category in cap.priority[:place]:
            mistakes.add((*path, "priority", place), "cap-category-twice", category=category)


def _sequence(sequence: Sequence, path: Path, mistakes: Mistakes) -> None:
    if (sequence.by is None) == (sequence.key is None):
        mistakes.add(path, "sequence-shapes", name=sequence.name)
    if sequence.by == "agent" and sequence.agents == "other":
        mistakes.add((*path, "agents"), "sequence-of-itself")
