"""Which buckets a call takes from, and what they hold. Counting itself happens in the store, in one step."""

import msgspec

from gateway.core.call import Agent, Call, Route
from gateway.core.errors import Reason


class RateRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rate limit, counted by the generic cell rate algorithm (GCRA) separately for each value of `by`."""

    name: str
    by: tuple[str, ...]
    rate: int
    """Calls per `per_ms` in the long run; 0 blocks."""
    per_ms: int
    burst: int
    """Calls that may come at once; 0 blocks."""
    skip_missing: bool = False
    mode: str = "enforce"
    citation: str = ""


class CapRule(msgspec.Struct, frozen=True, kw_only=True):
    """A contact cap, counted in a rolling window separately for each subject and channel."""

    name: str
    max: int
    window_ms: int
    channels: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()
    mode: str = "enforce"
    citation: str = ""


class Bucket(msgspec.Struct, frozen=True):
    """One bucket to take from: which one, and its size. `period_us` and `interval_us` are microseconds."""

    limit: str
    kind: str
    by: str
    capacity: int
    """Most at once: the burst of a rate, the maximum of a cap."""
    period_ms: int
    interval_us: int
    """For a rate the time one call uses up, rounded up so that the rate is never exceeded; 0 for a cap."""
    mode: str
    citation: str = ""
    """What a refusal rests on, in the policy's words."""


def bucket_reason(kind: str) -> Reason:
    """Why a call ends that a bucket of this kind refuses."""
    return Reason.CAP_EXCEEDED if kind == "cap" else Reason.LIMIT_EXCEEDED


class DimensionMissing(Exception):
    """The call lacks a dimension the limit counts by, and the limit says to deny such calls."""

    def __init__(self, limit: str, dimension: str, *, citation: str = "") -> None:
        super().__init__(f"limit {limit} counts by {dimension}, which this call does not have")
        self.limit = limit
        self.dimension = dimension
        self.citation = citation


def rate_bucket(rule: RateRule, agent: Agent, *, call: Call, route: Route) -> Bucket | None:
    """The bucket of a rate limit for this call; `None` where the call lacks a dimension and the limit skips it.

    Raises:
        DimensionMissing: where it lacks one and the limit does not skip.
    """
    parts = []
    for dimension in rule.by:
        value = _dimension(dimension, agent, call=call, route=route)
        if not value:
            if rule.skip_missing or rule.mode == "monitor":  # a limit that only watches never refuses
                return None
            raise DimensionMissing(rule.name, dimension, citation=rule.citation)
        parts.append(f"{dimension}={value}")
    interval_us = -(-rule.per_ms * 1000 // rule.rate) if rule.rate else 0
    return Bucket(
        limit=rule.name,
        kind="rate",
        by=",".join(parts),
        capacity=rule.burst if rule.rate else 0,
        period_ms=rule.per_ms,
        interval_us=interval_us,
        mode=rule.mode,
        citation=rule.citation,
    )


def _dimension(name: str, agent: Agent, *, call: Call, route: Route) -> str:
    match name:
        case "agent":
            return agent.name
        case "tenant":
            return agent.tenant
        case "method":
            return call.method
        case "operation":
            return call.operation.value
        case "version":
            return route.version or agent.version
        case "subject":
            return call.subject_ref
        case "channel":
            return call.channel
    raise ValueError(f"unknown dimension {name}")
