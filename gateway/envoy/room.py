"""How much room a descriptor's limits have left, as Envoy wants to know it."""

from typing import Final

from google.protobuf.duration_pb2 import Duration

from gateway.callrun import CallRun
from gateway.core.limits import Bucket
from gateway.core.record import BucketLook
from gateway.trailers import NO_LIMITS, left
from pilote.envoy import ratelimit_pb2

_LARGEST: Final = 2**32 - 1
Answer = ratelimit_pb2.RateLimitResponse
Limit = ratelimit_pb2.RateLimitResponse.RateLimit
_UNITS: Final = {
    1_000: Limit.SECOND,
    60_000: Limit.MINUTE,
    3_600_000: Limit.HOUR,
    86_400_000: Limit.DAY,
    604_800_000: Limit.WEEK,
}


def status_of(run: CallRun, *, over: bool) -> ratelimit_pb2.RateLimitResponse.DescriptorStatus:
    """What Envoy is told of one descriptor: of its limits the one that refuses, else the one with the least left."""
    status = Answer.DescriptorStatus(code=Answer.OVER_LIMIT if over else Answer.OK)
    found = _nearest(run)
    if found is None:
        return status
    bucket, look = found
    remaining, more_ms = left(bucket, look)
    status.limit_remaining = min(remaining, _LARGEST)
    status.duration_until_reset.CopyFrom(Duration(seconds=more_ms // 1000, nanos=more_ms % 1000 * 1_000_000))
    unit, most = _UNITS.get(bucket.period_ms), _per_period(bucket)
    if unit is not None and most <= _LARGEST:
        status.current_limit.CopyFrom(Limit(name=bucket.limit, requests_per_unit=most, unit=unit))
    return status


def _nearest(run: CallRun) -> tuple[Bucket, BucketLook] | None:
    if run.decision is None or run.outcome is None or not run.outcome.looks:
        return None
    pairs = list(zip(run.decision.buckets, run.outcome.looks, strict=True))
    if run.outcome.refused >= 0:
        return pairs[run.outcome.refused]
    counting = [pair for pair in pairs if pair[0].kind not in NO_LIMITS and pair[0].mode == "enforce"]
    return min(counting, key=lambda pair: left(*pair)[0], default=None)


def _per_period(bucket: Bucket) -> int:
    """Calls in each period; of a rate with bursts that is not its capacity."""
    return bucket.period_ms * 1000 // bucket.interval_us if bucket.interval_us else bucket.capacity
