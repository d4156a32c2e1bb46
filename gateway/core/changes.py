"""What has changed between two policies: section by section, part by part, field by field. Pure.

A policy is walked as parts: each has a section and, in sections that list several, a name. The one walk serves whoever
tells what a new revision would change, and whoever puts the edits of two people together.
"""

import bisect
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from gateway.core.policy.document import Document
from gateway.core.policy.vocabulary import Part

_KEYS: Final = ("name", "id", "version", "method")
"""What tells the elements of a list within a part from each other, where they have one of these."""


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a part stands in a policy."""

    section: str
    name: str = ""
    """Empty in sections that are one thing, such as `pressure` or `description`."""


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field that differs: `old` and `new` as plain data; UNSET where there was or is nothing."""

    path: tuple[str, ...]
    """From the part on: field names, keys of maps, and names of listed things, ("arms", "champion", "weight") say.
    Empty where a section that is no struct, such as `description`, is another text."""
    old: Any = msgspec.UNSET
    new: Any = msgspec.UNSET
    reordered: bool = False
    """The things listed there stand in another order; `old` and `new` are their names."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One part that was added, removed, changed, or moved to another place in its section."""

    kind: Literal["added", "removed", "changed", "moved"]
    place: Place
    old: Part | str | None = None
    """The part as it was; `None` where it is added."""
    new: Part | str | None = None
    """The part as it is; `None` where it is removed."""
    fields: tuple[FieldChange, ...] = ()
    """Of a part that has changed: what differs, in the order of its fields."""
    after: str = ""
    """Of one that was added or moved: the part that it now stands behind; empty: it is the first."""


def parts(document: Document) -> Mapping[Place, Part | str]:
    """The document's parts, in its order. A section that says nothing (`pressure`) has none."""
    found: dict[Place, Part | str] = {}
    for section in Document.__struct_fields__:
        value = getattr(document, section)
        if isinstance(value, tuple):
            found.update({Place(section, part.name): part for part in value})
        elif value is not None:
            found[Place(section)] = value
    return found


def changes(old: Document, new: Document) -> tuple[Change, ...]:
    """What leads from one checked document to another, in the order of `new` within each section, removals first.

    A part whose fields and place have both changed is told twice. Order is told wherever it differs: of routes it says
    which is tried first, of other sections at most which of several refusals is named.
    """
    before, after = parts(old), parts(new)
    return tuple(
        change
        for section in Document.__struct_fields__
        for change in _section(
            {place.name: part for place, part in before.items() if place.section == section},
            {place.name: part for place, part in after.items() if place.section == section},
            section=section,
        )
    )


def applied(document: Document, made: Sequence[Change]) -> Document:
    """The document with these changes made: `applied(old, changes(old, new)) == new`.

    Upon another document than they were found for, parts replace what is there whole; one that should stand behind a
    part that is not there goes to the end of its section.

    Raises:
        ValueError: a part that should change, move or go is not there, or one that should be added is there already.
    """
    sections: dict[str, dict[str, Part | str]] = {}
    for place, part in parts(document).items():
        sections.setdefault(place.section, {})[place.name] = part
    for change in made:
        there = sections.setdefault(change.place.section, {})
        if (change.place.name in there) is (change.kind == "added"):
            raise ValueError(f"{change.place.section} {change.place.name!r} cannot be {change.kind}")
    for section, there in sections.items():
        sections[section] = _made(there, [change for change in made if change.place.section == section])
    values: dict[str, Any] = {}
    for section in Document.__struct_fields__:
        there = sections.get(section, {})
        listed = isinstance(getattr(document, section), tuple)
        values[section] = tuple(there.values()) if listed else there.get("")
    return Document(**values)


