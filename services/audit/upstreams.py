"""How upstreams have done of late: what is counted of calls that have ended, and what is answered of it. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from gateway.core.errors import Reason, invalid
from gateway.core.record import Record, Settlement
from gateway.rpc.times import duration, timestamp
from pilote.audit.v1 import upstreams_pb2 as pb
from services.audit.calls import New

MINUTE_MS: Final = 60_000
KEPT_MINUTES: Final = 120
"""Twice as long as anybody asks for, so that clocks may differ."""
LONGEST_MINUTES: Final = 60
DEFAULT_MINUTES: Final = 15
MOST_TENANTS: Final = 1_000

Kind = Literal["upstream", "contract"]
End = Literal["ok", "unavailable", "failed", "in_doubt", "slow", "called"]
"""How a try at an upstream has ended; "slow" is said of the call besides, and "called" of a contract."""
UNASKED: Final = -1
"""In place of the step of a duration, of what an upstream was not asked."""
STEPS: Final = 8
"""Parts of a doubling of the duration: what is said of a step is at most 4.5 % beside the truth."""
SHORTEST_US: Final = 50
LAST_STEP: Final = 199
"""Of durations of 26 minutes and more."""

_BY_REASON: Final[Mapping[str, End]] = {
    Reason.UPSTREAM_UNAVAILABLE: "unavailable",
    Reason.UPSTREAM_FAILED: "failed",
    Reason.DEADLINE_EXCEEDED: "failed",
    Reason.UPSTREAM_IN_DOUBT: "in_doubt",
}
_BY_STATUS: Final[Mapping[str, End]] = {
    "OPEN": "unavailable",
    "FULL": "unavailable",
    "UNAVAILABLE": "unavailable",
    "DEADLINE_EXCEEDED": "failed",
    "UNKNOWN": "failed",
    "INTERNAL": "failed",
    "DATA_LOSS": "failed",
}
_SAYS_NOTHING: Final = frozenset({"DENIED", "CANCELLED"})
_NOT_MADE: Final = frozenset({"OPEN", "FULL"})

Counted = tuple[int, str, Kind, str, End, int]
"""Minute since the epoch, tenant, kind, name, end, and step of the duration."""


class Heard:
    """What a batch of decisions and settlements says of upstreams and contracts."""

    def __init__(self, news: Iterable[New] = ()) -> None:
        self.counts: Counter[Counted] = Counter()
        self.last: dict[tuple[str, Kind, str], int] = {}
        """When each was last heard of, by tenant, kind and name."""
        for new in news:
            if not new.record.standby:  # no call of its own
                self._called(new.tenant, new.record)
                if new.settlement is not None and new.record.route:
                    self.ended(new.tenant, new.record.upstream, new.settlement)

    def ended(self, tenant: str, upstream: str, settlement: Settlement) -> None:
        """A call has ended that was to go to that upstream."""
        at_ms, asked = settlement.settled_ms, settlement.upstream or upstream
        for name, end, step in _tries(asked, settlement):
            self._add(at_ms, (tenant, "upstream", name), end, step)
        if settlement.slow and asked:
            self._add(at_ms, (tenant, "upstream", asked), "slow")

    def _called(self, tenant: str, record: Record) -> None:
        contract = contract_of(record.method) if record.operation else ""  # what is not described may have any name
        if contract:
            self._add(record.received_ms, (tenant, "contract", contract), "called")

    def _add(self, at_ms: int, key: tuple[str, Kind, str], end: End, step: int = UNASKED) -> None:
        self.counts[at_ms // MINUTE_MS, *key, end, step] += 1
        self.last[key] = max(self.last.get(key, 0), at_ms)


class UpstreamsQuery(msgspec.Struct, frozen=True):
    """What is asked for. Minutes are since the epoch."""

    tenants: tuple[str, ...]
    """Empty: all."""
    from_minute: int


class UpstreamSums(msgspec.Struct, frozen=True):
    """What a store knows."""

    counts: Sequence[tuple[Kind, str, End, int, int]]
    """Kind, name, end and step, and how often."""
    last: Sequence[tuple[Kind, str, int]]
    """Kind and name, and when it was last heard of."""


def asked(request: pb.SummarizeUpstreamsRequest, *, now_ms: int) -> UpstreamsQuery:
    """What a request asks for.

    Raises:
        CallEnded: ARGUMENT_INVALID for a window out of range, or too many tenants.
    """
    if len(request.tenants) > MOST_TENANTS:
        raise invalid("tenants", f"At most {MOST_TENANTS} tenants can be named; none stands for all.")
    minutes = DEFAULT_MINUTES
    if request.HasField("window"):
        minutes, rest = divmod(request.window.seconds, 60)
        if rest or request.window.nanos or not 1 <= minutes <= LONGEST_MINUTES:
            raise invalid("window", f"window must be whole minutes, 60s to {60 * LONGEST_MINUTES}s.")
    return UpstreamsQuery(tuple(dict.fromkeys(request.tenants)), now_ms // MINUTE_MS - minutes + 1)


def answered(question: UpstreamsQuery, found: UpstreamSums) -> pb.SummarizeUpstreamsResponse:
    """The answer as its contract has it."""
    ends: dict[tuple[Kind, str], Counter[End]] = {}
    steps: dict[str, Counter[int]] = {}
    for kind, name, end, step, count in found.counts:
        ends.setdefault((kind, name), Counter())[end] += count
        if step != UNASKED:
            steps.setdefault(name, Counter())[step] += count
    last = {(kind, name): at_ms for kind, name, at_ms in found.last}
    names = sorted(last.keys() | ends.keys())
    return pb.SummarizeUpstreamsResponse(
        start_time=timestamp(question.from_minute * MINUTE_MS),
        upstreams=[
            _upstream(name, ends.get((kind, name), {}), steps.get(name, {}), last_ms=last.get((kind, name)))
            for kind, name in names
            if kind == "upstream"
        ],
        contracts=[
            pb.ContractSummary(
                contract=name,
                calls=ends.get((kind, name), Counter[End]())["called"],
                last_call_time=timestamp(last[kind, name]) if (kind, name) in last else None,
            )
            for kind, name in names
            if kind == "contract"
        ],
    )


def contract_of(method: str) -> str:
    """The first two parts of a method's package: "pilote.crm" of "/pilote.crm.v1.DealService/GetDeal"."""
    service, _, _ = method.removeprefix("/").partition("/")
    return ".".join(service.split(".")[:-1][:2])


