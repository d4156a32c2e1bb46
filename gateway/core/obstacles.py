"""What stood in the way of one call, in the order in which it was met, and what would have to change. Pure.

All of it is said by the record. The policy that decided, where it is at hand, adds what its rules ask for.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from gateway.core.contract import method_matches
from gateway.core.errors import Reason
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Rule
from gateway.core.record import BucketAsk, BucketLook, Outcome, Record, RuleLook, Verdict

Kind = Literal[
    "rule", "failed", "unallowed", "lineage", "holdout", "consent", "quiet_hours", "hold", "level", "observed",
    "lacking", "stop", "bucket", "other",
]  # fmt: skip
"""What it is: a rule that denied, or failed and so did; no rule that allows; an action whose inference is unknown; a
holdout; a consent; quiet hours; a rule, cap or sequence that wants a person first, or the agent's level that does; an
agent that only observes; something that a limit counts by and the call lacks; a stop; a limit, cap, gap, score or
sequence; whatever else `Obstacle.reason` says."""

MOST_CONDITIONS: Final = 20
"""Rules that are named at most where none allowed the call."""

_TEXT: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")
_NAME: Final = re.compile(
    r"""(?<![\w.])(?:request|call|facts|agent|route)(?:\.[A-Za-z_]\w*(?!\s*\(|\w))*|(?<![\w.])now\b"""
)


class Condition(msgspec.Struct, frozen=True):
    """A rule's condition."""

    rule: str
    when: str
    """In CEL; "true" for a rule without one."""
    reads: tuple[str, ...]
    """What it looks at, such as "facts.segments"."""


class Obstacle(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing that stood in the way. Times are milliseconds since the epoch."""

    kind: Kind
    name: str = ""
    """Of the rule, consent, quiet hours, limit, cap or stop."""
    reason: str = ""
    """Of "other": the `Reason`."""
    error: str = ""
    """Of a rule that failed: what went wrong."""
    standing: str = ""
    """Of a consent: how the customer stood to it, as in `RuleLook`."""
    since_ms: int = 0
    channel: str = ""
    purpose: str = ""
    """Of a consent: what the contact was for; its category where it named no purpose."""
    bases: tuple[str, ...] = ()
    """Of a consent: the legal bases that are accepted."""
    hold: str = ""
    """Id of the hold somebody must decide about; empty where the call was not kept."""
    waits: bool = True
    """Whether waiting alone can take it away."""
    free_ms: int = 0
    """From when it stands in the way no longer, by itself; 0 where nobody knows, or waiting does not help."""
    over: int = 0
    """Of a bucket: by how much the call went beyond it; of a score in thousandths."""
    ask: BucketAsk | None = None
    look: BucketLook | None = None
    conditions: tuple[Condition, ...] = ()
    """Of a rule its condition; where none allowed the call, those of the rules that would."""
    policy: bool = False
    """Where none allowed the call: whether the policy was at hand, so that there are no other such rules."""


def obstacles(record: Record, outcome: Outcome, *, document: Document | None = None) -> tuple[Obstacle, ...]:
    """What would have to be otherwise for the call to pass; empty where it was let through.

    `document` is the policy of the record's revision. Admission looks at buckets only once the rules let a call
    through, and consents and quiet hours only once no rule denies it: what comes behind an obstacle of an earlier step
    is not in the record.
    """
    passed = record.verdict is Verdict.ALLOW and (outcome.granted or not (outcome.reason or outcome.refused >= 0))
    if passed:
        return ()
    found = [*_by_rules(record, document), *_people(record, outcome, document), *_by_admission(record, outcome)]
    reason = outcome.reason or record.reason
    return tuple(found) or (Obstacle(kind="other", reason=reason, name=record.rule, waits=reason in _PASSES),)


_PASSES: Final = frozenset(
    {
        *(Reason.STORE_UNAVAILABLE, Reason.UPSTREAM_UNAVAILABLE, Reason.REVISION_MISSING, Reason.DRAINING),
        *(Reason.IDEMPOTENCY_KEY_RUNNING, Reason.DEFERRED),
    }
)
"""Reasons that time may take away."""


def conditions_of(document: Document | None, names: frozenset[str]) -> dict[str, Condition]:
    """The conditions of the rules of these names."""
    rules = () if document is None else document.rules
    return {rule.name: condition(rule) for rule in rules if rule.name in names}


def condition(rule: Rule) -> Condition:
    """A rule's condition, and what it looks at."""
    return Condition(rule.name, rule.when, names_in(rule.when))


def names_in(expression: str) -> tuple[str, ...]:
    """What a CEL expression looks at: the paths that begin with a variable, each once, in their order."""
    bare = _TEXT.sub('""', expression)
    return tuple(dict.fromkeys(found[0] for found in _NAME.finditer(bare)))


def _by_rules(record: Record, document: Document | None) -> Iterator[Obstacle]:
    """What the rules, consents, hours and levels say, in the order in which they are asked."""
    enforced = [look for look in record.rules if look.mode != "monitor"]
    known = conditions_of(document, frozenset(look.rule for look in enforced))
    denying = [look for look in enforced if look.effect == "deny" and not look.standing and look.until_ms == 0]
    yield from (_denied(look, known) for look in denying)
    if record.reason == Reason.POLICY_DENIED and not record.rule and not denying:
        able = _allowing(record, document)
        yield Obstacle(kind="unallowed", waits=False, conditions=able, policy=document is not None)
    if record.reason == Reason.LINEAGE_UNKNOWN:
        yield Obstacle(kind="lineage", name=record.inference, waits=False)
    for look in enforced:
        if look.effect == "holdout":
            yield Obstacle(kind="holdout", name=look.rule, waits=False)
        elif look.standing and look.standing != "granted":
            yield _consent(look, record, document)
        elif look.until_ms:
            yield Obstacle(kind="quiet_hours", name=look.rule, waits=look.until_ms > 0, free_ms=max(0, look.until_ms))
    looked = {look.rule for look in record.rules}
    counted = record.reason in (Reason.LIMIT_EXCEEDED, Reason.CAP_EXCEEDED, Reason.POLICY_DENIED)
    if counted and record.rule and record.rule not in looked and not record.buckets:
        yield Obstacle(kind="lacking", name=record.rule, waits=False)


def _denied(look: RuleLook, known: dict[str, Condition]) -> Obstacle:
    conditions = (known[look.rule],) if look.rule in known else ()
    kind: Kind = "failed" if look.error else "rule"
    return Obstacle(kind=kind, name=look.rule, error=look.error, waits=False, conditions=conditions)


def _allowing(record: Record, document: Document | None) -> tuple[Condition, ...]:
    """The enforced rules that could let a call of the method through."""
    rules = () if document is None else document.rules
    able = [
        rule for rule in rules if rule.mode == "enforce" and rule.effect in ("allow", "hold") and _covers(rule, record)
    ]
    return tuple(condition(rule) for rule in able[:MOST_CONDITIONS])


def _covers(rule: Rule, record: Record) -> bool:
    by_method = not rule.methods or any(method_matches(pattern, record.method) for pattern in rule.methods)
    return by_method and (not rule.operations or record.operation in rule.operations)


def _consent(look: RuleLook, record: Record, document: Document | None) -> Obstacle:
    required = () if document is None else document.consents
    bases = next((each.bases for each in required if each.name == look.rule), ())
    return Obstacle(
        kind="consent",
        name=look.rule,
        standing=look.standing,
        since_ms=look.since_ms,
        channel=record.channel,
        purpose=record.purpose or record.category,
        bases=bases,
        waits=look.standing == "unknown" or look.until_ms > 0,
        free_ms=look.until_ms,
    )


def _people(record: Record, outcome: Outcome, document: Document | None) -> Iterator[Obstacle]:
    """That a person must look at the call first, or that the agent may not act."""
    if record.reason == Reason.AUTONOMY_OBSERVE:
        yield Obstacle(kind="observed", waits=False)
        return
    # Somebody has looked, or nobody need; or the store says what became of the call that this one repeats.
    if record.decider or record.verdict is Verdict.ALLOW or outcome.reason:
        return
    enforced = [look for look in record.rules if look.mode != "monitor"]
    holding = [look.rule for look in enforced if look.effect == "hold"]
    known = conditions_of(document, frozenset(holding))
    for name in holding:
        conditions = (known[name],) if name in known else ()
        yield Obstacle(kind="hold", name=name, hold=record.hold, waits=False, conditions=conditions)
    if record.verdict is Verdict.HOLD and record.rule not in holding:
        # Without a name it is the agent's level; else a cap or sequence that has a person look at what it would refuse.
        yield Obstacle(kind="hold" if record.rule else "level", name=record.rule, hold=record.hold, waits=False)


def _by_admission(record: Record, outcome: Outcome) -> Iterator[Obstacle]:
    """What the store says: stops, idempotency keys, limits and caps."""
    if outcome.stop:
        yield Obstacle(kind="stop", name=outcome.stop, waits=False)
    elif outcome.reason:
        yield Obstacle(kind="other", reason=outcome.reason, waits=outcome.reason in _PASSES)
    if outcome.granted:
        return
    for ask, look in zip(record.buckets, outcome.looks, strict=False):
        if look.wait_ms != 0 and ask.mode not in ("monitor", "waived"):
            yield _bucket(ask, look, at_ms=record.decided_ms)


def _bucket(ask: BucketAsk, look: BucketLook, *, at_ms: int) -> Obstacle:
    """A bucket without room. What runs at a time ends when it ends: of that no time is known."""
    known = look.wait_ms > 0 and ask.kind not in ("concurrency", "quota")
    return Obstacle(
        kind="bucket",
        name=ask.limit,
        waits=look.wait_ms > 0,
        free_ms=at_ms + look.wait_ms if known else 0,
        over=max(0, look.used + max(ask.cost, 1) - ask.capacity),
        ask=ask,
        look=look,
    )


def free_ms(found: tuple[Obstacle, ...]) -> int:
    """From when none of them stands in the way, by waiting alone; 0 where nobody knows, or waiting does not do."""
    if not found or not all(each.waits and each.free_ms for each in found):
        return 0
    return max(each.free_ms for each in found)
