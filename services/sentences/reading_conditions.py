"""What a condition says, as the slots of a sentence about calls."""

from collections.abc import Iterable
from typing import Any, Final

from services.sentences.clauses import CHANNEL, Clause, Either, Fact, facts_of
from services.sentences.kinds import Asks, Compares, Is, Order
from services.sentences.writing_conditions import SIGNS

_ORDERS: Final[dict[str, Order]] = {sign: order for order, sign in SIGNS.items()}
_ONE_OF: Final = {
    "agent.name": "agents", "call.operation": "operations", "call.channel": "channels", "call.category": "categories",
    "call.purpose": "purposes", "call.campaign": "campaigns",
}  # fmt: skip
_MAPS: Final = {"agent.labels[]": "labels", "facts.traits[]": "traits", "facts.scores[]": "scores"}


class Odd(Exception):
    """The condition says something that no sentence does."""


class Slots:
    """The slots that a condition fills.

    `lenient`: where it fails, the rule counts as if it held: what is unknown is then one of those that are meant.
    `labels` are those that every agent has: asking for one of them never fails.
    """

    def __init__(self, *, lenient: bool, labels: Iterable[str] = ()) -> None:
        self._lenient = lenient
        self._labels = frozenset(labels)
        self._there: set[tuple[str, str]] = set()
        self._asked: set[tuple[str, str]] = set()
        self.found: Final[dict[str, Any]] = {}
        self.only = False
        """Whether `agents` and `labels` are those that are not meant."""

    def read(self, condition: Clause) -> None:
        """Fill the slots.

        Raises:
            Odd: it says something else.
        """
        parts = tuple(facts_of(condition))
        self._there = {(each.term, each.key) for each in parts if isinstance(each, Fact) and each.sign == "has"}
        for each in parts:
            if isinstance(each, Fact):
                self._fact(each)
            elif isinstance(each, Either):
                self._either(each)
            else:
                raise Odd
        guards = {place for place in self._there if place[0] in _MAPS}
        if guards - self._asked:
            raise Odd

    def _fact(self, fact: Fact) -> None:
        if fact.term == "true" and fact.sign == "holds":
            return
        if fact.term in _ONE_OF:
            self._one_of(fact)
        elif fact.term in _MAPS and fact.sign != "has":
            self._entry(fact)
        elif fact.term == "facts.segments" and fact.sign == "has":
            self._put("segments", (fact.key,))
        elif fact.term == "facts.segments" and fact.sign == "lacks":
            self._add("outside", fact.key)
        elif fact.term == "facts.pressure" and fact.sign == ">":
            self._put("pressure", float(fact.values[0]))
        elif fact == Fact("facts.consents[]", CHANNEL, "fails") and self._lenient:
            self._put("unagreed", value=True)
        elif fact.term.startswith("request.") and fact.sign in _ORDERS and not isinstance(fact.values[0], str | bool):
            path, order = fact.term.removeprefix("request."), _ORDERS[fact.sign]
            self._add("request", Asks(path=path, order=order, value=fact.values[0]))
        elif fact.term not in _MAPS:
            raise Odd

    def _one_of(self, fact: Fact) -> None:
        if not all(isinstance(each, str) for each in fact.values) or not fact.values:
            raise Odd
        if fact.sign in ("==", "in"):
            self._put(_ONE_OF[fact.term], fact.values)
        elif fact.term == "agent.name" and fact.sign in ("!=", "not in"):
            self._others(agents=fact.values)
        else:
            raise Odd

    def _entry(self, fact: Fact) -> None:
        """A comparison of an entry of a map, asked for before or not."""
        slot, place = _MAPS[fact.term], (fact.term, fact.key)
        if fact.key == CHANNEL:
            raise Odd
        there = place in self._there
        self._asked.add(place)
        safe = there or (slot == "labels" and fact.key in self._labels)
        if not safe and not self._lenient:
            raise Odd
        if slot == "scores":
            self._add(slot, _compares(fact, or_unknown=not safe))
        elif fact.sign in ("==", "in"):
            self._add(slot, Is(name=fact.key, values=_texts(fact), or_unknown=not safe))
        elif fact.sign in ("!=", "not in") and not there:
            if slot == "labels" and self._lenient:
                self._others(labels=(Is(name=fact.key, values=_texts(fact)),))
            else:
                self._add(slot, Is(name=fact.key, values=_texts(fact), negated=True))
        else:
            raise Odd

    def _either(self, either: Either) -> None:
        facts = [each for each in either.parts if isinstance(each, Fact)]
        if len(facts) < len(either.parts):
            raise Odd
        if all(each.term == "facts.segments" and each.sign == "has" for each in facts):
            self._put("segments", tuple(each.key for each in facts))
        elif {*facts} == {Fact("facts.consents[]", CHANNEL, "lacks"), Fact("facts.consents[]", CHANNEL, "fails")}:
            self._put("unagreed", value=True)
        elif len({(each.term, each.key) for each in facts}) == 1 and len(facts) == 2 and facts[0].term in _MAPS:
            self._guarded(*sorted(facts, key=lambda each: each.sign != "lacks"))
        else:
            self._all_others(facts)

    def _guarded(self, missing: Fact, fact: Fact) -> None:
        """An entry is not there, or compares like that."""
        if missing.sign != "lacks" or fact.key == CHANNEL:
            raise Odd
        slot = _MAPS[fact.term]
        if slot == "scores":
            self._add(slot, _compares(fact, or_unknown=True))
        elif fact.sign in ("==", "in"):
            self._add(slot, Is(name=fact.key, values=_texts(fact), or_unknown=True))
        elif fact.sign not in ("!=", "not in"):
            raise Odd
        elif slot == "labels" and self._lenient:
            self._others(labels=(Is(name=fact.key, values=_texts(fact)),))
        else:
            self._add(slot, Is(name=fact.key, values=_texts(fact), negated=True))

    def _all_others(self, facts: list[Fact]) -> None:
        """Whoever lacks one of several things: an agent's name, and labels."""
        names = [each.values for each in facts if each.term == "agent.name" and each.sign in ("!=", "not in")]
        labels = [each for each in facts if each.term == "agent.labels[]" and each.sign in ("!=", "not in")]
        lacking = [each.key for each in facts if each.term == "agent.labels[]" and each.sign == "lacks"]
        if len(names) > 1 or len(names) + len(labels) + len(lacking) < len(facts):
            raise Odd
        missing = {*lacking}  # of a label that is compared twice it is said twice
        if missing - {each.key for each in labels} or {each.key for each in labels} - missing - self._labels:
            raise Odd
        self._others(
            agents=names[0] if names else (), labels=tuple(Is(name=each.key, values=_texts(each)) for each in labels)
        )

    def _others(self, *, agents: tuple[str, ...] = (), labels: tuple[Is, ...] = ()) -> None:
        if self.only or not self._lenient:
            raise Odd
        self.only = True
        self._put("agents", agents)
        self._put("labels", labels)

    def _put(self, slot: str, /, value: Any) -> None:
        if slot in self.found:
            raise Odd
        self.found[slot] = value

    def _add(self, slot: str, value: Any) -> None:
        if slot == "labels" and self.only:
            raise Odd
        self.found[slot] = (*self.found.get(slot, ()), value)


def _compares(fact: Fact, *, or_unknown: bool) -> Compares:
    if fact.sign not in _ORDERS or not isinstance(fact.values[0], float):
        raise Odd
    return Compares(name=fact.key, order=_ORDERS[fact.sign], value=fact.values[0], or_unknown=or_unknown)


def _texts(fact: Fact) -> tuple[str, ...]:
    if not fact.values or not all(isinstance(each, str) for each in fact.values):
        raise Odd
    return fact.values
