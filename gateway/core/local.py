"""Buckets counted in one gateway for itself, while the store is down and the policy says `on_store_error: local`.

What it counts begins with the outage, and other gateways count for themselves: so as many gateways let through as many
times the limit at most. Once the store is back, what was let through is counted there too.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from gateway.core.keys import Cell
from gateway.core.limits import SKEW_MS, Bucket
from gateway.core.record import BucketLook, Outcome

MOST_BUCKETS: Final = 50_000
"""Beyond, the bucket that was used least recently is forgotten; some 200 bytes each and as much for each call in it."""

KEPT_CALLS: Final = 64
"""So many calls of a bucket are kept at least, and twice as many as it holds."""


class _Taken(msgspec.Struct):
    """One call in a bucket."""

    id: str
    at_ms: int
    expires_ms: int
    cost: int


class _Held(msgspec.Struct):
    """What one bucket holds: calls, or for a rate the theoretical arrival time in microseconds."""

    calls: list[_Taken] = []
    tat_us: int = 0


_Key = tuple[Cell, str, str, str]


class LocalCounts:
    """The buckets of this gateway alone. Times are milliseconds since the epoch."""

    def __init__(self) -> None:
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._by_call: dict[str, list[_Key]] = {}

    def take(self, buckets: tuple[Bucket, ...], *, cell: Cell, call: str, now_ms: int, expires_ms: int) -> Outcome:
        """Take every bucket of the cell, or none; one that is "open" is not looked at."""
        looks = tuple([self._look(bucket, cell, now_ms=now_ms) for bucket in buckets])
        waits = [look.wait_ms if bucket.mode == "enforce" else 0 for bucket, look in zip(buckets, looks, strict=True)]
        if any(waits):
            refused = waits.index(-1) if -1 in waits else waits.index(max(waits))
            return Outcome(granted=False, looks=looks, refused=refused)
        for bucket, look in zip(buckets, looks, strict=True):
            if look.wait_ms == 0 and bucket.on_store_error == "local":
                self._take(bucket, cell, taken=_Taken(call, now_ms, expires_ms, bucket.cost))
        counted = [
            msgspec.structs.replace(look, used=look.used + (bucket.cost if look.wait_ms == 0 else 0))
            for bucket, look in zip(buckets, looks, strict=True)
        ]
        return Outcome(granted=True, looks=tuple(counted))

    def settle(self, call: str, *, gave_back: bool) -> None:
        """The call has ended: it runs no longer, and what it took is given back if it came to nothing."""
        for key in self._by_call.pop(call, ()):
            held = self._held.get(key)
            if held is not None and (gave_back or key[1] == "concurrency"):
                held.calls = [taken for taken in held.calls if taken.id != call]

    def _look(self, bucket: Bucket, cell: Cell, *, now_ms: int) -> BucketLook:
        if bucket.capacity == 0:
            return BucketLook(0, -1)
        held = self._held.get(_key(bucket, cell))
        if held is None or bucket.on_store_error != "local":
            return BucketLook(0, 0 if bucket.cost <= bucket.capacity else -1)
        if bucket.kind == "rate":
            return _look_rate(bucket, held, now_ms=now_ms)
        counted = [taken for taken in held.calls if _frees_ms(bucket, taken) > now_ms]
        used = len(counted) if bucket.kind == "gap" else sum([taken.cost for taken in counted])
        need = used + max(bucket.cost, 1) - bucket.capacity
        if need <= 0:
            return BucketLook(used, 0)
        for taken in sorted(counted, key=lambda each: _frees_ms(bucket, each)):
            need -= max(taken.cost, 1)
            if need <= 0:
                return BucketLook(used, max(1, _frees_ms(bucket, taken) - now_ms))
        return BucketLook(used, -1)

    def _take(self, bucket: Bucket, cell: Cell, *, taken: _Taken) -> None:
        key = _key(bucket, cell)
        held = self._held.setdefault(key, _Held(calls=[]))
        self._held.move_to_end(key)
        if bucket.kind == "rate":
            now_us = taken.at_ms * 1000
            ahead_us = now_us + bucket.capacity * bucket.interval_us
            held.tat_us = min(max(held.tat_us, now_us), ahead_us) + taken.cost * bucket.interval_us
        else:
            # What counts no longer is kept a while: a clock that steps back must not open the bucket.
            if len(held.calls) > KEPT_CALLS and len(held.calls) > 2 * bucket.capacity:
                del held.calls[: len(held.calls) // 4]
            held.calls.append(taken)
            self._by_call.setdefault(taken.id, []).append(key)
        if len(self._held) > MOST_BUCKETS:
            self._held.popitem(last=False)


def _key(bucket: Bucket, cell: Cell) -> _Key:
    return cell, bucket.kind, bucket.limit, bucket.by


def _look_rate(bucket: Bucket, held: _Held, *, now_ms: int) -> BucketLook:
    now_us, ahead_us = now_ms * 1000, bucket.capacity * bucket.interval_us
    if held.tat_us > now_us + ahead_us + SKEW_MS * 1000:  # so far ahead only by a clock that stepped back
        held.tat_us = now_us + ahead_us
    tat_us = max(held.tat_us, now_us)
    over_us = tat_us + bucket.cost * bucket.interval_us - ahead_us - now_us
    used = -(-(tat_us - now_us) // bucket.interval_us)
    wait_ms = -1 if bucket.cost > bucket.capacity else max(0, -(-over_us // 1000))
    return BucketLook(min(used, bucket.capacity), wait_ms)


def _frees_ms(bucket: Bucket, taken: _Taken) -> int:
    """When a call in a bucket counts no longer."""
    if bucket.kind == "concurrency":
        return taken.expires_ms
    if bucket.ends_ms:
        return bucket.ends_ms if taken.at_ms >= bucket.since_ms else 0
    return taken.at_ms + bucket.period_ms
