"""Limits, caps, the score and sequences of a policy, resolved for one method: durations, expressions, calendars."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.core.contract import MethodContract, method_matches
from gateway.core.limits import Bucket, Constant, Expression, Kind, LimitRule, QuotaRule, Reading, Weighed
from gateway.core.policy.counting import Calendar, Cap, Limit, Pressure, Quota
from gateway.core.policy.counting import Reading as ReadingDocument
from gateway.core.policy.document import Document, Retention
from gateway.core.policy.ruling import Rule, Step
from gateway.core.policy.ruling import Sequence as SequenceDocument
from gateway.core.policy.vocabulary import cited, duration_ms
from gateway.core.pressure import CapRule, ScoreRule
from gateway.core.rules import RuleEngine
from gateway.core.sequences import StepRule
from gateway.core.zones import DAYS, CalendarRule

WEIGHTLESS: Final = {"transactional": 0.0, "legal": 0.0}
"""Weights of categories that are no pressure: what a customer has asked for, or must be told."""
UNBOUNDED: Final = 1_000_000_000
"""The maximum of a cap that has none, and only keeps a gap."""
NEVER_UNROUTED: Final = frozenset({"concurrency", "quota"})
"""Kinds of limit that count calls under way, of which nobody tells when they end."""
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


def applies(part: Rule | Limit | Step | Retention, contract: MethodContract) -> bool:
    """Whether a rule, limit, step or class of retention is about this method."""
    by_method = not part.methods or any(method_matches(pattern, contract.method) for pattern in part.methods)
    return by_method and (not part.operations or contract.operation in part.operations)


def limit_rules(limits: Sequence[Limit], contract: MethodContract, engine: RuleEngine) -> tuple[LimitRule, ...]:
    """The limits that apply to a method; one without a bound counts nothing."""
    found = [_limit_rule(limit, contract, engine) for limit in limits]
    return tuple(rule for rule in found if rule is not None)


def _limit_rule(limit: Limit, contract: MethodContract, engine: RuleEngine) -> LimitRule | None:
    kind, capacity, period_ms, interval_us = _bound(limit)
    if capacity is None or (contract.unrouted and kind in NEVER_UNROUTED):
        return None

    def compiled(text: str | None, kind: str) -> Expression | None:
        return None if text is None else engine.expression(text, request_type=contract.request_type, kind=kind)

    bucket = Bucket(
        limit=limit.name,
        kind=kind,
        by="",
        capacity=capacity,
        period_ms=period_ms,
        interval_us=interval_us,
        mode=limit.mode,
        on_store_error=limit.on_store_error,
        citation=cited(limit.citation),
    )
    return LimitRule(
        bucket=bucket,
        by=limit.by,
        calendar=None if limit.calendar is None else _calendar_rule(limit.calendar),
        when=compiled(limit.when, "condition"),
        key=compiled(limit.key, "text"),
        estimate=_estimate(limit, contract, engine),
        actual=_actual(limit, contract, engine),
        quota=None if limit.quota is None else _quota_rule(limit.quota),
        skip_missing=limit.on_missing == "skip",
    )


def _estimate(limit: Limit, contract: MethodContract, engine: RuleEngine) -> Expression | None:
    if limit.cost is None:
        return None if contract.hits is None else Weighed(contract.hits, Constant(1))
    text = limit.cost.estimate
    found = engine.expression(text, request_type=contract.request_type, kind="whole number")
    one = Constant(int(text)) if _NUMBER.fullmatch(text) else found
    return one if contract.hits is None else Weighed(contract.hits, one)


def _actual(limit: Limit, contract: MethodContract, engine: RuleEngine) -> Expression | None:
    if limit.cost is None or limit.cost.actual is None:
        return None
    return engine.expression(
        limit.cost.actual,
        request_type=contract.request_type,
        reply_type=contract.reply_type,
        kind="whole number",
    )


def _quota_rule(quota: Quota) -> QuotaRule:
    def reading(part: ReadingDocument | None) -> Reading | None:
        return None if part is None else Reading(part.header, part.pattern)

    return QuotaRule(
        used=reading(quota.used),
        remaining=reading(quota.remaining),
        max=reading(quota.max),
        shares={int(priority): share for priority, share in quota.shares.items()},
    )


def _bound(limit: Limit) -> tuple[Kind, int | None, int, int]:
    """Kind, capacity, period in milliseconds and interval in microseconds."""
    if limit.concurrent is not msgspec.UNSET:
        return "concurrency", limit.concurrent, 0, 0
    if limit.max is not msgspec.UNSET:
        period_ms = 0 if limit.window is None else duration_ms(limit.window)
        kind: Kind = "quota" if limit.quota is not None else "budget" if limit.cost is not None else "window"
        return kind, limit.max, period_ms, 0
    rate = None if limit.rate is msgspec.UNSET else limit.rate
    if rate is None:
        return "rate", None, 0, 0
    burst = rate if limit.burst is None or rate == 0 else limit.burst
    per_ms = duration_ms(limit.per)
    return "rate", burst, per_ms, -(-per_ms * 1000 // rate) if rate else 0


def _calendar_rule(calendar: Calendar) -> CalendarRule:
    return CalendarRule(
        unit=calendar.unit,
        zone=calendar.zone,
        fallback_zone=calendar.fallback_zone,
        week_start=DAYS.index(calendar.week_start),
    )


def cap_rules(document: Document) -> tuple[CapRule, ...]:
    """The caps of contacts; one that bounds nothing counts nothing."""
    return tuple(_cap_rule(cap) for cap in document.caps if cap.max is not None or cap.min_gap is not None)


def _cap_rule(cap: Cap) -> CapRule:
    calendar = None if cap.calendar is None else _calendar_rule(cap.calendar)
    gap_ms = 0 if cap.min_gap is None else duration_ms(cap.min_gap)
    window_ms = 0 if calendar is not None else duration_ms(cap.window) if cap.window is not None else gap_ms
    ranks = None
    if cap.priority:
        ranks = {category: len(cap.priority) - place for place, category in enumerate(cap.priority)}
    bucket = Bucket(
        limit=cap.name,
        kind="cap",
        by="",
        capacity=UNBOUNDED if cap.max is None else cap.max,
        period_ms=window_ms,
        mode=cap.mode,
        gap_ms=gap_ms,
        counts_on=cap.counts_on,
        deliver_ms=duration_ms(cap.deliver_within),
        on_exceed=cap.on_exceed,
        max_defer_ms=duration_ms(cap.max_defer),
        downgrade_to=cap.downgrade_to or "",
        on_store_error=cap.on_store_error,
        citation=cited(cap.citation),
    )
    return CapRule(
        bucket=bucket,
        by=cap.by,
        calendar=calendar,
        channels=frozenset(cap.channels),
        categories=frozenset(cap.categories),
        topics=frozenset(cap.topics),
        brands=frozenset(cap.brands),
        segments=frozenset(cap.segments),
        exempt=frozenset(cap.exempt) - frozenset(cap.categories),
        ranks=ranks,
    )


def score_rule(pressure: Pressure) -> ScoreRule:
    """The score of the document, in thousandths."""
    return ScoreRule(
        half_life_ms=duration_ms(pressure.half_life),
        channels={name: round(1000 * weight) for name, weight in pressure.channels.items()},
        categories={name: round(1000 * weight) for name, weight in (WEIGHTLESS | pressure.categories).items()},
        max=-1 if pressure.max is None else round(1000 * pressure.max),
        mode=pressure.mode,
        citation=cited(pressure.citation),
    )


def step_rules(document: Document, contract: MethodContract, engine: RuleEngine) -> tuple[StepRule, ...]:
    """The steps of sequences that this method may be, those that look first."""
    looking = [(sequence, sequence.then, True) for sequence in document.sequences]
    leaving = [(sequence, sequence.first, False) for sequence in document.sequences]
    return tuple(
        _step_rule(sequence, step, contract, engine, looks=looks)
        for sequence, step, looks in looking + leaving
        if applies(step, contract)
    )


def _step_rule(
    sequence: SequenceDocument, step: Step, contract: MethodContract, engine: RuleEngine, *, looks: bool
) -> StepRule:
    def compiled(text: str | None, kind: str) -> Expression | None:
        return None if text is None else engine.expression(text, request_type=contract.request_type, kind=kind)

    return StepRule(
        name=sequence.name,
        by=sequence.by or "",
        within_ms=duration_ms(sequence.within),
        who=sequence.agents,
        when=compiled(step.when, "condition"),
        key=compiled(sequence.key, "text"),
        looks=looks,
        effect=sequence.effect,
        mode=sequence.mode,
        says=() if sequence.message is None else (sequence.message.en, sequence.message.fr),
        citation=cited(sequence.citation),
    )
