"""What people did in a period, by kind, as the log notes it. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from services.reports.counted import Deed, Period

KINDS: Final = ("held", "stop", "resumed", "policy", "finding", "read", "person", "erasure", "report", "other")
"""In the order in which they are told."""
_OVERSIGHT: Final = frozenset({"held", "stop", "finding"})


def kind_of(deed: Deed) -> str:
    """Which of `KINDS` it is."""
    place, operation = deed.resource.partition("/")[0], deed.operation
    if deed.kind == "erasure":
        return "erasure"
    if deed.kind == "access":
        return "person" if place == "subjects" else "read"
    if place == "stops":
        return "stop" if operation == "create" else "resumed"
    if place == "holds" and operation in ("approve", "refuse"):
        return "held"
    return {"revisions": "policy", "proposals": "policy", "findings": "finding", "reports": "report"}.get(
        place, "other"
    )


def counts(period: Period) -> Mapping[str, tuple[int, int]]:
    """How often each kind was done and by how many people; those that were."""
    times, people = Counter[str](), dict[str, set[str]]()
    for deed in period.deeds:
        kind = kind_of(deed)
        times[kind] += 1
        people.setdefault(kind, set()).add(deed.person)
    return {kind: (times[kind], len(people[kind])) for kind in KINDS if kind in times}


def count_of(period: Period, kind: str) -> int:
    """How often that kind was done."""
    return counts(period).get(kind, (0, 0))[0]


def overseers(period: Period) -> frozenset[str]:
    """Who decided on calls, stopped something or looked after findings."""
    return frozenset(each.person for each in period.deeds if kind_of(each) in _OVERSIGHT and each.person)
