"""Which buckets a call takes from, and what they hold. Counting itself happens in the store, in one step."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

import msgspec

from gateway.core.call import Agent, Call, Facts, Route
from gateway.core.errors import Reason
from gateway.core.zones import CalendarRule, period

SKEW_MS: Final = 1000
"""How far the clocks of gateways may differ before one of them counts as stepped back; `buckets.lua` has it too."""
SLOTS: Final = 60
"""A rolling window is counted in so many parts; a part counts until the last instant it may hold has left."""
MOST: Final = 10**15
"""Largest cost of one call: sums stay exact in the store, whose numbers have 53 bits."""

Kind = Literal["rate", "window", "budget", "concurrency", "quota", "cap", "gap", "score", "sequence", "trail"]
SHARED: Final = frozenset({"rate", "window", "budget", "concurrency", "quota"})
"""Kinds that many calls share. A cap of one contact a week is full after one, and nobody must look."""
_REASONS: Final[Mapping[str, Reason]] = {
    "cap": Reason.CAP_EXCEEDED,
    "gap": Reason.CAP_EXCEEDED,
    "score": Reason.CAP_EXCEEDED,
    "sequence": Reason.POLICY_DENIED,
}


class Expression(Protocol):
    """A compiled expression over a call."""

    def value(self, values: Mapping[str, object], *, now_ms: int) -> Any:
        """What it gives; `None` where it fails at run time."""


class Constant(msgspec.Struct, frozen=True):
    """A whole number that is the same for every call: the engine need not be asked (4 us)."""

    number: int

    def value(self, values: Mapping[str, object], *, now_ms: int) -> int:
        """See `Expression`."""
        del values, now_ms
        return self.number


class Weighed(msgspec.Struct, frozen=True):
    """What one call costs, as often as a request stands for a call."""

    hits: Callable[[Any], int]
    one: Expression

    def value(self, values: Mapping[str, object], *, now_ms: int) -> int | None:
        """See `Expression`."""
        cost = self.one.value(values, now_ms=now_ms)
        return cost * self.hits(values["request"]) if isinstance(cost, int) else None


class Reading(msgspec.Struct, frozen=True):
    """A number in the metadata of an upstream's answers: the first group of `pattern`."""

    header: str
    pattern: str


class QuotaRule(msgspec.Struct, frozen=True, kw_only=True):
    """How an upstream tells what it allows, and how that is split."""

    used: Reading | None = None
    remaining: Reading | None = None
    max: Reading | None = None
    shares: Mapping[int, int] = {}
    """Percent by priority; 100 for one that is not named."""


class Bucket(msgspec.Struct, frozen=True):
    """One bucket to take from: which one, and its size."""

    limit: str
    kind: str
    """A `Kind`."""
    by: str
    capacity: int
    """Most at once: the burst of a rate, the maximum of anything else; of a score in thousandths."""
    period_ms: int
    interval_us: int = 0
    mode: str = "enforce"
    """"enforce", "monitor", or "waived" where a person has let the call through all the same."""
    cost: int = 1
    """What this call takes; of a score in thousandths."""
    since_ms: int = 0
    ends_ms: int = 0
    """Beginning and end of the calendar period; both 0 for a rolling window."""
    gap_ms: int = 0
    """Shortest time between two contacts."""
    counts_on: str = "reserved"
    deliver_ms: int = 0
    rank: int = -1
    """Of a cap with priorities: the higher goes first; -1 where it has none."""
    share: int = 100
    """Of a quota: percent that this agent may use up."""
    who: str = ""
    """Of a sequence: whose first step counts."""
    agent: str = ""
    on_exceed: str = "deny"
    max_defer_ms: int = 0
    downgrade_to: str = ""
    on_store_error: str = "closed"
    citation: str = ""
    """What a refusal rests on, in the policy's words."""
    says: tuple[str, ...] = ()
    """Its own refusal in English and French; empty where it has none."""

    @property
    def kept_ms(self) -> int:
        """Of a cap: how long a contact matters to it."""
        return max(self.period_ms, self.gap_ms)


class LimitRule(msgspec.Struct, frozen=True, kw_only=True):
    """A limit, resolved: durations in milliseconds, expressions compiled for one method."""

    bucket: Bucket
    """The bucket of any call, less what depends on the call: a copy with few changes costs a third of a new one."""
    by: tuple[str, ...]
    calendar: CalendarRule | None = None
    when: Expression | None = None
    key: Expression | None = None
    estimate: Expression | None = None
    actual: Expression | None = None
    quota: QuotaRule | None = None
    skip_missing: bool = False

    @property
    def name(self) -> str:
        """As in the policy."""
        return self.bucket.limit


