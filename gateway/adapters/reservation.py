"""What a call asks of the store, and what becomes of it when the call is settled.

The keys of its buckets, and how they are packed for the store's functions. Pure; `buckets.lua` is the other side of it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.core import keys
from gateway.core.keys import Cell
from gateway.core.limits import SLOTS, Bucket
from gateway.core.record import Record, Settlement
from gateway.core.spending import Told

_PACK: Final = msgspec.msgpack.Encoder()
NOTHING: Final = _PACK.encode(())
"""Nothing to take, or nothing to settle."""


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What a call asks to hold until it is settled."""

    id: str
    stream: str
    cell: Cell
    admitted_ms: int
    buckets: tuple[Bucket, ...] = ()
    bucket_keys: tuple[tuple[str, ...], ...] = ()
    """The keys of each bucket."""
    request_key: str = ""
    """Key of the call's idempotency key; empty where it has none."""
    local: bool = False
    """Whether it was made without the store."""
    left: frozenset[int] = frozenset()
    """Indices of buckets that are given back however the call ends: those of an arm that has not served it."""
    beside: bytes = b""
    """What goes beside the record, in a field of its own."""
    settles: bool = False
    """Whether something has to be done about the buckets, however the call ends."""


def reserve(record: Record, buckets: Sequence[Bucket], *, request_key: str = "", beside: bytes = b"") -> Reservation:
    """The reservation that `Admission.admit` makes for these buckets."""
    cell = keys.cell(record.tenant, record.cell)
    return Reservation(
        id=record.id,
        stream=keys.decisions(cell),
        cell=cell,
        admitted_ms=record.decided_ms,
        buckets=tuple(buckets),
        bucket_keys=tuple([_keys(cell, record.id, bucket=bucket) for bucket in buckets]),
        request_key=request_key,
        beside=beside,
        settles=_settle_anyway(buckets),
    )


_SETTLED: Final = frozenset({"budget", "concurrency", "quota"})
"""Kinds that are settled however the call ends."""
_NEVER_SETTLED: Final = frozenset({"gap", "rate", "sequence", "trail", "window"})
"""Kinds that keep what was taken, however the call ends."""
# A gap is kept in the log of its cap, a first step leaves its mark where the second looks for it.
_KEPT_AS: Final = {"gap": "cap", "trail": "sequence"}


def _settle_anyway(buckets: Sequence[Bucket]) -> bool:
    for bucket in buckets:  # noqa: SIM110 - takes half as long as any() with a generator, in every call
        if bucket.kind in _SETTLED or bucket.counts_on != "reserved":
            return True
    return False


def _keys(cell: Cell, call: str, *, bucket: Bucket) -> tuple[str, ...]:
    kind = _KEPT_AS.get(bucket.kind, bucket.kind)
    main = keys.bucket(cell, kind, limit=bucket.limit, by=bucket.by)
    if kind == "cap":
        several = bucket.counts_on != "reserved" or bucket.rank >= 0
        return (main, f"{main}:open", f"{main}:pending") if several else (main,)
    if kind == "budget":
        return main, keys.taken(cell, call)
    if kind == "quota":
        return main, f"{main}:running"
    return (main,)


def pending_in(record: Record, buckets: Sequence[Bucket], *, hold: str) -> tuple[tuple[str, str], ...]:
    """(key, member) of every cap with priorities in which a call that is kept as `hold` claims a slot."""
    ranked = [bucket for bucket in buckets if bucket.kind == "cap" and bucket.rank >= 0]
    return tuple(
        [
            (_keys(keys.cell(record.tenant, record.cell), record.id, bucket=bucket)[2], f"{bucket.rank}|{hold}")
            for bucket in ranked
        ]
    )


def packed(reservation: Reservation) -> bytes:
    """The buckets as `admit` takes them."""
    if not reservation.buckets:
        return NOTHING
    pairs = zip(reservation.buckets, reservation.bucket_keys, strict=True)
    cell = reservation.cell
    return _PACK.encode([(b.kind, b.mode, len(names), b.capacity, b.cost, *_specific(b, cell)) for b, names in pairs])


