"""What has been going on in the last minutes: what is counted of new decisions, and what is answered of it. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.errors import invalid
from gateway.core.limits import SHARED
from gateway.core.record import Record, Verdict
from gateway.rpc.times import duration, timestamp
from pilote.audit.v1 import activity_pb2 as pb
from pilote.audit.v1 import summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.calls import New

KEPT_S: Final = 1_200
"""For how long seconds are kept: longer than anybody asks for, so that clocks may differ."""
SERIES_S: Final = 900
WIDTH_S: Final = 5
RECENT_S: Final = 60
UNSTORED_S: Final = 1
"""Seconds before the one that runs that are left out: a decision is stored within two."""
NEAR: Final = 0.8
"""Share of its capacity from which a bucket is near its limit."""
MOST_NEAR: Final = 20_000
"""Most such buckets that are kept: of more the ones that were seen last."""
MOST_TENANTS: Final = 1_000
DEFAULT_TOP: Final = 10
LARGEST_TOP: Final = 100

Second = tuple[str, int, str, str]
"""A kind of value, seconds since the epoch, a tenant, and the value. A "series" is verdicts in seconds of `WIDTH_S`."""
KINDS: Final = ("verdict", "series", "reason", "agent", "version")


class Version(msgspec.Struct, frozen=True, array_like=True):
    """A version that serves calls, and what chose it."""

    route: str
    arm: str
    model: str
    version: str
    rollout: str


class Near(msgspec.Struct, frozen=True):
    """A bucket as a call found it last, see the contract's `NearBucket`."""

    tenant: str
    cell: int
    limit: str
    kind: str
    mode: str
    by: str
    used: int
    capacity: int
    period_ms: int
    at_ms: int
    wait_ms: int
    """Of the call that found it so; 0 where it was granted, -1 for never."""

    @property
    def key(self) -> tuple[str, int, str, str, str]:
        """What tells it from every other one."""
        return self.tenant, self.cell, self.limit, self.kind, self.by

    @property
    def full(self) -> bool:
        """Whether it is at its limit, or near it."""
        return self.used >= NEAR * self.capacity


class Busy(msgspec.Struct, frozen=True):
    """How often a value occurred, and how often the call was not let through at once."""

    kind: str
    tenant: str
    value: str
    calls: int
    refused: int


class Activity(msgspec.Struct, frozen=True):
    """What a store knows of the last minutes. Seconds are since the epoch."""

    verdicts: Mapping[tuple[int, str], int]
    """Calls of the last minute by second and verdict."""
    series: Mapping[tuple[int, str], int]
    """Calls by the beginning of their five seconds and verdict."""
    busy: tuple[Busy, ...]
    """Of the last minute."""
    near: tuple[Near, ...]
    near_total: int
    ever: bool
    """Whether any decision was ever stored."""


