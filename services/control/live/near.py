"""When a bucket that is nearly full takes calls again, as far as that can be known from how it was last found. Pure."""

from collections.abc import Mapping
from typing import Final

from gateway.core.limits import SLOTS, LimitRule
from gateway.core.revision.compiled import Revision
from gateway.core.zones import period
from pilote.audit.v1 import activity_pb2
from services.control.live.now import NearLimit
from services.control.times import at

NEAR: Final = 0.8
SEEN_MS: Final = 60_000
"""For how long a look counts at a bucket that empties as others end, or as an upstream says."""


def rules_by_name(revision: Revision | None) -> dict[str, LimitRule]:
    """The limits of a revision."""
    if revision is None:
        return {}
    return {rule.name: rule for policy in revision.methods.values() for rule in policy.limits}


def still_near(bucket: activity_pb2.NearBucket, rules: Mapping[str, LimitRule], *, now_ms: int) -> NearLimit | None:
    """The bucket as it stands by now; `None` where it has emptied since."""
    rule, seen_ms = rules.get(bucket.limit), bucket.look_time.ToMilliseconds()
    used, (room, room_ms) = bucket.used, _room(bucket, rule, now_ms=now_ms)
    if bucket.kind == "rate":
        used = _leaked(bucket, rule, passed_ms=now_ms - seen_ms)
    elif bucket.kind in ("window", "budget"):
        if now_ms >= _ends_ms(bucket, rule)[0]:
            return None
    elif now_ms - seen_ms > SEEN_MS:
        return None
    if used < NEAR * bucket.capacity:
        return None
    return NearLimit(
        tenant=bucket.tenant,
        cell=bucket.cell,
        limit=bucket.limit,
        kind=bucket.kind,
        mode=bucket.mode,
        by=bucket.by,
        used=used,
        capacity=bucket.capacity,
        share=used / bucket.capacity,
        seen_time=at(seen_ms),
        room=room,
        room_time=at(room_ms) if room in ("AT", "BY") else None,
    )


def _room(bucket: activity_pb2.NearBucket, rule: LimitRule | None, *, now_ms: int) -> tuple[str, int]:
    """When it takes a call again."""
    if bucket.HasField("free_time"):
        free_ms = bucket.free_time.ToMilliseconds()
        return ("AT", free_ms) if free_ms > now_ms else ("NOW", 0)
    if bucket.used < bucket.capacity:
        return "NOW", 0
    if bucket.kind in ("window", "budget"):
        ends_ms, exactly = _ends_ms(bucket, rule)
        return ("AT" if exactly else "BY", ends_ms) if ends_ms > now_ms else ("NOW", 0)
    if bucket.kind == "rate":
        free_ms = bucket.look_time.ToMilliseconds() + -(-_interval_us(bucket, rule) // 1_000)
        return ("AT", free_ms) if free_ms > now_ms else ("NOW", 0)
    return "LATER", 0


def _ends_ms(bucket: activity_pb2.NearBucket, rule: LimitRule | None) -> tuple[int, bool]:
    """When what it counts has left it at the latest, and whether that is exactly then."""
    seen_ms, period_ms = bucket.look_time.ToMilliseconds(), bucket.period.ToMilliseconds()
    if rule is not None and rule.calendar is not None and rule.calendar.zone != "subject":
        return period(rule.calendar, subject_zone="", now_ms=seen_ms)[1], True
    return seen_ms + period_ms + -(-period_ms // SLOTS), False


def _interval_us(bucket: activity_pb2.NearBucket, rule: LimitRule | None) -> int:
    """Microseconds in which a rate gives one call back; where the policy has changed as if its burst were its rate."""
    if rule is not None and rule.bucket.kind == "rate" and rule.bucket.interval_us:
        return rule.bucket.interval_us
    return max(1, bucket.period.ToMicroseconds() // bucket.capacity)


def _leaked(bucket: activity_pb2.NearBucket, rule: LimitRule | None, *, passed_ms: int) -> int:
    """What is used of a rate after so long without a call."""
    return max(0, bucket.used - max(0, passed_ms) * 1_000 // _interval_us(bucket, rule))
