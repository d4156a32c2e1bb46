"""What objectives are about, compared: which is narrower than another, and which two a call could both serve. Pure."""

from collections.abc import Sequence

import msgspec

from gateway.core.campaigns import spelt
from gateway.core.policy.objectives import Objective


class Scope(msgspec.Struct, frozen=True):
    """What an objective is about. An empty set is about everything; days are texts that sort as they follow."""

    sets: tuple[frozenset[str], ...]
    first: str
    last: str

    def within(self, other: "Scope") -> bool:
        """Whether the other is about all that this one is about."""
        days = other.first <= self.first and self.last <= other.last
        return days and all(not b or (bool(a) and a <= b) for a, b in zip(self.sets, other.sets, strict=True))

    def narrower(self, other: "Scope") -> bool:
        """Whether the other is about all that this one is about, and about more."""
        return self.within(other) and not other.within(self)

    def overlaps(self, other: "Scope") -> bool:
        """Whether there may be a call that both are about. Segments are taken to share nobody."""
        days = self.first <= other.last and other.first <= self.last
        return days and all(not a or not b or bool(a & b) for a, b in zip(self.sets, other.sets, strict=True))


def scope_of(objective: Objective) -> Scope:
    """What it is about. Days of different zones are compared as if they had one."""
    sets: tuple[Sequence[str], ...] = (
        (objective.tenant,),
        objective.agents,
        () if objective.campaign is None else (spelt(objective.campaign),),
        () if objective.segment is None else (objective.segment,),
        objective.channels,
        objective.categories,
    )
    return Scope(tuple(map(frozenset, sets)), objective.period.first, objective.period.last)


def narrowest_first(objectives: Sequence[Objective]) -> tuple[Objective, ...]:
    """The objectives, each before those that it is narrower than, else in their order.

    Whatever is narrower than one is narrower than all that this one is narrower than, so counting them sorts them.
    """
    scopes = [scope_of(each) for each in objectives]
    narrower = [sum(other.narrower(scope) for other in scopes) for scope in scopes]
    return tuple(objectives[place] for place in sorted(range(len(scopes)), key=lambda place: narrower[place]))
