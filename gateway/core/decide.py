"""How a revision answers a call. Pure: the same input gives the same decision, so any of them can be replayed."""

import msgspec

from gateway.core import texts
from gateway.core.call import Agent, Call, Facts, Operation, Route
from gateway.core.errors import Reason
from gateway.core.limits import Bucket, DimensionMissing, rate_bucket
from gateway.core.pressure import cap_bucket
from gateway.core.quiet_hours import covers, wait_ms
from gateway.core.record import RuleLook, Verdict
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.revision.document import Message, Rule, duration_ms


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules say, and for an allowed call which buckets it must still take."""

    verdict: Verdict
    reason: Reason | None = None
    rule: str = ""
    """The rule that decided; for a refusal nobody wrote a rule for, empty."""
    message: Message | None = None
    """The refusal in the rule's own words, where it has any."""
    retry_after_ms: int | None = None
    """When the rule's author says that it is worth coming back."""
    looks: tuple[RuleLook, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    redacting: tuple[str, ...] = ()
    """The rules whose fields are taken out of the request or the reply, in the revision's order."""
    failing: bool = False
    """Whether a rule failed at run time; which, the looks say."""


def decide(
    revision: Revision, policy: MethodPolicy, *, agent: Agent, call: Call, facts: Facts, route: Route, now_ms: int
) -> Decision:
    """Evaluate every rule of the method: any that denies wins, at least one must allow.

    `now_ms` is milliseconds since the epoch. The looks are in the revision's order and name only rules that applied.
    """
    engine = revision.engine
    values = {
        "request": call.request,
        "agent": revision.agent_values[agent.name],
        "call": engine.call_value(call),
        "facts": engine.facts_value(facts),
        "route": engine.route_value(route),
    }
    looked = _look(policy.rules, policy.conditions.evaluate(values, now_ms=now_ms))
    looks, allowing, denying = looked.looks, looked.allowing, looked.denying
    if denying is not None:
        return Decision(
            failing=looked.failing,
            verdict=Verdict.DENY,
            reason=Reason(denying.reason),
            rule=denying.name,
            message=denying.message,
            retry_after_ms=None if denying.retry_after is None else duration_ms(denying.retry_after),
            looks=looks,
        )
    if allowing is None:
        return Decision(verdict=Verdict.DENY, reason=Reason.POLICY_DENIED, looks=looks, failing=looked.failing)
    quiet, watched = _quiet(revision, call, facts=facts, now_ms=now_ms)
    looks += watched
    if quiet is not None:
        return msgspec.structs.replace(quiet, looks=looks, failing=looked.failing)
    try:
        buckets = _buckets(policy, agent, call=call, route=route)
    except DimensionMissing as missing:
        return Decision(
            verdict=Verdict.DENY,
            reason=Reason.LIMIT_EXCEEDED,
            rule=missing.limit,
            message=Message(
                en=texts.lacks_dimension(missing.limit, missing.dimension, language="en"),
                fr=texts.lacks_dimension(missing.limit, missing.dimension, language="fr"),
            ),
            looks=looks,
            failing=looked.failing,
        )
    return Decision(
        verdict=Verdict.ALLOW,
        rule=allowing.name,
        looks=looks,
        buckets=buckets,
        redacting=looked.redacting,
        failing=looked.failing,
    )


def _quiet(
    revision: Revision, call: Call, *, facts: Facts, now_ms: int
) -> tuple[Decision | None, tuple[RuleLook, ...]]:
    """The refusal by the quiet hours that last longest, and all that were met."""
    refusal, longest, looks = None, 0, []
    for rule in revision.quiet_hours if call.operation is Operation.CONTACT else ():
        wait = wait_ms(rule, facts, now_ms=now_ms) if covers(rule, call) else 0
        if wait == 0:
            continue
        looks.append(RuleLook(rule=rule.name, effect="deny", mode=rule.mode))
        if rule.mode == "enforce" and longest >= 0 and (wait < 0 or wait > longest):
            longest = wait
            refusal = Decision(
                verdict=Verdict.DENY,
                reason=Reason.QUIET_HOURS,
                rule=rule.name,
                message=rule.message,
                retry_after_ms=wait if wait > 0 else None,
            )
    return refusal, tuple(looks)


class _Looked(msgspec.Struct, frozen=True):
    """What the rules came to: those that applied, and the first enforced ones that allow and that deny."""

    looks: tuple[RuleLook, ...]
    allowing: Rule | None
    denying: Rule | None
    redacting: tuple[str, ...]
    failing: bool


def _look(rules: tuple[Rule, ...], results: list[bool | str]) -> _Looked:
    looks = []
    allowing = denying = None
    redacting: list[str] = []
    failing = False
    for rule, result in zip(rules, results, strict=True):
        if result is False:
            continue
        error = result if isinstance(result, str) else ""
        effect: str = rule.effect
        if error:
            effect, failing = rule.on_failure, True
        looks.append(RuleLook(rule=rule.name, effect=effect, mode=rule.mode, error=error))
        if rule.mode == "monitor":
            continue
        if effect == "deny":
            denying = denying or rule
        elif effect == "redact":
            redacting.append(rule.name)
        elif not error:  # a failed rule never grants anything: on_error "allow" only leaves it out
            allowing = allowing or rule
    return _Looked(tuple(looks), allowing, denying, tuple(redacting), failing)


def _buckets(policy: MethodPolicy, agent: Agent, *, call: Call, route: Route) -> tuple[Bucket, ...]:
    found = [rate_bucket(rule, agent, call=call, route=route) for rule in policy.limits]
    found += [cap_bucket(rule, call) for rule in policy.caps]
    return tuple(bucket for bucket in found if bucket is not None)