def _specific(bucket: Bucket, cell: Cell) -> tuple[int | str, ...]:
    """What a kind needs besides; see `buckets.lua`."""
    match bucket.kind:
        case "rate":
            return (bucket.interval_us,)
        case "cap":
            holds = keys.hold(cell, "") if bucket.rank >= 0 else ""
            return (*_window(bucket), bucket.kept_ms, bucket.rank, bucket.counts_on, holds)
        case "gap" | "score" | "trail":
            return (bucket.period_ms,)
        case "window" | "budget":
            return (*_window(bucket), -(-bucket.period_ms // SLOTS))
        case "quota":
            return (*_window(bucket), bucket.share)
        case "sequence":
            return (bucket.period_ms, bucket.who)
    return ()


def _window(bucket: Bucket) -> tuple[int, int, int]:
    return bucket.period_ms, bucket.since_ms, bucket.ends_ms


def settling(
    reservation: Reservation, settlement: Settlement, *, told: Mapping[str, Told]
) -> tuple[tuple[str, ...], bytes]:
    """(keys, what becomes of the buckets as `settle` takes it). `told` is what the upstream says, by limit."""
    names: list[str] = []
    steps: list[tuple[int | str, ...]] = []
    back = msgspec.structs.replace(settlement, gave_back=True) if reservation.left else settlement
    for index, (bucket, its) in enumerate(zip(reservation.buckets, reservation.bucket_keys, strict=True)):
        how = back if index in reservation.left else settlement
        for step, own in _settled(bucket, its, reservation, settlement=how, told=told):
            steps.append((step[0], len(own), *step[1:]))
            names += own
    return tuple(names), _PACK.encode(steps) if steps else NOTHING


def to_settle(reservation: Reservation) -> Reservation:
    """As much of it as `settling` needs, for whoever has to carry it until then."""
    places = [place for place, bucket in enumerate(reservation.buckets) if bucket.kind not in _NEVER_SETTLED]
    return msgspec.structs.replace(
        reservation,
        buckets=tuple([reservation.buckets[place] for place in places]),
        bucket_keys=tuple([reservation.bucket_keys[place] for place in places]),
        left=frozenset(new for new, place in enumerate(places) if place in reservation.left),
        beside=b"",
    )


_Step = tuple[tuple[int | str, ...], tuple[str, ...]]


def _settled(
    bucket: Bucket,
    its: tuple[str, ...],
    reservation: Reservation,
    *,
    settlement: Settlement,
    told: Mapping[str, Told],
) -> tuple[_Step, ...]:
    """The steps for one bucket: each with the keys that it needs."""
    id_, back = reservation.id, settlement.gave_back
    match bucket.kind:
        case "cap":
            return _cap_settled(bucket, its, reservation, settlement=settlement)
        case "concurrency":
            return ((("remove", id_), its),)
        case "score" if back:
            return ((("remove", f"{id_} {bucket.cost}"), its),)
        case "budget":
            actual = 0 if back else settlement.costs.get(bucket.limit, bucket.cost)
            return ((("adjust", actual), its),)
        case "quota":
            said = told.get(bucket.limit, Told())
            numbers = (said.used, said.remaining, said.max, bucket.since_ms, bucket.period_ms)
            return ((("told", id_, reservation.admitted_ms, *numbers), its),)
    return ()


def _cap_settled(
    bucket: Bucket, its: tuple[str, ...], reservation: Reservation, *, settlement: Settlement
) -> tuple[_Step, ...]:
    id_ = reservation.id
    if bucket.counts_on == "reserved":
        return ((("remove", id_), its[:1]),) if settlement.gave_back else ()
    if settlement.gave_back:
        return ((("free", id_), its[:2]),)
    at, kept = settlement.settled_ms, bucket.kept_ms
    if bucket.counts_on == "sent" or settlement.in_doubt:
        return ((("confirm", id_, at, bucket.capacity, kept), its[:2]),)
    found = keys.awaited(reservation.cell, id_)
    return ((("await", id_, at + bucket.deliver_ms, bucket.capacity, kept, at), (*its[:2], found)),)
