"""From entries of the log, as gateways wrote them, to columns. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from gateway.core.call import Lineage
from gateway.core.record import (
    DEFAULT_KEEP_DAYS,
    BucketAsk,
    BucketLook,
    CustomerOutcome,
    Outcome,
    Settlement,
    Verdict,
)
from gateway.core.shadows import ShadowResult
from gateway.records.conclusion import answered
from services.proof import leaves
from services.workbench.columns.tables import COPIED, FOLLOWED, SPENT, Table

ByName = dict[str, list[Any]]
"""Columns of a table, by name; all have as many values."""
Rest = tuple[int, str, Sequence[bytes]]
"""Place, kind and parts of an entry that is neither an admission nor an end."""
_DAY_MS: Final = 86_400_000
_LARGEST: Final = 1 << 53
_HELD_OUT: Final = "HELD_OUT"
_NO_CAP: Final = ("", 0, 0)
_AS_IT_IS: Final = ("id", "tenant", "agent", "agent_version", "method", "operation", "channel", "category", "campaign",
                    "objective", "model", "version", "route", "arm", "revision", "standby", "inference", "parent",
                    "request_bytes")  # fmt: skip
"""Columns that say what a record says."""
_ENDED_AS_IT_IS: Final = ("id", "status", "reason", "in_doubt", "gave_back", "total_us", "upstream_us",
                          "response_bytes", "arm", "version")  # fmt: skip


class _Rule(msgspec.Struct, frozen=True, gc=False):
    rule: str
    mode: str = "enforce"


class _Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What columns have of a record: reading all of it takes half as long again."""

    id: str
    received_ms: int
    verdict: Verdict
    reason: str = ""
    rule: str = ""
    rules: tuple[_Rule, ...] = ()
    buckets: tuple[BucketAsk, ...] = ()
    tenant: str = ""
    agent: str = ""
    agent_version: str = ""
    method: str = ""
    operation: str = ""
    subject_ref: str = ""
    channel: str = ""
    category: str = ""
    campaign: str = ""
    objective: str = ""
    model: str = ""
    version: str = ""
    route: str = ""
    arm: str = ""
    revision: int = 0
    inference: str = ""
    parent: str = ""
    request_bytes: int = 0
    standby: bool = False
    lineage: Lineage | None = None
    holdouts: tuple[str, ...] = ()
    keep_days: int = 0
    took_us: int = 0


_record: Final = msgspec.json.Decoder(_Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)
_followed: Final = msgspec.json.Decoder(CustomerOutcome)
_copied: Final = msgspec.json.Decoder(ShadowResult)


def admitted(places: Sequence[int], records: Iterable[bytes], outcomes: Iterable[bytes]) -> ByName:
    """Of admissions: their places in the log, their records and what admission made of each.

    Raises:
        msgspec.DecodeError: a version of Pilote that writes otherwise has written one.
    """
    those, ends = list(map(_record.decode, records)), list(map(_outcome.decode, outcomes))
    told = [answered(record, end) for record, end in zip(those, ends, strict=True)]
    caps = [
        _tightest(record.buckets, end.looks) if record.buckets else _NO_CAP
        for record, end in zip(those, ends, strict=True)
    ]
    columns: ByName = {"leaf": list(places)}
    columns |= {name: list(map(attrgetter(name), those)) for name in _AS_IT_IS}
    columns |= {
        "at_ms": [each.received_ms for each in those],
        "until_ms": [
            min(each.received_ms + (each.keep_days or DEFAULT_KEEP_DAYS) * _DAY_MS, _LARGEST) for each in those
        ],
        "led_by": [_led_by(each) for each in those],
        "subject": [each.subject_ref for each in those],
        "verdict": [verdict.value for verdict, _, _ in told],
        "reason": [reason for _, reason, _ in told],
        "rule": [rule for _, _, rule in told],
        "rules": [" ".join([its.rule for its in each.rules if its.mode == "enforce"]) for each in those],
        "watched": [" ".join([its.rule for its in each.rules if its.mode != "enforce"]) for each in those],
        "cap": [cap for cap, _, _ in caps],
        "cap_used": [used for _, used, _ in caps],
        "cap_capacity": [capacity for _, _, capacity in caps],
        "held_out": [reason == _HELD_OUT for _, reason, _ in told],
        "weighed": [bool(each.holdouts) for each in those],
        "repeats": [bool(each.first) for each in ends],
        "refused_us": [each.took_us for each in those],
        "summed": [False] * len(those),
    }
    return columns


def settled(places: Sequence[int], settlements: Iterable[bytes]) -> tuple[ByName, ByName]:
    """Likewise of ends, and of what calls have spent of budgets.

    Raises:
        msgspec.DecodeError: see `admitted`.
    """
    those = list(map(_settlement.decode, settlements))
    columns: ByName = {"leaf": list(places), "at_ms": [each.settled_ms for each in those]}
    columns |= {name: list(map(attrgetter(name), those)) for name in _ENDED_AS_IT_IS}
    spent = [
        (leaf, each.id, name, amount)
        for leaf, each in zip(places, those, strict=True)
        if each.costs
        for name, amount in each.costs.items()
    ]
    return columns, _by_name(SPENT, spent)


def rest(entries: Iterable[Rest]) -> Mapping[str, ByName]:
    """Likewise of all others, by the table's name: of what customers did, and of copies. The log's own are in none.

    Raises:
        msgspec.DecodeError: see `admitted`.
    """
    told, copies = [], []
    for leaf, kind, parts in entries:
        if kind == leaves.OUTCOME:
            told.append(_told(leaf, parts[0].decode(), _followed.decode(parts[1])))
        elif kind == leaves.COPY:
            copies.append(_copy(leaf, parts[0].decode(), _copied.decode(parts[1])))
    return {FOLLOWED.name: _by_name(FOLLOWED, told), COPIED.name: _by_name(COPIED, copies)}


def _by_name(table: Table, rows: Sequence[tuple[object, ...]]) -> ByName:
    columns = zip(*rows, strict=True) if rows else ([] for _ in table.columns)
    return {name: list(values) for (name, _), values in zip(table.columns, columns, strict=True)}


def _led_by(record: _Record) -> str:
    led = record.lineage
    return record.agent_version if led is None else f"{led.model}/{led.version}"


def _tightest(asks: Sequence[BucketAsk], looks: Sequence[BucketLook]) -> tuple[str, int, int]:
    """The cap with the least room, as a share of what it lets through: its name, what is used, and of how much."""
    caps = [(ask, look) for ask, look in zip(asks, looks, strict=False) if ask.kind == "cap" and ask.capacity > 0]
    if not caps:
        return _NO_CAP
    cap, look = max(caps, key=lambda each: each[1].used / each[0].capacity)
    return cap.limit, look.used, cap.capacity


def _told(leaf: int, tenant: str, told: CustomerOutcome) -> tuple[object, ...]:
    return (
        *(leaf, told.decision, tenant, told.occurred_ms, told.reported_ms, told.type),
        *(told.question, told.answer, told.revenue_cents, told.currency),
    )


def _copy(leaf: int, tenant: str, copy: ShadowResult) -> tuple[object, ...]:
    return (
        *(leaf, copy.id, tenant, copy.received_ms, copy.route, copy.arm),
        *(copy.version, copy.end.value, copy.verdict),
    )
