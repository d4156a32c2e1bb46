"""Rules across calls: what may not follow on what within a time.

The first step leaves a mark when it is admitted, the second step looks for one; both in the atomic step of admission,
so that two calls at once cannot pass each other.
"""

import msgspec

from gateway.core.errors import Reason
from gateway.core.limits import Bucket, Context, DimensionMissing, Expression, keyed


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
    says: tuple[str, ...] = ()
    """The refusal in English and French; empty for the usual one."""
    citation: str = ""


def step_bucket(rule: StepRule, context: Context) -> Bucket | None:
    """The mark to look for or to leave; `None` where the call is no such step.

    A step whose condition fails is one all the same: better too many than too few.

    Raises:
        DimensionMissing: the `key` of a second step, enforced, fails or gives nothing.
    """
    if rule.when is not None and rule.when.value(context.values, now_ms=context.now_ms) is False:
        return None
    if rule.by == "subject" and not context.call.subject_ref:  # about nobody, so it follows on nothing
        return None
    try:
        by = _by(rule, context)
    except DimensionMissing as missing:
        if rule.looks and rule.mode == "enforce":
            raise DimensionMissing(rule.name, missing.dimension, reason=Reason.POLICY_DENIED) from missing
        return None
    return Bucket(
        limit=rule.name,
        kind="sequence" if rule.looks else "trail",
        by=by,
        capacity=1,
        period_ms=rule.within_ms,
        mode=rule.mode,
        says=rule.says,
        citation=rule.citation,
        cost=0,
        who=rule.who,
        agent=context.agent.name,
        on_exceed="review" if rule.effect == "hold" else "deny",
    )


def _by(rule: StepRule, context: Context) -> str:
    if rule.key is not None:
        return f"key={keyed(rule.name, rule.key, context)}"
    return f"agent={context.agent.name}" if rule.by == "agent" else f"subject={context.call.subject_ref}"
