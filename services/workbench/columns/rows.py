"""From entries of the log, as gateways wrote them, to rows of columns. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from gateway.core.record import DEFAULT_KEEP_DAYS, BucketAsk, BucketLook, CustomerOutcome, Outcome, Record, Settlement
from gateway.core.shadows import ShadowResult
from gateway.records.conclusion import answered
from services.proof import leaves
from services.workbench.columns.tables import ADMITTED, COPIED, FOLLOWED, SETTLED, SPENT

Row = tuple[object, ...]
_DAY_MS: Final = 86_400_000
_LARGEST: Final = 1 << 53
_HELD_OUT: Final = "HELD_OUT"
_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)
_followed: Final = msgspec.json.Decoder(CustomerOutcome)
_copied: Final = msgspec.json.Decoder(ShadowResult)


def rows_of(kind: str, parts: Sequence[bytes], *, leaf: int) -> Iterator[tuple[str, Row]]:
    """The rows that an entry is, each with its table's name; none for the log's own entries, and for what was deleted.

    Raises:
        msgspec.DecodeError: a version of Pilote that writes otherwise has written it.
    """
    if not parts:
        return
    match kind:
        case leaves.ADMIT:
            yield ADMITTED.name, _admitted(leaf, _record.decode(parts[0]), _outcome.decode(parts[1]))
        case leaves.SETTLE:
            end = _settlement.decode(parts[0])
            yield SETTLED.name, _settled(leaf, end)
            for name, amount in end.costs.items():
                yield SPENT.name, (leaf, end.id, name, amount)
        case leaves.OUTCOME:
            yield FOLLOWED.name, _told(leaf, parts[0].decode(), _followed.decode(parts[1]))
        case leaves.COPY:
            yield COPIED.name, _copy(leaf, parts[0].decode(), _copied.decode(parts[1]))


def _admitted(leaf: int, record: Record, outcome: Outcome) -> Row:
    verdict, reason, rule = answered(record, outcome)
    cap, look = _tightest(record.buckets, outcome.looks)
    kept_ms = (record.keep_days or DEFAULT_KEEP_DAYS) * _DAY_MS
    enforced = " ".join([each.rule for each in record.rules if each.mode == "enforce"])
    return (
        *(leaf, record.id, record.received_ms, min(record.received_ms + kept_ms, _LARGEST)),
        *(record.tenant, record.agent, record.agent_version, _led_by(record)),
        *(record.method, record.operation, record.subject_ref),
        *(record.channel, record.category, record.campaign, record.objective, record.model, record.version),
        *(record.route, record.arm, record.revision),
        *(verdict.value, reason, rule, enforced),
        " ".join([each.rule for each in record.rules if each.mode != "enforce"]),
        *(("", 0, 0) if cap is None or look is None else (cap.limit, look.used, cap.capacity)),
        *(
            reason == _HELD_OUT,
            bool(record.holdouts),
            bool(outcome.first),
            record.standby,
            record.inference,
            record.parent,
        ),
        *(record.request_bytes, record.took_us, False),
    )


def _led_by(record: Record) -> str:
    led = record.lineage
    return record.agent_version if led is None else f"{led.model}/{led.version}"


def _tightest(asks: Sequence[BucketAsk], looks: Sequence[BucketLook]) -> tuple[BucketAsk | None, BucketLook | None]:
    """The cap with the least room, as a share of what it lets through."""
    if not asks:
        return None, None
    caps = [(ask, look) for ask, look in zip(asks, looks, strict=False) if ask.kind == "cap" and ask.capacity > 0]
    return max(caps, key=lambda each: each[1].used / each[0].capacity, default=(None, None))


def _settled(leaf: int, end: Settlement) -> Row:
    return (
        *(leaf, end.id, end.settled_ms, end.status, end.reason, end.in_doubt, end.gave_back),
        *(end.total_us, end.upstream_us, end.response_bytes, end.arm, end.version),
    )


def _told(leaf: int, tenant: str, told: CustomerOutcome) -> Row:
    return (
        *(leaf, told.decision, tenant, told.occurred_ms, told.reported_ms, told.type),
        *(told.question, told.answer, told.revenue_cents, told.currency),
    )


def _copy(leaf: int, tenant: str, copy: ShadowResult) -> Row:
    return (
        *(leaf, copy.id, tenant, copy.received_ms, copy.route, copy.arm),
        *(copy.version, copy.end.value, copy.verdict),
    )
