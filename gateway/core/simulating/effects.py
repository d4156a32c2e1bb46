"""What a new policy would have changed, over all recorded calls: which, whose, and what that does to the measures."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.core.simulating.calls import ALLOWED, Call
from gateway.core.simulating.course import Came
from gateway.core.simulating.differences import MOST_KINDS, OTHERS, Difference, differences


class Sum(msgspec.Struct):
    """What came of the calls of one agent, variation, or of all of them."""

    calls: int = 0
    refused: int = 0
    """Let through then, and newly refused, held or put off; or not made at all."""
    allowed: int = 0
    """Not let through then, and newly so."""


class Measures(msgspec.Struct):
    """Contacts, and what followed from them, as recorded and under the new policy."""

    contacts: int = 0
    contacts_new: int = 0
    refusals: int = 0
    """Of any call, as recorded."""
    refusals_new: int = 0
    waiting: int = 0
    """Calls that were kept for a person or until a time, as recorded."""
    waiting_new: int = 0
    lost: Counter[str] = msgspec.field(default_factory=Counter)
    """What customers did after contacts that would not have been made, by what it was."""
    followed: Counter[str] = msgspec.field(default_factory=Counter)
    """The same after all contacts that were made."""
    revenue: Counter[str] = msgspec.field(default_factory=Counter)
    """After all contacts that were made, in hundredths, by currency."""
    lost_revenue: Counter[str] = msgspec.field(default_factory=Counter)
    """After those that would not have been made."""


class Changed(msgspec.Struct):
    """The calls of one difference."""

    calls: int = 0
    examples: list[str] = []
    subjects: set[int] = set()
    """The first 64 bits of the pseudonyms of those they concern."""


class Effects:
    """What is known of all calls so far. `most_examples` decision ids are kept of each difference, the oldest."""

    def __init__(self, *, most_examples: int = 3) -> None:
        self._most_examples = most_examples
        self._found: dict[Difference, Changed] = {}
        self.all: Final = Sum()
        self.by_agent: Final[dict[str, Sum]] = {}
        self.by_variation: Final[dict[str, Sum]] = {}
        self.measures: Final = Measures()
        self.subjects_refused: Final[set[int]] = set()
        self.subjects_allowed: Final[set[int]] = set()
        self.otherwise = 0
        """Calls that would have ended otherwise, or gone otherwise."""
        self.contacts_added = 0
        """Contacts that would newly be made."""
        self.unsure = 0
        """Calls newly let through by limits that may not hold yet what came before the first of these calls."""

    def add(self, call: Call, came: Came, *, early: bool = False) -> None:
        """Count a call. `early`: what it is counted with may have begun before the first of these calls."""
        before, after = call.was == ALLOWED, came.verdict == ALLOWED
        refused, allowed = before and not after, after and not before
        for its in self._sums(call):
            its.calls += 1
            its.refused += refused
            its.allowed += allowed
        self._measure(call, came)
        found = differences(call, came)
        if not found:
            return
        self.otherwise += 1
        self.unsure += early and allowed and came.counted
        subject = int(call.subject[:16], 16) if call.subject else None
        if subject is not None and refused:
            self.subjects_refused.add(subject)
        if subject is not None and allowed:
            self.subjects_allowed.add(subject)
        for difference in found:
            self._note(difference, call.id, subject)

    @property
    def found(self) -> Mapping[Difference, Changed]:
        """The differences, those of the most calls first."""
        order = sorted(
            self._found, key=lambda each: (-self._found[each].calls, each.kind, each.was, each.becomes, each.by)
        )
        return {each: self._found[each] for each in order}

    def _sums(self, call: Call) -> tuple[Sum, ...]:
        agent = self.by_agent.get(call.agent)
        if agent is None:
            agent = self.by_agent[call.agent] = Sum()
        if not call.variations:
            return self.all, agent
        return self.all, agent, *(self.by_variation.setdefault(name, Sum()) for name in call.variations)

    def _measure(self, call: Call, came: Came) -> None:
        its, before, after = self.measures, call.was == ALLOWED, came.verdict == ALLOWED
        its.refusals += call.was == "DENY"
        its.refusals_new += came.verdict == "DENY"
        its.waiting += call.was in _WAIT
        its.waiting_new += came.verdict in _WAIT
        if not call.contact or call.first:
            return
        made = before and not (call.end is not None and call.end.gave_back)
        its.contacts += made
        its.contacts_new += after and (made or not before)
        self.contacts_added += after and not before
        for told in call.told if made else ():
            its.followed[told.type] += 1
            its.revenue[told.currency] += told.revenue_cents
            if not after:
                its.lost[told.type] += 1
                its.lost_revenue[told.currency] += told.revenue_cents

    def _note(self, difference: Difference, decision: str, subject: int | None) -> None:
        if difference not in self._found and len(self._found) >= MOST_KINDS:
            difference = OTHERS
        changed = self._found.setdefault(difference, Changed(examples=[], subjects=set()))
        changed.calls += 1
        if subject is not None:
            changed.subjects.add(subject)
        if len(changed.examples) < self._most_examples:
            changed.examples.append(decision)


_WAIT: Final = frozenset({"HOLD", "DEFER"})