def step_of(took_us: int) -> int:
    """The step of a duration."""
    return min(LAST_STEP, max(0, math.floor(STEPS * math.log2(max(1, took_us) / SHORTEST_US))))


def duration_us(step: int) -> int:
    """A duration in the middle of a step."""
    return round(SHORTEST_US * 2 ** ((step + 0.5) / STEPS))


def quantile_us(steps: Mapping[int, int], share: float) -> int:
    """What at least that share of them took at most; `steps` has one or more."""
    wanted, seen = share * sum(steps.values()), 0
    for step in sorted(steps):
        seen += steps[step]
        if seen >= wanted:
            return duration_us(step)
    return duration_us(max(steps))


def _tries(upstream: str, settlement: Settlement) -> Iterable[tuple[str, End, int]]:
    """Upstream, end, and step of its duration, of each try that says something of its upstream."""
    if not settlement.attempts:
        end = _BY_REASON.get(settlement.reason, "ok")
        if upstream and (settlement.upstream_us or end != "ok"):
            yield upstream, end, step_of(settlement.upstream_us) if settlement.upstream_us else UNASKED
        return
    for place, each in enumerate(settlement.attempts, start=1):
        if each.status in _SAYS_NOTHING or not each.upstream:
            continue
        end = _BY_STATUS.get(each.status, "ok")
        if end != "ok" and settlement.in_doubt and place == len(settlement.attempts):
            end = "in_doubt"
        yield each.upstream, end, UNASKED if each.status in _NOT_MADE else step_of(each.took_us)


def _upstream(
    name: str, ends: Mapping[End, int], steps: Mapping[int, int], *, last_ms: int | None
) -> pb.UpstreamSummary:
    return pb.UpstreamSummary(
        upstream=name,
        calls=sum(ends.get(end, 0) for end in ("ok", "unavailable", "failed", "in_doubt")),
        unavailable_count=ends.get("unavailable", 0),
        failed_count=ends.get("failed", 0),
        in_doubt_count=ends.get("in_doubt", 0),
        slow_count=ends.get("slow", 0),
        median_duration=duration(quantile_us(steps, 0.5)) if steps else None,
        p95_duration=duration(quantile_us(steps, 0.95)) if steps else None,
        last_call_time=None if last_ms is None else timestamp(last_ms),
    )
