"""What is asked and answered of copies of calls: how often a candidate agrees, and where it does not. Pure."""

import math
from typing import Final

import msgspec

from gateway.core.errors import invalid
from gateway.rpc.times import duration, timestamp
from pilote.audit.v1 import shadows_pb2

MOST_LISTED: Final = 100
"""Different places, rules, refusals or failures that are told of one candidate."""
EXAMPLES: Final = 3
_Z: Final = 1.959964
"""Of the standard normal distribution: 95 % lie within so many deviations."""
_NEVER_MS: Final = 1 << 53


class ShadowsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which copies to sum. Times are milliseconds since the epoch; an empty name means all."""

    tenant: str = ""
    route: str = ""
    arm: str = ""
    start_ms: int = 0
    end_ms: int = _NEVER_MS
    """Calls received before it count."""


class Told(msgspec.Struct, frozen=True):
    """One thing that happened to some copies: which thing, how often, and the last decisions it happened to."""

    what: tuple[str, ...]
    calls: int
    greatest: float
    examples: tuple[str, ...]


class Latency(msgspec.Struct, frozen=True):
    """Microseconds."""

    p50_us: int
    p95_us: int


class Cost(msgspec.Struct, frozen=True):
    """Sums of one budget."""

    budget: str
    calls: int
    candidate: int
    served: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one candidate's copies; see the contract's `ShadowSummary`."""

    route: str
    arm: str
    version: str
    kind: str
    copies: int
    sent: int
    agreed: int
    differed: int
    failed: int
    dropped: int
    stopped: int
    refused: int
    last_ms: int
    latency: Latency | None = None
    served_latency: Latency | None = None
    fields: tuple[Told, ...] = ()
    """(path, kind)."""
    rules: tuple[Told, ...] = ()
    """(rule, "added" or "missing")."""
    refusals: tuple[Told, ...] = ()
    """(verdict, reason, rule)."""
    failures: tuple[Told, ...] = ()
    """(status,)."""
    costs: tuple[Cost, ...] = ()


def wilson(successes: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share at 95 %. Holds for few and for extreme shares too; for none it is 0 to 1.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if of == 0:
        return 0.0, 1.0
    share, spread = successes / of, _Z * _Z / of
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return (0.0 if successes == 0 else max(0.0, centre - half)), (1.0 if successes == of else min(1.0, centre + half))


def asked(request: shadows_pb2.SummarizeShadowsRequest) -> ShadowsQuery:
    """What a request asks.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field.
    """
    start_ms = request.start_time.ToMilliseconds() if request.HasField("start_time") else 0
    end_ms = request.end_time.ToMilliseconds() if request.HasField("end_time") else _NEVER_MS
    if start_ms < 0:
        raise invalid("start_time", "start_time must not be before 1970.")
    if end_ms <= start_ms:
        raise invalid("end_time", "end_time must be later than start_time.")
    return ShadowsQuery(tenant=request.tenant, route=request.route, arm=request.arm, start_ms=start_ms, end_ms=end_ms)


def answered(summaries: tuple[Summary, ...]) -> shadows_pb2.SummarizeShadowsResponse:
    """The answer as its contract has it."""
    return shadows_pb2.SummarizeShadowsResponse(summaries=[_summary(summary) for summary in summaries])


def _summary(summary: Summary) -> shadows_pb2.ShadowSummary:
    compared = summary.agreed + summary.differed
    low, high = wilson(summary.agreed, compared)
    return shadows_pb2.ShadowSummary(
        route=summary.route,
        arm=summary.arm,
        model_version=summary.version,
        kind=summary.kind,
        copies=summary.copies,
        sent=summary.sent,
        agreed=summary.agreed,
        differed=summary.differed,
        failed=summary.failed,
        dropped=summary.dropped,
        stopped=summary.stopped,
        refused=summary.refused,
        agreement=summary.agreed / compared if compared else None,
        agreement_low=low if compared else None,
        agreement_high=high if compared else None,
        last_call_time=timestamp(summary.last_ms),
        latency=_latency(summary.latency),
        served_latency=_latency(summary.served_latency),
        fields=[
            shadows_pb2.FieldDifferences(
                path=told.what[0],
                kind=told.what[1],
                calls=told.calls,
                greatest_relative=told.greatest,
                examples=told.examples,
            )
            for told in summary.fields
        ],
        rules=[
            shadows_pb2.RuleDifferences(
                rule=told.what[0], candidate=told.what[1] == "added", calls=told.calls, examples=told.examples
            )
            for told in summary.rules
        ],
        refusals=[
            shadows_pb2.RefusalSummary(
                verdict=told.what[0],
                reason=told.what[1],
                rule=told.what[2],
                calls=told.calls,
                examples=told.examples,
            )
            for told in summary.refusals
        ],
        failures=[
            shadows_pb2.FailureSummary(status=told.what[0], calls=told.calls, examples=told.examples)
            for told in summary.failures
        ],
        costs=[shadows_pb2.CostSummary(**msgspec.structs.asdict(cost)) for cost in summary.costs],
    )


def _latency(latency: Latency | None) -> shadows_pb2.LatencySummary | None:
    if latency is None:
        return None
    return shadows_pb2.LatencySummary(p50=duration(latency.p50_us), p95=duration(latency.p95_us))
