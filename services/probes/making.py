"""Makes suites out of what was recorded: of a finding's evidence, and of a decision that people found wrong. Pure.

What must hold follows from what the finding says: who is treated unequally must not be by their name or gender; what
is too much must not become more permissive by one contact more; whom one agent is refused, another one is refused too.
Where no such thing follows, a probe says what was recorded, for people to put right.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import yaml

from gateway.core.revision.compiled import Revision
from services.probes.recorded import Recorded, base_of, missing_of, shape_of
from services.probes.suite import STRICTNESS
from services.probes.texts import say

MOST_BASES: Final = 10
_CONTACTS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("1d",),
    ("1d", "2d"),
    ("1d", "2d", "3d"),
    ("1d", "2d", "3d", "4d"),
)
_PERSONS: Final = (
    {"field": "facts.traits.first_name", "known": "first-names"},
    {"field": "facts.traits.gender", "known": "genders"},
    {"field": "facts.traits.postcode", "known": "postcodes"},
)
_MUCH: Final = frozenset({"pressure", "saturation", "adding-up", "probing"})
"""Kinds of findings that say that something is too much."""


class Base(msgspec.Struct, frozen=True):
    """A call that was recorded, perhaps several times, and what came of most of them."""

    data: Mapping[str, Any]
    recorded: Recorded


def suite_of(
    kind: str,
    recorded: Sequence[Recorded],
    revision: Revision,
    *,
    name: str,
    title: str,
    of: str,
    agents: Sequence[str] = (),
    language: str,
) -> str | None:
    """A suite as YAML out of what a finding of that kind is about; `None`: of none of these calls one can be made.

    `title` and `of` say what the finding is and its name, and `agents` are those that it is about. The same calls give
    the same suite.
    """
    bases = bases_of(recorded, revision)
    probes = [each for base in bases for each in _probes(kind, base, agents)]
    if not probes:
        return None
    missing = ", ".join(missing_of([each.recorded for each in bases]))
    description = say("made-of-finding", language=language, title=title, name=of, missing=missing)
    if any(each["kind"] == "expect" for each in probes):
        description += " " + say("made-as-recorded", language=language)
    return as_text(
        {
            "suite": name,
            "description": description,
            "bases": [dict(each.data) for each in bases],
            "probes": probes,
        }
    )


def bases_of(recorded: Sequence[Recorded], revision: Revision) -> tuple[Base, ...]:
    """Each call once, in the order of the decisions, at most `MOST_BASES`."""
    found: dict[bytes, list[tuple[dict[str, Any], Recorded]]] = {}
    for each in sorted(recorded, key=lambda one: one.id):
        data = base_of(each, revision, name="base")
        if data is not None:
            found.setdefault(shape_of(data), []).append((data, each))
    bases = []
    for number, same in enumerate(list(found.values())[:MOST_BASES], 1):
        outcomes = Counter((each.verdict, each.reason) for _, each in same)
        (most, _), *_others = outcomes.most_common()
        data, one = next((data, each) for data, each in same if (each.verdict, each.reason) == most)
        bases.append(Base(data | {"name": f"call-{number}"}, one))
    return tuple(bases)


def as_text(suite: Mapping[str, Any]) -> str:
    """A suite as YAML."""
    return yaml.safe_dump(dict(suite), sort_keys=False, allow_unicode=True, width=110)


def _probes(kind: str, base: Base, agents: Sequence[str]) -> list[dict[str, Any]]:
    name = str(base.data["name"])
    own = {"base": name}
    if kind == "fairness":
        return [
            {"name": f"{name}-whoever-it-is", "kind": "invariance", **own, "vary": [dict(each) for each in _PERSONS]}
        ]
    if kind in _MUCH:
        values = [list(each) for each in _CONTACTS]
        return [{"name": f"{name}-more-contacts", "kind": "direction", **own, "along": "contacts", "values": values}]
    others = [each for each in agents if each != base.data["agent"]]
    if kind == "around" and others and base.recorded.verdict != "ALLOW":
        vary = [{"field": "agent", "values": others}]
        return [{"name": f"{name}-whichever-agent", "kind": "invariance", **own, "vary": vary}]
    if kind == "around" and others:
        return []  # what the other agent did: that it is refused too is what the probe of the refused one says
    if base.recorded.verdict not in STRICTNESS:
        return []
    wanted: dict[str, str] = {"verdict": base.recorded.verdict}
    wanted |= {"reason": base.recorded.reason} if base.recorded.verdict != "ALLOW" and base.recorded.reason else {}
    return [{"name": f"{name}-as-recorded", "kind": "expect", **own, "expect": wanted}]
