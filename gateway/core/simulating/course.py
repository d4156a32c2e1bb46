"""All calls in their order, with everything counted as the new policy counts it: what would have come of each.

What was made then is settled as it was recorded, and its customer did what was told. Of a call that would newly have
gone through nobody knows that: it is taken to last as long as others of its method on average, to cost what was
estimated, and to be followed by nothing.
"""

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from gateway.core.limits import Bucket, bucket_reason
from gateway.core.record import Settlement
from gateway.core.simulating.calls import ALLOWED, GONE, Call, Told, bucket_of
from gateway.core.simulating.counts import Counts
from gateway.core.simulating.kinds import Caller

USUAL_MS: Final = 100
"""How long a call is taken to last while none of its method is known to have ended."""
_DAY_MS: Final = 86_400_000
_NEVER_MS: Final = 1 << 53
_COUNTED: Final = ("CAP_EXCEEDED ", "LIMIT_EXCEEDED ")
_SETTLED: Final = frozenset({"budget", "concurrency", "quota"})
_MEANINGS: Final = {
    **dict.fromkeys(
        ("delivered", "opened", "clicked", "replied", "converted", "unsubscribed", "complained"), "confirm"
    ),
    "bounced": "free",
}


class Came(msgspec.Struct, frozen=True):
    """What would have come of a call."""

    verdict: str
    """A verdict, or `GONE`."""
    by: str = ""
    counted: bool = False
    """Whether a limit or cap says so, and no rule."""


class _Key(msgspec.Struct, frozen=True):
    """An idempotency key, and the call that has bound it."""

    hash: str
    ends_ms: int
    expires_ms: int
    until_ms: int
    state: Literal["done", "doubt", "free"]
    """What becomes of the key once the call has ended."""


