"""The caps and limits of a policy as numbers that can be turned, and what turning them changes in its text. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from gateway.core.policy.counting import Calendar, Cap, Limit
from gateway.core.policy.document import Document
from services.control.drafts.edits import Edit
from services.control.drafts.store import DraftProblem

MOST: Final = 1_000_000_000
_OTHER: Final = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME: Final = 63


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a policy."""

    section: str
    """"caps" or "limits"."""
    part: str
    """Its name."""
    field: str
    """What the part calls the number: "max", "rate" or "concurrent"."""
    value: int | None
    """`None`: unlimited; 0 blocks."""
    window: str
    """For how long it counts: "7d", "1s", "day"; empty: at a time."""
    watches: bool
    """It refuses nobody, and only notes."""

    @property
    def key(self) -> str:
        """What it is called in forms and addresses."""
        return f"{self.section}.{self.part}"

    @property
    def high(self) -> int:
        """Where a slider ends that begins with 0."""
        return max(10, 2 * (self.value or 0))


class OwnCap(msgspec.Struct, frozen=True, kw_only=True):
    """A cap that a segment gets for itself."""

    segment: str
    most: int
    window: str = "7d"
    channel: str = ""
    """Empty: all channels. Likewise the next one."""
    category: str = ""


def knobs_of(document: Document) -> tuple[Knob, ...]:
    """All caps, then all limits, in the policy's order."""
    return *map(_cap, document.caps), *(knob for each in document.limits for knob in _limit(each))


def turned(knobs: tuple[Knob, ...], to: Mapping[str, int | None]) -> tuple[Edit, ...]:
    """The edits that turn knobs to other values, by key; one that stands there already is left alone.

    Raises:
        DraftProblem: the policy has no such cap or limit.
    """
    known = {each.key: each for each in knobs}
    if unknown := sorted(to.keys() - known.keys()):
        raise DraftProblem("what-if-knob", knob=unknown[0])
    return tuple(
        Edit(kind="set", section=its.section, name=its.part, path=(its.field,), value=to[its.key])
        for its in knobs
        if its.key in to and to[its.key] != its.value
    )


def noting(document: Document, keys: Iterable[str]) -> tuple[Edit, ...]:
    """The edits that let rules and quiet hours only note what they would refuse; keys are "notes.{section}.{part}".

    One that the policy does not have, or that only notes already, is left alone.
    """
    enforced = {
        f"notes.{section}.{each.name}": (section, each.name)
        for section, parts in (("rules", document.rules), ("quiet_hours", document.quiet_hours))
        for each in parts
        if each.mode == "enforce"
    }
    found = [enforced[key] for key in sorted(set(keys)) if key in enforced]
    return tuple(
        Edit(kind="set", section=section, name=name, path=("mode",), value="monitor") for section, name in found
    )


def own_cap(cap: OwnCap, *, taken: frozenset[str]) -> Edit:
    """The edit that adds a cap for a segment; `taken` are the names of caps and limits that are there."""
    stem = _OTHER.sub("-", f"segment-{cap.segment}".lower()).strip("-")[: _LONGEST_NAME - 4]
    names = (stem, *(f"{stem}-{number}" for number in range(2, 1_000)))
    value: dict[str, object] = {"name": next(name for name in names if name not in taken)}
    value |= {"channels": [cap.channel]} if cap.channel else {}
    value |= {"categories": [cap.category]} if cap.category else {}
    value |= {"segments": [cap.segment], "max": cap.most, "window": cap.window}
    return Edit(kind="add", section="caps", value=value)


def _cap(cap: Cap) -> Knob:
    return Knob(
        section="caps",
        part=cap.name,
        field="max",
        value=cap.max,
        window=_window(cap.window, cap.calendar),
        watches=cap.mode == "monitor",
    )


def _limit(limit: Limit) -> Iterator[Knob]:
    windows = {"rate": limit.per, "max": _window(limit.window, limit.calendar), "concurrent": ""}
    for field, window in windows.items():
        value: int | msgspec.UnsetType | None = getattr(limit, field)
        if value is not msgspec.UNSET:
            yield Knob(
                section="limits",
                part=limit.name,
                field=field,
                value=value,
                window=window,
                watches=limit.mode == "monitor",
            )
            return


def _window(window: str | None, calendar: Calendar | None) -> str:
    return window or (calendar.unit if calendar else "")
