"""Two people have edited one policy: puts both edits together, part by part, or says where they meet. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core.changes import Place, parts
from gateway.core.policy.document import Document
from gateway.core.policy.vocabulary import Part

_NOTHING: Final = object()
_ORDERED: Final = ("routes",)
"""Sections whose order says what is tried first, so that two new parts at one place are a question for people."""


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    document: Document | None
    """Both edits together; `None` where they meet."""
    conflicts: tuple[Place, ...] = ()
    """Parts that both have changed, each in another way. Without a name: the order of a section's parts."""


def merge(base: Document, ours: Document, theirs: Document) -> Merge:
    """Both edits of `base` together. Whose is called ours makes no difference.

    Parts are taken whole: two edits of one part meet, even where they concern different fields of it. The result is to
    be checked like any other policy, since one edit may need what the other has removed.
    """
    sections: dict[str, Any] = {}
    conflicts: list[Place] = []
    three = [_by_section(document) for document in (base, ours, theirs)]
    for section in Document.__struct_fields__:
        was, one, two = (document.get(section, {}) for document in three)
        taken = {
            name: _taken(was.get(name, _NOTHING), one.get(name, _NOTHING), two.get(name, _NOTHING))
            for name in dict.fromkeys((*was, *sorted({*one, *two})))
        }
        conflicts += [Place(section, name) for name, part in taken.items() if part is None]
        kept = {name: part for name, part in taken.items() if part is not None and part is not _NOTHING}
        names = _order(list(was), list(one), list(two), kept=kept, ordered=section in _ORDERED)
        if names is None:
            conflicts.append(Place(section))
        listed = isinstance(getattr(base, section), tuple)
        sections[section] = tuple(kept[name] for name in names or ()) if listed else kept.get("")
    if conflicts:
        return Merge(document=None, conflicts=tuple(conflicts))
    return Merge(document=Document(**sections))


def _by_section(document: Document) -> Mapping[str, Mapping[str, Part | str]]:
    found: dict[str, dict[str, Part | str]] = {}
    for place, part in parts(document).items():
        found.setdefault(place.section, {})[place.name] = part
    return found


def _taken(was: object, one: object, two: object) -> object:
    """What both edits make of a part; `_NOTHING` where it is gone, `None` where they differ."""
    if _same(one, two) or _same(two, was):
        return one
    return two if _same(one, was) else None


def _same(one: object, two: object) -> bool:
    if one is _NOTHING or two is _NOTHING:
        return one is two
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(two, order="sorted")


def _order(
    was: Sequence[str], one: Sequence[str], two: Sequence[str], *, kept: Iterable[str], ordered: bool
) -> list[str] | None:
    """The names of a section in the order that both edits agree on; `None` where they do not."""
    staying = set(kept)
    stay = [[name for name in names if name in was and name in staying] for names in (was, one, two)]
    stay = [[name for name in names if all(name in each for each in stay)] for names in stay]
    if stay[1] == stay[2] or stay[2] == stay[0]:
        spine = stay[1]
    elif stay[1] == stay[0]:
        spine = stay[2]
    else:
        return None
    first, second = (_added(names, set(spine), staying) for names in (one, two))
    found: list[str] = []
    for anchor in ("", *spine):
        found += [anchor] if anchor else []
        here, there = first.get(anchor, []), second.get(anchor, [])
        if here and there and here != there:
            if ordered:
                return None
            here = sorted({*here, *there})
        found += [name for name in here or there if name not in found]
    return found


def _added(names: Sequence[str], spine: set[str], staying: set[str]) -> dict[str, list[str]]:
    """What stands behind each name of the spine, or first, and is not of it."""
    found: dict[str, list[str]] = {}
    anchor = ""
    for name in names:
        if name in spine:
            anchor = name
        elif name in staying:
            found.setdefault(anchor, []).append(name)
    return found