class Tally:
    """What a batch of decisions that are stored for the first time adds."""

    def __init__(self, news: Iterable[New]) -> None:
        self.seconds: Counter[Second] = Counter()
        self.refused: Counter[Second] = Counter()
        self.looks: dict[tuple[str, int, str, str, str], Near] = {}
        """Every bucket that calls share, as it was found last."""
        for new in news:
            self._add(new)

    def _add(self, new: New) -> None:
        record, verdict = new.record, new.conclusion.verdict
        if record.standby:  # no call of its own
            return
        refused = verdict is not Verdict.ALLOW
        at_s = record.received_ms // 1_000
        self.seconds["series", at_s // WIDTH_S * WIDTH_S, new.tenant, verdict.value] += 1
        for kind, value in _values(record, verdict, new.conclusion.reason):
            key = (kind, at_s, new.tenant, value)
            self.seconds[key] += 1
            self.refused[key] += refused
        for ask, look in zip(record.buckets, new.outcome.looks, strict=False):
            if ask.kind not in SHARED or ask.capacity <= 0:
                continue
            near = Near(
                *(new.tenant, record.cell, ask.limit, ask.kind, ask.mode, ask.by),
                *(look.used, ask.capacity, ask.period_ms, record.decided_ms, look.wait_ms),
            )
            before = self.looks.get(near.key)
            if before is None or before.at_ms <= near.at_ms:
                self.looks[near.key] = near


def _values(record: Record, verdict: Verdict, reason: str) -> Iterable[tuple[str, str]]:
    yield "verdict", verdict.value
    yield "agent", record.agent
    if verdict is not Verdict.ALLOW:
        yield "reason", reason
    elif record.version:
        version = Version(record.route, record.arm, record.model, record.version, record.rollout)
        yield "version", msgspec.json.encode(version).decode()


class Question(msgspec.Struct, frozen=True):
    """What is asked for."""

    tenants: tuple[str, ...]
    """Empty: all."""
    end_s: int
    top: int

    @property
    def recent_s(self) -> int:
        """When the last minute begins."""
        return self.end_s - RECENT_S

    @property
    def series_s(self) -> int:
        """When the longer series begins: at a multiple of its buckets' width, so that they stay what they are."""
        return self.end_s // WIDTH_S * WIDTH_S - SERIES_S


def asked(request: pb.GetActivityRequest, *, now_ms: int) -> Question:
    """What a request asks for.

    Raises:
        CallEnded: ARGUMENT_INVALID for a size out of range, or too many tenants.
    """
    if not 0 <= request.top_size <= LARGEST_TOP:
        raise invalid("top_size", f"top_size must be 1 to {LARGEST_TOP}, or 0 for {DEFAULT_TOP}.")
    if len(request.tenants) > MOST_TENANTS:
        raise invalid("tenants", f"At most {MOST_TENANTS} tenants can be named; none stands for all.")
    end_s = now_ms // 1_000 - UNSTORED_S
    return Question(tuple(dict.fromkeys(request.tenants)), end_s, request.top_size or DEFAULT_TOP)


def answered(question: Question, found: Activity) -> pb.GetActivityResponse:
    """The answer as its contract has it."""
    top = question.top
    reasons = Counter[str]()
    versions = Counter[str]()
    for each in found.busy:
        if each.kind == "reason":
            reasons[each.value] += each.calls
        elif each.kind == "version":
            versions[each.value] += each.calls
    agents = sorted(
        (each for each in found.busy if each.kind == "agent"), key=lambda each: (-each.calls, each.tenant, each.value)
    )
    return pb.GetActivityResponse(
        end_time=timestamp(question.end_s * 1_000),
        seconds=_buckets(found.verdicts, question.recent_s, width_s=1, count=RECENT_S),
        minutes=_buckets(found.series, question.series_s, width_s=WIDTH_S, count=SERIES_S // WIDTH_S),
        reasons=[summaries_pb2.FacetValue(value=value, count=count) for value, count in _first(reasons, top)],
        agents=[
            pb.AgentActivity(tenant=each.tenant, agent=each.value, count=each.calls, refused_count=each.refused)
            for each in agents[:top]
        ],
        versions=[_version(value, count) for value, count in _first(versions, top)],
        near_buckets=[_near(each) for each in found.near],
        total_near_buckets=found.near_total,
        ever_called=found.ever,
    )


def _first(counts: Counter[str], top: int) -> Sequence[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]


def _buckets(
    verdicts: Mapping[tuple[int, str], int], start_s: int, *, width_s: int, count: int
) -> list[summaries_pb2.ChartBucket]:
    sums: list[Counter[str]] = [Counter() for _ in range(count)]
    for (at_s, verdict), calls in verdicts.items():
        place = (at_s - start_s) // width_s
        if 0 <= place < count:
            sums[place][verdict] += calls
    return [
        summaries_pb2.ChartBucket(
            start_time=timestamp((start_s + place * width_s) * 1_000),
            count=each.total(),
            verdicts=[
                summaries_pb2.VerdictCount(
                    verdict=decision_pb2.Verdict.Value(f"VERDICT_{verdict}"), count=each[verdict]
                )
                for verdict in Verdict
                if each[verdict]
            ],
        )
        for place, each in enumerate(sums)
    ]


def _version(value: str, count: int) -> pb.VersionActivity:
    try:
        found = msgspec.json.decode(value, type=Version)
    except msgspec.DecodeError:  # names so long that the store has cut them
        return pb.VersionActivity(version=value, count=count)
    return pb.VersionActivity(**msgspec.structs.asdict(found), count=count)


def _near(near: Near) -> pb.NearBucket:
    return pb.NearBucket(
        tenant=near.tenant,
        cell=near.cell,
        limit=near.limit,
        kind=near.kind,
        mode=near.mode,
        by=near.by,
        used=near.used,
        capacity=near.capacity,
        period=duration(near.period_ms * 1_000),
        look_time=timestamp(near.at_ms),
        free_time=timestamp(near.at_ms + near.wait_ms) if near.wait_ms > 0 else None,
    )
