"""What the gateway says to the caller beside the answer."""

import functools
from typing import Final

from gateway.adapters.upstreams import Metadata
from gateway.callrun import CallRun, elapsed_us
from gateway.core.limits import Bucket
from gateway.core.record import BucketLook

NO_LIMITS: Final = frozenset({"gap", "score", "sequence", "trail"})
"""Kinds of bucket that have no number of calls left to tell; a gap would name its cap a second time."""


def own(run: CallRun) -> Metadata:
    """Decision, revision, version and overhead, the upstream's own trailers, and how much of each limit is left.

    And the variations that an admitted call has shown its subject, "tone=warm,length=short". A repeat shows none.
    """
    overhead_us = elapsed_us(run) - run.upstream_us
    said: list[tuple[str, str | bytes]] = [
        ("pilote-decision-id", run.id),
        ("pilote-revision", str(run.revision.number if run.revision is not None else 0)),
        ("pilote-overhead-ms", f"{overhead_us / 1000:.3f}"),
    ]
    if run.route.version:
        said.append(("pilote-version", run.route.version))
    if run.asked_channel and run.call is not None:
        said.append(("pilote-channel", run.call.channel))
    if run.routed.exposures and run.outcome is not None and run.outcome.granted and not run.outcome.first:
        shown = [f"{each.experiment}={each.variation}" for each in run.routed.exposures]
        said.append(("pilote-exposures", ",".join(shown)))
    if run.outcome is not None and run.decision is not None and run.outcome.looks:
        pairs = zip(run.decision.buckets, run.outcome.looks, strict=True)
        looks = [(bucket, look) for bucket, look in pairs if bucket.kind not in NO_LIMITS]
        if looks:
            said.append(("ratelimit-policy", ", ".join([_policy(bucket) for bucket, _ in looks])))
            said.append(("ratelimit", ", ".join([_left(bucket, look) for bucket, look in looks])))
    said += run.trailers
    return tuple(said)


def _policy(bucket: Bucket) -> str:
    return _policy_text(bucket.limit, bucket.capacity, bucket.capacity * bucket.interval_us // 1000 or bucket.period_ms)


@functools.lru_cache(maxsize=1024)
def _policy_text(limit: str, capacity: int, window_ms: int) -> str:
    """One item of the IETF draft's `RateLimit-Policy`: quota, and the window in whole seconds that it lasts for.

    Of a rate the quota is its burst, which comes back in more than one period where it is larger than the rate. The
    same for every call, hence the cache.
    """
    return f'"{limit}";q={capacity};w={-(-window_ms // 1000)}'


def left(bucket: Bucket, look: BucketLook) -> tuple[int, int]:
    """What remains of a limit, and the milliseconds until more does."""
    wait_ms = look.wait_ms if look.wait_ms > 0 else look.used * bucket.interval_us // 1000 or bucket.period_ms
    return max(0, bucket.capacity - look.used), wait_ms


def _left(bucket: Bucket, look: BucketLook) -> str:
    """One item of the IETF draft's `RateLimit`: what remains, and the seconds until more does."""
    remaining, more_ms = left(bucket, look)
    return f'"{bucket.limit}";r={remaining};t={-(-more_ms // 1000)}'