class Course:
    """Takes calls one after the other, in the order in which they were admitted.

    Without `counting` what limits and caps said then stands: of a part of the calls they cannot be counted.
    """

    def __init__(self, *, counting: bool = True) -> None:
        self._counting = counting
        self.counts: Final = Counts()
        self.estimated = 0
        """Calls whose end had to be guessed, since they were not made then."""
        self._due: list[tuple[int, int, Settlement | Told, tuple[Bucket, ...] | str, str]] = []
        self._order = itertools.count()
        self._otherwise: set[str] = set()
        """Decisions that would have ended otherwise."""
        self._keys: OrderedDict[tuple[str, str], _Key] = OrderedDict()
        self._lasted: dict[str, tuple[int, int]] = {}
        """By method, for how long and how many calls have lasted so far."""

    def take(self, call: Call, forms: Sequence[Bucket]) -> Came:
        """What would have come of the call; `forms` are those of its slice."""
        self._until(call.at_ms)
        came = self._come(call, forms)
        if came.verdict != call.was or came.by != call.was_by:
            self._otherwise.add(call.id)
        if call.end is not None:
            total_ms, calls = self._lasted.get(call.method, (0, 0))
            self._lasted[call.method] = (total_ms + max(0, call.end.at_ms - call.at_ms), calls + 1)
        return came

    def _come(self, call: Call, forms: Sequence[Bucket]) -> Came:
        if call.follows and call.parent in self._otherwise:
            return Came(GONE)
        repeats = call.first != "" and call.first not in self._otherwise
        if repeats and call.rules != "DENY":  # also one that would be kept: a repeat is known before that
            return Came(call.was, call.was_by)
        if call.rules != ALLOWED:
            return Came(call.rules, call.rules_by)
        if call.fixed and not call.first:
            return Came(call.was, call.was_by)
        if not self._counting:
            return Came(call.was, call.was_by) if call.was_by.startswith(_COUNTED) else Came(ALLOWED)
        if call.key and (repeated := self._repeated(call)) is not None:
            return repeated
        buckets = tuple([bucket_of(asked, forms[asked.form]) for asked in call.buckets])
        return self._admitted(call, buckets)

    def _repeated(self, call: Call) -> Came | None:
        """What comes of a call whose idempotency key another one has bound; `None` where none has."""
        bound = self._keys.get((call.cell, call.key))
        over = bound is not None and call.at_ms >= bound.ends_ms
        if bound is None or bound.until_ms <= call.at_ms or (over and bound.state == "free"):
            return None
        if bound.hash != call.hash:
            return Came("DENY", "IDEMPOTENCY_KEY_REUSED")
        if (over and bound.state == "doubt") or (not over and call.at_ms > bound.expires_ms):
            return Came("DENY", "UPSTREAM_IN_DOUBT")
        return Came(ALLOWED) if over else Came("DENY", "IDEMPOTENCY_KEY_RUNNING")

    def _bind(self, call: Call, *, new: bool) -> None:
        """Bind the call's idempotency key for a day."""
        while self._keys and next(iter(self._keys.values())).until_ms <= call.at_ms:
            self._keys.popitem(last=False)
        state: Literal["done", "doubt", "free"] = "done"
        ends_ms = call.at_ms + self._usual_ms(call.method)
        if not new:
            ends_ms = _NEVER_MS if call.end is None else call.end.at_ms
            if call.end is not None and (call.end.gave_back or call.end.in_doubt):
                state = "free" if call.end.gave_back else "doubt"
        self._keys[call.cell, call.key] = _Key(
            call.hash, ends_ms, call.expires_ms or _NEVER_MS, call.at_ms + _DAY_MS, state
        )
        self._keys.move_to_end((call.cell, call.key))

    def _admitted(self, call: Call, buckets: tuple[Bucket, ...]) -> Came:
        if buckets:
            expires_ms = call.expires_ms or call.at_ms + 60_000
            caller = Caller(call.id, call.at_ms, expires_ms, call.agent)
            outcome = self.counts.admit(buckets, caller, cell=call.cell)
            if not outcome.granted:
                refusing = buckets[outcome.refused]
                return Came("DENY", f"{bucket_reason(refusing.kind).value} {refusing.limit}", counted=True)
        new = call.was != ALLOWED or call.first != ""  # a repeat was given an answer, and not made
        if call.key:
            self._bind(call, new=new)
        self._settle_later(call, buckets, new=new)
        return Came(ALLOWED, counted=call.was_by.startswith(_COUNTED))

    def _settle_later(self, call: Call, buckets: tuple[Bucket, ...], *, new: bool) -> None:
        gave_back = call.end is not None and call.end.gave_back and not new
        waits = any(bucket.counts_on != "reserved" or bucket.kind in _SETTLED for bucket in buckets)
        if not waits and not (gave_back and buckets):
            return
        if new:
            self.estimated += 1
            end = Settlement(id=call.id, settled_ms=call.at_ms + self._usual_ms(call.method), status="OK")
        elif call.end is None:
            return  # never settled: what runs at a time ends with its reservation
        else:
            its = call.end
            end = Settlement(
                id=call.id,
                settled_ms=its.at_ms,
                status="",
                gave_back=its.gave_back,
                in_doubt=its.in_doubt,
                costs=its.costs,
            )
        heapq.heappush(self._due, (end.settled_ms, next(self._order), end, buckets, call.cell))
        for told in () if new else call.told:
            if told.type in _MEANINGS and any(bucket.counts_on == "delivered" for bucket in buckets):
                heapq.heappush(self._due, (told.reported_ms, next(self._order), told, call.id, call.cell))

    def _usual_ms(self, method: str) -> int:
        """How long a call of the method lasts, as far as is known by now."""
        total_ms, calls = self._lasted.get(method, (USUAL_MS, 1))
        return total_ms // calls

    def _until(self, now_ms: int) -> None:
        """Settle what has ended by then, in order."""
        while self._due and self._due[0][0] <= now_ms:
            at_ms, _, what, of, cell = heapq.heappop(self._due)
            if isinstance(what, Settlement) and not isinstance(of, str):
                self.counts.settle(of, what, cell=cell)
            elif isinstance(what, Told) and isinstance(of, str):
                self.counts.report(of, _MEANINGS[what.type], at_ms=at_ms)
