"""Contact pressure: how often one person may be reached, across all agents, and how much they have been of late."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from gateway.core.call import Call
from gateway.core.limits import Bucket, Context
from gateway.core.zones import CalendarRule, period

HALF_LIVES: Final = 20
"""After so many a contact weighs less than a millionth of what it did, and is forgotten."""
SCORE: Final = "pressure"
"""Name under which the score refuses."""


class CapRule(msgspec.Struct, frozen=True, kw_only=True):
    """A contact cap, counted separately for each subject and value of `by`. Names as in the policy."""

    name: str
    max: int
    window_ms: int
    """0 for a calendar."""
    calendar: CalendarRule | None = None
    channels: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()
    by: tuple[str, ...] = ("channel",)
    gap_ms: int = 0
    counts_on: str = "reserved"
    deliver_ms: int = 0
    on_exceed: str = "deny"
    max_defer_ms: int = 0
    downgrade_to: str = ""
    ranks: Mapping[str, int] | None = None
    """Rank by category, the higher goes first; `None` where the cap has no priorities."""
    on_store_error: str = "closed"
    mode: str = "enforce"
    citation: str = ""


class ScoreRule(msgspec.Struct, frozen=True, kw_only=True):
    """The decaying score. Weights and `max` in thousandths; `max` is -1 where the score refuses nothing."""

    half_life_ms: int
    channels: Mapping[str, int]
    categories: Mapping[str, int]
    max: int
    mode: str = "enforce"
    citation: str = ""


def cap_buckets(rule: CapRule, context: Context) -> tuple[Bucket, ...]:
    """The buckets of a cap for this contact; none where it does not cover it.

    There is one, or one for each topic where the cap counts by topic.
    """
    call = context.call
    if not _covers(rule, call):
        return ()
    since_ms = ends_ms = 0
    if rule.calendar is not None:
        since_ms, ends_ms = period(rule.calendar, subject_zone=context.facts.time_zone, now_ms=context.now_ms)
    bucket = Bucket(
        limit=rule.name,
        kind="cap",
        by=_by(rule, call, ""),
        capacity=rule.max,
        period_ms=ends_ms - since_ms or rule.window_ms,
        mode=rule.mode,
        since_ms=since_ms,
        ends_ms=ends_ms,
        gap_ms=rule.gap_ms,
        counts_on=rule.counts_on,
        deliver_ms=rule.deliver_ms,
        rank=-1 if rule.ranks is None else rule.ranks.get(call.category, 0),
        on_exceed=rule.on_exceed,
        max_defer_ms=rule.max_defer_ms,
        downgrade_to=rule.downgrade_to,
        on_store_error=rule.on_store_error,
        citation=rule.citation,
    )
    buckets = [bucket]
    if "topic" in rule.by:
        topics = sorted(set(call.topics) & rule.topics if rule.topics else set(call.topics))
        buckets = [msgspec.structs.replace(bucket, by=_by(rule, call, topic)) for topic in topics]
    if rule.gap_ms:
        gaps = [
            msgspec.structs.replace(each, kind="gap", capacity=1, cost=0, period_ms=rule.gap_ms) for each in buckets
        ]
        buckets = [*gaps, *buckets]
    return tuple(buckets)


def _covers(rule: CapRule, call: Call) -> bool:
    if rule.channels and call.channel not in rule.channels:
        return False
    if call.category in rule.exempt or (rule.categories and call.category not in rule.categories):
        return False
    if rule.brands and call.brand not in rule.brands:
        return False
    return not rule.topics or not rule.topics.isdisjoint(call.topics)


def _by(rule: CapRule, call: Call, topic: str) -> str:
    parts = [f"subject={call.subject_ref}"]
    for dimension in rule.by:
        match dimension:
            case "channel":
                parts.append(f"channel={call.channel}")
            case "category":
                parts.append(f"category={call.category}")
            case "brand":
                parts.append(f"brand={call.brand}")
            case "topic":
                parts.append(f"topic={topic}")
    return ",".join(parts)


def score_bucket(rule: ScoreRule, call: Call) -> Bucket | None:
    """The bucket of the score for this contact; `None` where the contact weighs nothing."""
    weight = weight_of(rule, call)
    if weight == 0:
        return None
    return Bucket(
        limit=SCORE,
        kind="score",
        by=f"subject={call.subject_ref}",
        capacity=rule.max,
        period_ms=rule.half_life_ms,
        mode=rule.mode,
        cost=weight,
        citation=rule.citation,
    )


def weight_of(rule: ScoreRule, call: Call) -> int:
    """What this contact adds to the score, in thousandths."""
    return round(rule.channels.get(call.channel, 1000) * rule.categories.get(call.category, 1000) / 1000)


def score(contacts: Iterable[tuple[int, int]], *, half_life_ms: int, now_ms: int) -> float:
    """P(now), from contacts as (weight in thousandths, time in milliseconds): sum of weight x 2^(-age / half_life).

    A contact from the future, by a clock that stepped back, has the age 0.
    """
    return math.fsum([weight / 1000 * math.exp2(-max(0, now_ms - at_ms) / half_life_ms) for weight, at_ms in contacts])
