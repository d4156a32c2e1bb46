"""Rules across calls: what may not follow on what within a time.

The first step leaves a mark when it is admitted, the second step looks for one; both in the atomic step of admission,
so that two calls at once cannot pass each other.
"""

import msgspec

from gateway.core.limits import Bucket, Context, DimensionMissing, Expression, keyed
from gateway.core.revision.document import Message


class StepRule(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a sequence, for one method."""

    name: str
    by: str
    """"subject", "agent", or empty where `key` says it."""
    within_ms: int
    who: str
    when: Expression | None = None
    key: Expression | None = None
    looks: bool
    """Whether the step looks for a mark (it is the second) or leaves one (the first)."""
    effect: str = "deny"
    mode: str = "enforce"
    message: Message | None = None


def step_bucket(rule: StepRule, context: Context) -> Bucket | None:
    """The mark to look for or to leave; `None` where the call is no such step.

    A first step whose condition fails is one all the same, and so is a second one: better too many than too few.

    Raises:
        DimensionMissing: a second step, enforced, lacks what the sequence is counted by.
    """
    if rule.when is not None and rule.when.value(context.values, now_ms=context.now_ms) is False:
        return None
    try:
        by = _by(rule, context)
    except DimensionMissing:
        if rule.looks and rule.mode == "enforce":
            raise
        return None
    return Bucket(
        limit=rule.name,
        kind="sequence" if rule.looks else "trail",
        by=by,
        capacity=1,
        period_ms=rule.within_ms,
        mode=rule.mode,
        cost=0,
        who=rule.who,
        agent=context.agent.name,
        on_exceed="review" if rule.effect == "hold" else "deny",
    )


def _by(rule: StepRule, context: Context) -> str:
    if rule.key is not None:
        return f"key={keyed(rule.name, rule.key, context)}"
    value = context.agent.name if rule.by == "agent" else context.call.subject_ref
    if not value:
        raise DimensionMissing(rule.name, rule.by)
    return f"{rule.by}={value}"
