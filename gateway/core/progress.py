"""How an objective stands: what somebody works out of it now and then, and what rules see of it. Pure.

Whoever works out KPIs puts one `Progress` for each objective into the store, `gateway.adapters.progress`. Gateways read
them every few seconds, beside all calls. A rule that asks while nothing is known gets values that say so, no error.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.core.objectives import ObjectiveRule
from gateway.core.policy.objectives import LESS_IS_BETTER


class GuardrailLook(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a guardrail stands; the same units as `most` in the policy."""

    measure: str
    """As in the policy."""
    value: float | None = None
    """`None`: too little is known to say."""
    low: float | None = None
    high: float | None = None
    """Between both the truth lies, at 95 %."""
    n: int = 0
    """How many contacts or answers that rests on."""


class Progress(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How one objective stands: a KPI over its whole period so far, of all that serves it."""

    at_ms: int
    """When that was worked out, milliseconds since the epoch."""
    value: float | None = None
    """The KPI in its own unit, see `gateway.core.policy.objectives.Kpi`; `None`: too little is known to say."""
    low: float | None = None
    high: float | None = None
    """Between both the truth lies, at 95 %."""
    n: int = 0
    """How many people, contacts or answers that rests on."""
    contacts: int = 0
    """Contacts that were made for it."""
    spent_cents: int = 0
    """What was spent on it, in hundredths of its budget's currency."""
    guardrails: tuple[GuardrailLook, ...] = ()


NOBODY_KNOWS: Final[Mapping[str, Progress]] = {}
"""Of no objective anything is known."""


def share_of_target(kpi: str, value: float, *, target: float) -> float:
    """Which share of its target a KPI has reached: 0 for nothing, 1 and above once it is reached.

    More is better: value / target; of `nps`, which begins at -100, (value + 100) / (target + 100). Less is better: 1
    while the value is not above the target, else target / value. Never below 0. A target of nothing is reached by
    whatever is not below it.
    """
    if kpi in LESS_IS_BETTER:
        return 1.0 if value <= target else max(0.0, target / value)
    if kpi == "nps":
        value, target = value + 100, target + 100
    if target <= 0:
        return 1.0 if value >= target else 0.0
    return max(0.0, value / target)


def breached(progress: Progress, most: Mapping[str, float]) -> tuple[str, ...]:
    """Names of guardrails that are proven to be broken: even the lower end of the interval lies above `most`."""
    return tuple(
        look.measure
        for look in progress.guardrails
        if look.low is not None and look.measure in most and look.low > most[look.measure]
    )


def fields_of(rule: ObjectiveRule, progress: Progress | None, *, now_ms: int) -> dict[str, object]:
    """What rules see of the objective that a call serves, by the fields of `RuleObjective`."""
    elapsed = rule.elapsed(now_ms)
    found: dict[str, object] = {"name": rule.name, "kpi": rule.kpi, "target": rule.target, "elapsed": elapsed}
    if progress is None:
        return found
    found |= {"contacts": progress.contacts, "spent": progress.spent_cents}
    found["breached"] = breached(progress, rule.most)
    if (stands := reached(rule, progress, now_ms=now_ms)) is not None:
        found |= {"known": True, "value": progress.value, "progress": stands[0], "late": stands[1]}
    return found


def reached(rule: ObjectiveRule, progress: Progress, *, now_ms: int) -> tuple[float, bool] | None:
    """The share of its target that an objective has reached, and whether that is late; `None`: too little is known."""
    if progress.value is None:
        return None
    share = share_of_target(rule.kpi, progress.value, target=rule.target)
    # Less than a limit is allowed from the first day on: there only the limit itself says whether one is late.
    return share, share < (1.0 if rule.less_is_better else rule.elapsed(now_ms))