def differences(old: object, new: object, path: tuple[str, ...] = ()) -> tuple[FieldChange, ...]:
    """Where two values of a policy differ, as deep as they can be compared."""
    if isinstance(old, Part) and type(old) is type(new):
        return tuple(
            difference
            for field, name in zip(old.__struct_fields__, old.__struct_encode_fields__, strict=True)
            for difference in differences(getattr(old, field), getattr(new, field), (*path, name))
        )
    if isinstance(old, dict) and isinstance(new, dict):
        return _of_keys(old, new, path)
    if isinstance(old, tuple) and isinstance(new, tuple):
        before, after = _by_key(old), _by_key(new)
        if before is not None and after is not None:
            return _of_keys(before, after, path) + _order(list(before), list(after), path)
    if old is new or _json(old) == _json(new):  # not ==: to Python 1, 1.0 and true are the same
        return ()
    return (FieldChange(path=path, old=_plain(old), new=_plain(new)),)


def _section(before: Mapping[str, Part | str], after: Mapping[str, Part | str], *, section: str) -> tuple[Change, ...]:
    found = [
        Change(kind="removed", place=Place(section, name), old=part)
        for name, part in before.items()
        if name not in after
    ]
    stays = _longest_in_order([name for name in before if name in after], [name for name in after if name in before])
    previous = ""
    for name, part in after.items():
        place, old = Place(section, name), before.get(name)
        if old is None:
            found.append(Change(kind="added", place=place, new=part, after=previous))
        elif fields := differences(old, part):
            found.append(Change(kind="changed", place=place, old=old, new=part, fields=fields))
        if old is not None and name and name not in stays:
            found.append(Change(kind="moved", place=place, old=old, new=part, after=previous))
        previous = name
    return tuple(found)


def _made(there: Mapping[str, Part | str], made: Sequence[Change]) -> dict[str, Part | str]:
    values = {**there, **{change.place.name: change.new for change in made if change.new is not None}}
    leaving = {change.place.name for change in made if change.kind in ("removed", "moved")}
    names = [name for name in there if name not in leaving]
    for change in made:  # in the order of the new document, so each stands before the next one asks for it
        if change.kind in ("added", "moved"):
            at = 0 if not change.after else names.index(change.after) + 1 if change.after in names else len(names)
            names.insert(at, change.place.name)
    return {name: values[name] for name in names}


def _of_keys(old: Mapping[str, object], new: Mapping[str, object], path: tuple[str, ...]) -> tuple[FieldChange, ...]:
    found: list[FieldChange] = []
    for key in dict.fromkeys((*old, *new)):
        if key in old and key in new:
            found += differences(old[key], new[key], (*path, key))
        elif key in old:
            found.append(FieldChange(path=(*path, key), old=msgspec.to_builtins(old[key])))
        else:
            found.append(FieldChange(path=(*path, key), new=msgspec.to_builtins(new[key])))
    return tuple(found)


def _order(old: Sequence[str], new: Sequence[str], path: tuple[str, ...]) -> tuple[FieldChange, ...]:
    """The change of order, where what was there does not stand first and as before."""
    if [key for key in old if key in new] + [key for key in new if key not in old] == list(new):
        return ()
    return (FieldChange(path=path, old=list(old), new=list(new), reordered=True),)


def _by_key(values: tuple[object, ...]) -> dict[str, object] | None:
    """The elements by what tells them from each other; `None` where nothing does."""
    found: dict[str, object] = {}
    for value in values:
        key = next((key for key in _KEYS if isinstance(value, Part) and key in value.__struct_fields__), None)
        if key is None:
            return None
        found[getattr(value, key)] = value
    return found if len(found) == len(values) else None


def _json(value: object) -> bytes:
    return b"" if value is msgspec.UNSET else msgspec.json.encode(value, order="sorted")


def _plain(value: object) -> object:
    return value if value is msgspec.UNSET else msgspec.to_builtins(value)


def _longest_in_order(old: Sequence[str], new: Sequence[str]) -> frozenset[str]:
    """The names that need not move: a longest run of `new` that `old` has in the same order (patience sorting)."""
    at = {name: index for index, name in enumerate(old)}
    tails: list[str] = []
    """The names that runs of each length end with, the earliest in `old`."""
    before: dict[str, str] = {}
    for name in new:
        slot = bisect.bisect_left(tails, at[name], key=at.__getitem__)
        before[name] = tails[slot - 1] if slot else ""
        tails[slot : slot + 1] = [name]
    kept, name = set(), tails[-1] if tails else ""
    while name:
        kept.add(name)
        name = before[name]
    return frozenset(kept)
