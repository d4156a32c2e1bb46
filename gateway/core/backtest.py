"""What would have come of recorded calls under another policy: call by call, and all of them together. Pure.

Each call is decided twice, under its own revision and under the new policy. What rules, consents, hours and routes say
is exact. Limits and caps depend on all calls: they are counted over the calls at hand, on both sides from nothing.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from gateway.core import keys
from gateway.core.decide import Decision
from gateway.core.limits import bucket_reason
from gateway.core.local import LocalCounts
from gateway.core.record import Outcome, Record, Verdict

MOST_KINDS: Final = 1_000
"""Different changes that are told apart; all further ones are counted together."""
_COUNTED: Final = frozenset({"rate", "window", "budget", "cap", "gap"})
"""Kinds of buckets that can be counted afterwards. What runs at a time, upstreams' quotas, sequences and the score of
pressure depend on more than the calls say."""
_FOR_PEOPLE: Final = {"review": Verdict.HOLD, "defer": Verdict.DEFER}

Kind = Literal["verdict", "refusal", "arm", "version", "redactions", "variations", "counted", "gone", "others"]


class Came(msgspec.Struct, frozen=True):
    """What a call came to on one side."""

    record: Record
    decision: Decision | None
    """`None` where the call ended before it was decided upon."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which calls would have ended otherwise.

    "verdict": let through, refused or held otherwise. "refusal": refused or held for another reason or by another rule.
    "arm", "version", "redactions", "variations": let through all the same, but so. "counted": by a limit or cap,
    counted over these calls. "gone": not made at all, since what it follows on would have ended otherwise.
    """

    kind: Kind
    was: str = ""
    becomes: str = ""
    by: str = ""
    """The rule, limit or cap that decides so; where the new policy allows it, the one that refused before."""


OTHERS: Final = Difference(kind="others")


class Found(msgspec.Struct, frozen=True):
    """How many calls, and some of them."""

    calls: int
    examples: tuple[str, ...]
    """Decision ids, the oldest."""


def differences(old: Came, new: Came) -> tuple[Difference, ...]:
    """How a call would have ended otherwise by the rules, experiments and routes; none: just as it did."""
    before, after = old.record, new.record
    if before.verdict is not after.verdict:
        by = _by(before if after.verdict is Verdict.ALLOW else after)
        return (Difference(kind="verdict", was=before.verdict.value, becomes=after.verdict.value, by=by),)
    if after.verdict is not Verdict.ALLOW:
        was, becomes = _by(before), _by(after)
        return (Difference(kind="refusal", was=was, becomes=becomes, by=after.rule),) if was != becomes else ()
    pairs: tuple[tuple[Kind, str, str], ...] = (
        ("arm", f"{before.route}/{before.arm}", f"{after.route}/{after.arm}"),
        ("version", before.version, after.version),
        ("redactions", _redactions(old), _redactions(new)),
        ("variations", _variations(before), _variations(after)),
    )
    return tuple(Difference(kind=kind, was=was, becomes=becomes) for kind, was, becomes in pairs if was != becomes)


class Tally:
    """What is known of all calls so far. `most_examples` decision ids are kept of each difference."""

    def __init__(self, *, most_examples: int = 3) -> None:
        self._most_examples = most_examples
        self._found: dict[Difference, list[str]] = {}
        self._calls: Counter[Difference] = Counter()
        self._old, self._new = _Counting(), _Counting()
        self.replayed = 0
        """Calls that were decided on both sides, and on their own as recorded."""
        self.otherwise = 0
        """Those of them that would have ended otherwise, limits and caps left aside."""
        self.left_out: dict[str, list[str]] = {}
        """Decision ids, `most_examples` at most, of calls that could not be used, by why."""
        self.left_out_calls: Counter[str] = Counter()

    def leave_out(self, why: str, decision: str) -> None:
        """Count a call that cannot be used."""
        self.left_out_calls[why] += 1
        examples = self.left_out.setdefault(why, [])
        if len(examples) < self._most_examples:
            examples.append(decision)

    def add(self, old: Came, new: Came, outcome: Outcome) -> None:
        """Count a call, in the order in which calls were received; `outcome` is what the store said to it."""
        self.replayed += 1
        found = differences(old, new)
        self.otherwise += bool(found)
        if not outcome.reason and not outcome.first:  # a repeat, or what a stop refused, takes from no bucket
            found += self._counted(old, new)
        for difference in found:
            self._note(difference, old.record.id)

    @property
    def found(self) -> Mapping[Difference, Found]:
        """The differences, those of the most calls first."""
        order = sorted(self._calls, key=lambda each: (-self._calls[each], each.kind, each.was, each.becomes, each.by))
        return {each: Found(self._calls[each], tuple(self._found[each])) for each in order}

    def _counted(self, old: Came, new: Came) -> tuple[Difference, ...]:
        before, after = self._old.come_to(old), self._new.come_to(new)
        if (before is None and after is None) or new.record.verdict is not Verdict.ALLOW:  # that the rules say
            return ()
        was, limit = before or (old.record.verdict.value, "")
        becomes, new_limit = after or (new.record.verdict.value, "")
        if was == becomes and limit == new_limit:
            return ()
        return (Difference(kind="counted", was=was, becomes=becomes, by=new_limit or limit),)

    def _note(self, difference: Difference, decision: str) -> None:
        if difference not in self._calls and len(self._calls) >= MOST_KINDS:
            difference = OTHERS
        self._calls[difference] += 1
        examples = self._found.setdefault(difference, [])
        if len(examples) < self._most_examples:
            examples.append(decision)


class _Counting:
    """The buckets of one side, counted over the calls at hand."""

    def __init__(self) -> None:
        self._counts = LocalCounts()

    def come_to(self, came: Came) -> tuple[str, str] | None:
        """(verdict, name of the limit or cap) of a call that is refused by what was counted; `None` where none does."""
        record, decision = came.record, came.decision
        if decision is None or record.verdict is not Verdict.ALLOW:
            return None
        buckets = tuple(
            msgspec.structs.replace(bucket, on_store_error="local")
            for bucket in decision.buckets
            if bucket.kind in _COUNTED
        )
        if not buckets:
            return None
        cell, at_ms = keys.cell(record.tenant, record.cell), record.received_ms
        outcome = self._counts.take(buckets, cell=cell, call=record.id, now_ms=at_ms, expires_ms=at_ms)
        if outcome.granted:
            return None
        bucket = buckets[outcome.refused]
        verdict = _FOR_PEOPLE.get(bucket.on_exceed, Verdict.DENY)
        return f"{verdict.value} {bucket_reason(bucket.kind).value}", bucket.limit


def _by(record: Record) -> str:
    """What refused or held a call: its reason, and the rule where there is one."""
    return f"{record.reason} {record.rule}".strip()


def _redactions(came: Came) -> str:
    return "" if came.decision is None else ", ".join(came.decision.redacting)


def _variations(record: Record) -> str:
    return ", ".join(f"{each.experiment}={each.variation}" for each in record.exposures)
