"""Contact pressure: how often one person may be reached, across all agents, and how much they have been of late."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from gateway.core.call import UNREADABLE_SUBJECT, Call, Facts
from gateway.core.limits import Bucket, Context, within
from gateway.core.zones import CalendarRule

HALF_LIVES: Final = 20
"""After so many a contact weighs less than a millionth of what it did, and is forgotten."""
SCORE: Final = "pressure"
"""Name under which the score refuses."""


class CapRule(msgspec.Struct, frozen=True, kw_only=True):
    """A contact cap, counted separately for each subject and value of `by`. Names as in the policy."""

    bucket: Bucket
    """The bucket of any contact, less what depends on the contact."""
    by: tuple[str, ...] = ("channel",)
    calendar: CalendarRule | None = None
    channels: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()
    ranks: Mapping[str, int] | None = None
    """Rank by category, the higher goes first; `None` where the cap has no priorities."""


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
    if not _covers(rule, call, context.facts):
        return ()
    bucket = msgspec.structs.replace(rule.bucket, by=_by(rule, call, ""))
    if rule.calendar is not None:
        bucket = within(bucket, rule.calendar, context)
    if rule.ranks is not None:
        bucket = msgspec.structs.replace(bucket, rank=rule.ranks.get(call.category, 0))
    if "topic" not in rule.by:
        return (bucket,) if bucket.gap_ms == 0 else (_gap(bucket), bucket)
    topics = sorted(set(call.topics) & rule.topics if rule.topics else set(call.topics))
    buckets = [msgspec.structs.replace(bucket, by=_by(rule, call, topic)) for topic in topics]
    return (*(_gap(each) for each in buckets if each.gap_ms), *buckets)


def _gap(bucket: Bucket) -> Bucket:
    """The shortest time between two contacts, as a bucket over the log of its cap."""
    return msgspec.structs.replace(bucket, kind="gap", capacity=1, cost=0, period_ms=bucket.gap_ms)


def _covers(rule: CapRule, call: Call, facts: Facts) -> bool:
    if rule.channels and call.channel not in rule.channels:
        return False
    if call.category in rule.exempt or (rule.categories and call.category not in rule.categories):
        return False
    if rule.brands and call.brand not in rule.brands:
        return False
    # Whose segments cannot be read may be in one of them, and a cap that is counted too often harms nobody.
    if rule.segments and facts is not UNREADABLE_SUBJECT and rule.segments.isdisjoint(facts.segments):
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
            case "campaign":
                parts.append(f"campaign={call.campaign}")
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
