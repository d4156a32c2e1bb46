"""Admission and settlement over simulated buckets: `admit.lua` without stops, streams and idempotency keys."""

from collections.abc import Sequence
from typing import Final

from gateway.core.limits import Bucket
from gateway.core.record import BucketLook, Outcome, Settlement
from gateway.core.simulating.kinds import (
    KINDS,
    Caller,
    Cap,
    Concurrency,
    Held,
    Quota,
    Rate,
    Score,
    Window,
)

_Key = tuple[str, str, str, str]
_DAY_MS: Final = 86_400_000


class Counts:
    """Buckets of all cells. Calls must come in the order in which they were admitted."""

    def __init__(self) -> None:
        self._held: dict[_Key, Held] = {}
        self._taken: dict[str, dict[_Key, tuple[int, int]]] = {}
        """Of budgets: by call and bucket, the part that was taken from and the estimate."""
        self._awaited: dict[str, list[tuple[Cap, int, int]]] = {}
        """By decision, the caps that wait for a delivery, each with its maximum and how long contacts matter."""
        self._early: dict[str, tuple[str, int]] = {}

    def admit(self, buckets: Sequence[Bucket], caller: Caller, *, cell: str) -> Outcome:
        """Take every bucket, or none."""
        looked = []
        helds = []
        for b in buckets:
            held = self._of(b, cell)
            helds.append(held)
            looked.append((0, -1, None, "") if b.capacity == 0 else held.look(b, caller))
        refused = _longest(buckets, [wait for _, wait, _, _ in looked])
        for held, (_, _, state, _) in zip(helds, looked, strict=True):
            if state is not None and isinstance(held, Rate):
                held.cut(state)
        if refused >= 0:
            return Outcome(
                granted=False,
                looks=tuple([BucketLook(used, wait, other) for used, wait, _, other in looked]),
                refused=refused,
            )
        found = []
        for b, held, (used, wait, state, other) in zip(buckets, helds, looked, strict=True):
            taken = wait == 0 or (held.counts and b.kind != "gap")
            if taken:
                held.take(b, caller, state)
                if b.kind == "budget" and isinstance(held, Window):
                    part = held.part(b, caller.now_ms)
                    self._taken.setdefault(caller.id, {})[_key(b, cell)] = (part, b.cost)
            found.append(BucketLook(used + b.cost if taken else used, wait, other))
        return Outcome(granted=True, looks=tuple(found))

    def settle(self, buckets: Sequence[Bucket], settlement: Settlement, *, cell: str) -> None:
        """Confirm what a call took, or give it back; harmless when done twice."""
        call, back = settlement.id, settlement.gave_back
        for b in buckets:
            held = self._held.get(_key(b, cell))
            match held:
                case Cap() if b.kind == "cap":
                    self._settle_cap(held, b, settlement)
                case Concurrency():
                    held.running.remove(call)
                case Score() if back:
                    held.remove(f"{call} {b.cost}")
                case Window() if b.kind == "budget":
                    actual = 0 if back else settlement.costs.get(b.limit, b.cost)
                    taken = self._taken.get(call, {}).pop(_key(b, cell), None)
                    if taken is not None:
                        held.adjust(taken[0], actual - taken[1])
                case Quota():
                    held.ended(b, call, now_ms=settlement.settled_ms)
        if not self._taken.get(call, True):
            del self._taken[call]

    def report(self, decision: str, meaning: str, *, at_ms: int) -> None:
        """A customer did something after a contact; "confirm": it was delivered, "free": it never will be."""
        waiting = self._awaited.pop(decision, None)
        if waiting is None:
            self._early[decision] = (meaning, at_ms)
        for cap, most, kept_ms in waiting or ():
            _deliver(cap, decision, meaning, at_ms=at_ms, most=most, kept_ms=kept_ms)

    def _settle_cap(self, cap: Cap, b: Bucket, settlement: Settlement) -> None:
        call, at_ms = settlement.id, settlement.settled_ms
        if b.counts_on == "reserved":
            if settlement.gave_back:
                cap.log.remove(call)
        elif settlement.gave_back:
            cap.open.remove(call)
        elif b.counts_on == "sent" or settlement.in_doubt:
            _deliver(cap, call, "confirm", at_ms=at_ms, most=b.capacity, kept_ms=b.kept_ms)
        elif (early := self._early.get(call)) is not None:
            _deliver(cap, call, early[0], at_ms=early[1], most=b.capacity, kept_ms=b.kept_ms)
        elif cap.open.at.get(call, at_ms + b.deliver_ms) < at_ms + b.deliver_ms:
            cap.open.add(call, at_ms + b.deliver_ms)
            self._awaited.setdefault(call, []).append((cap, b.capacity, b.kept_ms))

    def _of(self, b: Bucket, cell: str) -> Held:
        key = _key(b, cell)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = KINDS[b.kind][1]()
        return held


def _deliver(cap: Cap, call: str, meaning: str, *, at_ms: int, most: int, kept_ms: int) -> None:
    cap.open.remove(call)
    if meaning == "confirm":
        cap.confirm(call, at_ms, most=most, kept_ms=kept_ms)


def _key(b: Bucket, cell: str) -> _Key:
    return cell, KINDS[b.kind][0], b.limit, b.by


def _longest(buckets: Sequence[Bucket], waits: Sequence[int]) -> int:
    """The enforced bucket with the longest wait; never is longer than any. -1 where none refuses."""
    refused = -1
    for place, (b, wait) in enumerate(zip(buckets, waits, strict=True)):
        if wait == 0 or b.mode != "enforce":
            continue
        longer = refused < 0 or wait < 0 or (waits[refused] > 0 and wait > waits[refused])
        if longer:
            refused = place
    return refused
