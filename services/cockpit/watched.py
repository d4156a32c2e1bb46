"""What is watched of an objective while its period goes on, and how it stood when that was looked at last."""

from typing import Final, Literal

import msgspec

from gateway.core.policy.objectives import Objective
from services.insights.pace.standing import Range, Stands

FALSE_ALARMS: Final = 0.05
"""At most this share of periods in which all objectives of a tenant are met ever has an alert of any of them."""
Part = Literal["target", "guardrail", "budget"]


class Watched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One number of an objective. Ranges are `None` where too little is known to say anything."""

    part: Part
    measure: str
    """A KPI or guardrail of the policy; of a budget "contacts" or "cents"."""
    stands: Stands = Stands.OPEN
    limit: float
    """The target, the most that there may be, or the budget; in the measure's own unit."""
    now: Range | None = None
    """So far, of the days that count."""
    end: Range | None = None
    """What it comes to by the end of the period at this pace; of a share of customers that may still grow, at most."""
    n: int = 0
    """People, answers or contacts that it rests on."""
    days: int = 0
    """From the beginning of the period on, that count."""
    level: float = 1.0
    """Of the intervals, at all looks together."""
    runs_out_ms: int = 0
    """Of a budget at risk: when it is used up at this pace, milliseconds since the epoch."""
    since_ms: int = 0
    """Since when it is at risk; 0: it is not."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """All that is watched of one objective."""

    at_ms: int
    """When it was looked at."""
    watched: tuple[Watched, ...]

    @property
    def at_risk(self) -> tuple[Watched, ...]:
        """What is proven to be at risk, and not proven to be well again since."""
        return tuple(each for each in self.watched if each.since_ms)


def measures_of(objective: Objective) -> tuple[tuple[Part, str], ...]:
    """What is watched of it."""
    budget = objective.budget
    parts: list[tuple[Part, str]] = [("target", objective.kpi)]
    parts += [("guardrail", each.measure) for each in objective.guardrails]
    parts += [("budget", "contacts")] if budget.contacts is not None else []
    parts += [("budget", "cents")] if budget.cents is not None and budget.cents_per_contact else []
    return tuple(parts)


def since(before: Watched | None, now: Watched, *, at_ms: int) -> Watched:
    """It, with since when it is at risk: it stays so until it is proven to be well."""
    known = 0 if before is None or before.limit != now.limit else before.since_ms
    match now.stands:
        case Stands.AT_RISK:
            return msgspec.structs.replace(now, since_ms=known or at_ms)
        case Stands.OPEN:
            return msgspec.structs.replace(now, since_ms=known)
        case _:
            return now