def bucket_reason(kind: str) -> Reason:
    """Why a call ends that a bucket of this kind refuses."""
    return _REASONS.get(kind, Reason.LIMIT_EXCEEDED)


class DimensionMissing(Exception):
    """The call lacks a dimension the limit counts by, and the limit says to deny such calls."""

    def __init__(self, limit: str, dimension: str, *, reason: Reason = Reason.LIMIT_EXCEEDED) -> None:
        super().__init__(f"limit {limit} counts by {dimension}, which this call does not have")
        self.reason = reason
        self.limit = limit
        self.dimension = dimension
        self.citation = ""
        """What the limit rests on, in the policy's words."""


class Context(msgspec.Struct, frozen=True):
    """All that the buckets of a call depend on.

    `values` is what expressions see; `ref` makes the pseudonym of a text, for what they give may be personal.
    """

    agent: Agent
    call: Call
    route: Route
    facts: Facts
    values: Mapping[str, object]
    ref: Callable[[str], str]
    now_ms: int


def limit_bucket(rule: LimitRule, context: Context) -> Bucket | None:
    """The bucket of a limit for this call; `None` where it does not cover the call, or lacks a dimension and skips it.

    Raises:
        DimensionMissing: where the call lacks a dimension, or an expression fails, and the limit does not skip.
    """
    try:
        if rule.when is not None and _given(rule, rule.when, "when", context) is False:
            return None
        bucket = msgspec.structs.replace(rule.bucket, by=_by(rule, context))
        if rule.estimate is not None:
            bucket = msgspec.structs.replace(bucket, cost=_cost(rule, rule.estimate, context))
    except DimensionMissing as missing:
        if rule.skip_missing or rule.bucket.mode == "monitor":  # a limit that only watches never refuses
            return None
        missing.citation = rule.bucket.citation
        raise
    if rule.quota is not None:
        bucket = msgspec.structs.replace(bucket, share=rule.quota.shares.get(context.agent.priority, 100))
    return bucket if rule.calendar is None else within(bucket, rule.calendar, context)


def within(bucket: Bucket, calendar: CalendarRule, context: Context) -> Bucket:
    """The bucket for the calendar's period around the call."""
    since_ms, ends_ms = period(calendar, subject_zone=context.facts.time_zone, now_ms=context.now_ms)
    return msgspec.structs.replace(bucket, since_ms=since_ms, ends_ms=ends_ms, period_ms=ends_ms - since_ms)


def _by(rule: LimitRule, context: Context) -> str:
    parts = []
    for dimension in rule.by:
        value = _DIMENSIONS[dimension](context)
        if not value:
            raise DimensionMissing(rule.name, dimension)
        parts.append(f"{dimension}={value}")
    if rule.key is not None:
        parts.append(f"key={keyed(rule.name, rule.key, context)}")
    return ",".join(parts)


def keyed(name: str, key: Expression, context: Context) -> str:
    """The pseudonym of what a `key` expression gives.

    Raises:
        DimensionMissing: it fails, or gives nothing.
    """
    text = key.value(context.values, now_ms=context.now_ms)
    if not isinstance(text, str) or not text:
        raise DimensionMissing(name, "key")
    return context.ref(text)


def _cost(rule: LimitRule, estimate: Expression, context: Context) -> int:
    cost = _given(rule, estimate, "cost", context)
    if not isinstance(cost, int) or not 0 <= cost <= MOST:
        raise DimensionMissing(rule.name, "cost")
    return cost


def _given(rule: LimitRule, expression: Expression, name: str, context: Context) -> Any:
    value = expression.value(context.values, now_ms=context.now_ms)
    if value is None:
        raise DimensionMissing(rule.name, name)
    return value


_DIMENSIONS: Final[Mapping[str, Callable[[Context], str]]] = {
    "agent": lambda context: context.agent.name,
    "tenant": lambda context: context.agent.tenant,
    "method": lambda context: context.call.method,
    "operation": lambda context: context.call.operation.value,
    "model": lambda context: context.call.model,
    "version": lambda context: context.route.version or context.agent.version,
    "upstream": lambda context: context.route.upstream,
    "route": lambda context: context.route.name,
    "subject": lambda context: context.call.subject_ref,
    "channel": lambda context: context.call.channel,
    "category": lambda context: context.call.category,
    "brand": lambda context: context.call.brand,
    "campaign": lambda context: context.call.campaign,
}
