"""How a revision answers a call. Pure: the same input gives the same decision, so any of them can be replayed."""

from collections.abc import Callable, Mapping

import msgspec

from gateway.core import consent_texts, texts
from gateway.core.call import UNREADABLE_SUBJECT, Agent, Call, Facts, Operation, Route
from gateway.core.cells import shared
from gateway.core.consent_rules import Missing, look_at
from gateway.core.errors import Reason
from gateway.core.experiments import about, covering, holding
from gateway.core.limits import Bucket, Context, DimensionMissing, limit_bucket
from gateway.core.objectives import ObjectiveRule, served
from gateway.core.policy.ruling import Rule
from gateway.core.policy.vocabulary import Message, cited, duration_ms
from gateway.core.pressure import cap_buckets, score_bucket
from gateway.core.progress import NOBODY_KNOWS, Progress
from gateway.core.quiet_hours import covers, wait_ms
from gateway.core.record import RuleLook, Verdict
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.routing import unit_of
from gateway.core.sequences import step_bucket


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
    citation: str = ""
    """What the refusal rests on, in the policy's words."""
    details: tuple[tuple[str, str], ...] = ()
    """(key, value) pairs that the refusal tells machines besides."""
    looks: tuple[RuleLook, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    claims: tuple[Bucket, ...] = ()
    """For a call that is kept: caps with priorities, in which it holds a slot against what is less important."""
    level: str = ""
    """For a hold: "approve" where the gateway makes the call on approval, "suggest" where people act themselves."""
    max_defer_ms: int = 0
    """For a call that is put off by `retry_after_ms`: how long it is kept at most."""
    would: str = ""
    """For an agent that only observes: what would have come of the call, "OK" or a `Reason`."""
    redacting: tuple[str, ...] = ()
    """The rules whose fields are taken out of the request or the reply, in the revision's order."""
    failing: bool = False
    """Whether a rule failed at run time; which, the looks say."""
    holdouts: tuple[str, ...] = ()
    """The holdouts in which the customer was looked for."""
    objective: str = ""
    """The objective that the call serves, or would."""


def decide(
    revision: Revision,
    policy: MethodPolicy,
    *,
    agent: Agent,
    call: Call,
    facts: Facts,
    route: Route,
    ref: Callable[[str], str],
    now_ms: int,
    approved: bool = False,
    progress: Mapping[str, Progress] = NOBODY_KNOWS,
    values: Mapping[str, object] | None = None,
) -> Decision:
    """Evaluate every rule of the method: any that denies wins, then any that holds, else at least one must allow.

    `now_ms` is milliseconds since the epoch, `ref` makes the pseudonym of a text. The looks are in the revision's order
    and name only rules that applied. `approved`: a person has approved this call, which waives what asks for a person,
    and nothing else: holds, the level "approve", caps and sequences that want a review. `progress` is how objectives
    stand, by their names. `values` is what `unrouted` gives of the same call, where that was needed before.
    """
    aim = served(policy.objectives, agent=agent, call=call, facts=facts, now_ms=now_ms) if policy.objectives else None
    objective = "" if aim is None else aim.name
    if values is None:
        values = unrouted(revision, policy, agent=agent, call=call, facts=facts, now_ms=now_ms, progress=progress)
    values = with_route(revision, values, route=route)
    looked = _look(policy.rules, policy.conditions.evaluate(values, now_ms=now_ms))
    looks, denying = looked.looks, looked.denying
    if denying is not None:
        return Decision(
            failing=looked.failing,
            verdict=Verdict.DENY,
            reason=Reason(denying.reason),
            rule=denying.name,
            message=denying.message,
            retry_after_ms=None if denying.retry_after is None else duration_ms(denying.retry_after),
            citation=cited(denying.citation),
            looks=looks,
            objective=objective,
        )
    granting = looked.allowing or looked.holding
    if granting is None:
        return Decision(
            verdict=Verdict.DENY,
            reason=Reason.POLICY_DENIED,
            looks=looks,
            failing=looked.failing,
            objective=objective,
        )
    barred, asked = _barred(revision, agent, call=call, facts=facts, now_ms=now_ms)
    looks += asked
    holdouts = about(revision.holdouts, call) if revision.holdouts and call.operation is Operation.CONTACT else ()
    if barred is not None:
        return msgspec.structs.replace(
            barred, looks=looks, failing=looked.failing, holdouts=holdouts, objective=objective
        )
    quiet, watched = _quiet(revision, call, facts=facts, now_ms=now_ms)
    looks += watched
    level = policy.autonomy.get(agent.name, "")
    if quiet is None or quiet.verdict is Verdict.DEFER:  # what waits for a person may wait for the hours as well
        quiet = _held(looked.holding, level, approved=approved) or quiet
    context = Context(agent, call, route, facts, values, ref, now_ms)
    if quiet is not None and (quiet.verdict is Verdict.DENY or level != "observe"):
        claims = () if quiet.verdict is Verdict.DENY else _claims(policy, context)
        return msgspec.structs.replace(
            quiet, looks=looks, failing=looked.failing, claims=claims, holdouts=holdouts, objective=objective
        )
    try:
        buckets = _buckets(policy, context, aim=aim, approved=approved)
    except DimensionMissing as missing:
        return Decision(
            verdict=Verdict.DENY,
            reason=missing.reason,
            rule=missing.limit,
            message=Message(
                en=texts.lacks_dimension(missing.limit, missing.dimension, language="en"),
                fr=texts.lacks_dimension(missing.limit, missing.dimension, language="fr"),
            ),
            citation=missing.citation,
            looks=looks,
            failing=looked.failing,
            holdouts=holdouts,
            objective=objective,
        )
    if revision.cells and (cells := revision.cells.get(agent.tenant)):
        buckets = shared(buckets, cells, divided=revision.divided)
    if level == "observe":
        would = quiet.reason if quiet is not None and quiet.reason is not None else "OK"
        reason = Reason.AUTONOMY_OBSERVE
        return Decision(
            verdict=Verdict.DENY,
            reason=reason,
            looks=looks,
            buckets=buckets,
            would=would,
            failing=looked.failing,
            holdouts=holdouts,
            objective=objective,
        )
    return Decision(
        verdict=Verdict.ALLOW,
        rule=granting.name,
        looks=looks,
        buckets=buckets,
        redacting=looked.redacting,
        failing=looked.failing,
        holdouts=holdouts,
        objective=objective,
    )


def _barred(
    revision: Revision, agent: Agent, *, call: Call, facts: Facts, now_ms: int
) -> tuple[Decision | None, tuple[RuleLook, ...]]:
    """The refusal of a call that the rules allow, for what it lacks; and which consents or holdout were looked at."""
    if not revision.lineage.traced(agent, call):
        named = (("inference", f"decisions/{call.inference}"),) if call.inference else ()
        return Decision(verdict=Verdict.DENY, reason=Reason.LINEAGE_UNKNOWN, details=named), ()
    if call.operation is not Operation.CONTACT or not (revision.consents or revision.holdouts):
        return None, ()
    return _unwelcome(revision, call, facts=facts, now_ms=now_ms)


def _held(holding: Rule | None, level: str, *, approved: bool) -> Decision | None:
    """The hold that a rule or the agent's level of autonomy wants; `None` where nobody need look at the call."""
    if level != "suggest" and (approved or (holding is None and level != "approve")):
        return None
    return Decision(
        verdict=Verdict.HOLD,
        reason=Reason.APPROVAL_REQUIRED,
        rule="" if holding is None else holding.name,
        message=None if holding is None else holding.message,
        level="suggest" if level == "suggest" else "approve",
    )


def values_of(
    revision: Revision,
    policy: MethodPolicy,
    *,
    agent: Agent,
    call: Call,
    facts: Facts,
    route: Route,
    now_ms: int,
    progress: Mapping[str, Progress] = NOBODY_KNOWS,
) -> Mapping[str, object]:
    """What expressions see of a call."""
    before = unrouted(revision, policy, agent=agent, call=call, facts=facts, now_ms=now_ms, progress=progress)
    return with_route(revision, before, route=route)


def unrouted(
    revision: Revision,
    policy: MethodPolicy,
    *,
    agent: Agent,
    call: Call,
    facts: Facts,
    now_ms: int,
    progress: Mapping[str, Progress] = NOBODY_KNOWS,
) -> Mapping[str, object]:
    """What they see of one whose route is not known yet."""
    engine = revision.engine
    values = {
        "request": call.request,
        "agent": revision.agent_values[agent.name],
        "call": engine.call_value(call),
    }
    if facts is not UNREADABLE_SUBJECT:
        values["facts"] = engine.facts_value(facts)
    if policy.reads_objective:
        aim = served(policy.objectives, agent=agent, call=call, facts=facts, now_ms=now_ms)
        values["objective"] = (
            engine.no_objective if aim is None else engine.objective_value(aim, progress.get(aim.name), now_ms=now_ms)
        )
    return values


def with_route(revision: Revision, values: Mapping[str, object], *, route: Route) -> Mapping[str, object]:
    """What they see once its route is known too."""
    return {**values, "route": revision.engine.route_value(route)}


def _unwelcome(
    revision: Revision, call: Call, *, facts: Facts, now_ms: int
) -> tuple[Decision | None, tuple[RuleLook, ...]]:
    """The refusal of a contact that the customer is to be spared, or has not agreed to; and what was looked at."""
    held_out = _held_out(revision, call, facts=facts)
    if held_out is not None:
        known = held_out.reason is Reason.HELD_OUT
        return held_out, (RuleLook(rule=held_out.rule, effect="holdout"),) if known else ()
    unmet, looks = look_at(revision.consents, call, facts=facts, now_ms=now_ms)
    return None if unmet is None else _lacks(unmet, call, now_ms=now_ms), looks


def _held_out(revision: Revision, call: Call, *, facts: Facts) -> Decision | None:
    """The refusal of a contact with somebody who is held out, or of whom nobody can say now whether they are."""
    first = covering(revision.holdouts, call)
    if not first:
        return None
    unit = unit_of(call, facts)
    if not unit:
        en, fr = (texts.holdout_unknown(language=language) for language in texts.LANGUAGES)
        reason = Reason.STORE_UNAVAILABLE
        return Decision(verdict=Verdict.DENY, reason=reason, rule=first, message=Message(en=en, fr=fr))
    holdout = holding(revision.holdouts, call, unit=unit)
    return Decision(verdict=Verdict.DENY, reason=Reason.HELD_OUT, rule=holdout) if holdout else None


def _lacks(missing: Missing, call: Call, *, now_ms: int) -> Decision:
    """The refusal for a consent that is missing; it says when to come back where waiting is all that is needed."""
    opens_ms, unknown = missing.standing.opens_ms, missing.standing.status == "unknown"
    return Decision(
        verdict=Verdict.DENY,
        reason=Reason.STORE_UNAVAILABLE if unknown else Reason.CONSENT_MISSING,
        rule=missing.rule.name,
        message=consent_texts.refusal(missing, call),
        retry_after_ms=opens_ms - now_ms if opens_ms else None,
        citation=missing.rule.citation,
        details=consent_texts.metadata(missing, call),
    )


def _quiet(
    revision: Revision, call: Call, *, facts: Facts, now_ms: int
) -> tuple[Decision | None, tuple[RuleLook, ...]]:
    """The refusal by the quiet hours that last longest, and all that were met; a delay where all of them keep calls."""
    refusal, longest, looks, max_defer_ms = None, 0, [], None
    for rule in revision.quiet_hours if call.operation is Operation.CONTACT else ():
        wait = wait_ms(rule, facts, now_ms=now_ms) if covers(rule, call) else 0
        if wait == 0:
            continue
        effect, until_ms = "defer" if rule.max_defer_ms else "deny", now_ms + wait if wait > 0 else -1
        looks.append(RuleLook(rule=rule.name, effect=effect, mode=rule.mode, until_ms=until_ms))
        if rule.mode != "enforce":
            continue
        max_defer_ms = rule.max_defer_ms if max_defer_ms is None else min(max_defer_ms, rule.max_defer_ms)
        if longest >= 0 and (wait < 0 or wait > longest):
            longest = wait
            refusal = Decision(
                verdict=Verdict.DENY,
                reason=Reason.QUIET_HOURS,
                rule=rule.name,
                message=rule.message,
                retry_after_ms=wait if wait > 0 else None,
                citation=rule.citation,
            )
    if refusal is not None and max_defer_ms and 0 < longest <= max_defer_ms:
        refusal = Decision(
            verdict=Verdict.DEFER,
            reason=Reason.DEFERRED,
            rule=refusal.rule,
            retry_after_ms=longest,
            max_defer_ms=max_defer_ms,
        )
    return refusal, tuple(looks)


class _Looked(msgspec.Struct, frozen=True):
    """What the rules came to: those that applied, and the first enforced ones that allow, that hold and that deny."""

    looks: tuple[RuleLook, ...]
    allowing: Rule | None
    holding: Rule | None
    denying: Rule | None
    redacting: tuple[str, ...]
    failing: bool


def _look(rules: tuple[Rule, ...], results: list[bool | str]) -> _Looked:
    looks = []
    allowing = holding = denying = None
    redacting: list[str] = []
    failing = False
    # Of twenty rules one or two apply: leaving the others out in one go takes half the time.
    for rule, result in [pair for pair in zip(rules, results, strict=True) if pair[1] is not False]:
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
        elif error:  # a failed rule never grants anything: on_error "allow" only leaves it out
            continue
        elif effect == "hold":
            holding = holding or rule
        else:
            allowing = allowing or rule
    return _Looked(tuple(looks), allowing, holding, denying, tuple(redacting), failing)


def _buckets(
    policy: MethodPolicy, context: Context, *, aim: ObjectiveRule | None, approved: bool
) -> tuple[Bucket, ...]:
    found = [limit_bucket(rule, context) for rule in policy.limits]
    for cap in policy.caps:
        found += cap_buckets(cap, context)
    if policy.score is not None:
        found.append(score_bucket(policy.score, context.call))
    found += [step_bucket(rule, context) for rule in policy.steps]
    if aim is not None and context.call.operation is Operation.CONTACT:
        found += aim.buckets
    buckets = tuple([bucket for bucket in found if bucket is not None])
    return tuple([_waived(bucket) for bucket in buckets]) if approved else buckets


def _claims(policy: MethodPolicy, context: Context) -> tuple[Bucket, ...]:
    caps = [cap_buckets(cap, context) for cap in policy.caps if cap.ranks is not None]
    return tuple([bucket for buckets in caps for bucket in buckets if bucket.kind == "cap"])


def _waived(bucket: Bucket) -> Bucket:
    """The bucket as it is for a call that a person has approved: one that asks for a person refuses no longer."""
    asks = bucket.on_exceed == "review" and bucket.mode == "enforce"
    return msgspec.structs.replace(bucket, mode="waived") if asks else bucket
