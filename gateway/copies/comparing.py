"""Comparing two replies of one contract, by field paths. What is told are paths and kinds, never a value.

A map's keys may name people, and a list's places mean nothing beyond one reply: both are told as "*".
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from gateway.core.contract import RedactionMistake
from gateway.core.shadows import LONGEST_PATH, MOST_DIFFERENCES, SAME, Compare, Comparison, Difference
from gateway.messages.clearing import entry, is_map
from gateway.messages.redaction import EVERY, steps_of

MOST_LOOKS: Final = 8_000
"""Values that are looked at one by one in two replies, some 10 ms of a loop that calls wait for; what is beyond is
compared as a whole, exactly. Lists of numbers take a quarter of that for each."""
MOST_PAIRS: Final = 1_000
"""Numbers of one list that are too far apart and are looked at closely."""

_NUMBERS: Final = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64, FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE,
    }
)  # fmt: skip
_PLAIN: Final = _NUMBERS | {FieldDescriptor.CPPTYPE_BOOL}
"""Kinds whose zero is a value like any other; an empty text or an enum's zero says that there is none."""
_END: Final = ""
_Trie = Mapping[str, Any]
"""Ignored paths by their segments; `_END` where one ends."""


class ReplyComparer:
    """Compares messages of one type."""

    def __init__(self, kind: Descriptor) -> None:
        self._kind = kind
        self._class = message_factory.GetMessageClass(kind)

    def check(self, path: str, *, place: int) -> None:
        """See `gateway.core.contract.Comparer`."""
        steps_of(self._kind, path, place=place)

    def plan(self, *, ignore: Sequence[str], tolerance: float) -> Compare:
        """See `gateway.core.contract.Comparer`."""
        trie: dict[str, Any] = {}
        for path in ignore:
            node = trie
            for segment in self._segments(path):
                node = node.setdefault(segment, {})
            if node is not trie:
                node[_END] = True

        def compare(served: bytes, candidate: bytes) -> Comparison:
            if served == candidate:
                return SAME
            walk = _Walk(tolerance)
            try:
                one, other = self._class.FromString(served), self._class.FromString(candidate)
            except DecodeError:
                return Comparison((Difference("", "changed"),))
            walk.messages(one, other, at="", ignored=(trie,))
            return walk.comparison()

        return compare

    def _segments(self, path: str) -> list[str]:
        """A path with "*" after each list; nothing for one that this contract does not have."""
        try:
            steps = steps_of(self._kind, path, place=0)
        except RedactionMistake:
            return []
        return [segment for step in steps for segment in (step.field.name, step.key) if segment]


class _Walk:
    """One comparison under way."""

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._found: dict[tuple[str, str], Difference] = {}
        self._beyond: set[tuple[str, str]] = set()
        self._left = MOST_LOOKS

    def comparison(self) -> Comparison:
        """What was found."""
        return Comparison(tuple(self._found.values()), len(self._beyond))

    def messages(self, one: Message, other: Message, *, at: str, ignored: tuple[_Trie, ...]) -> None:
        """Compare two messages, field by field in the order of their numbers."""
        if self._left <= 0:
            self._whole(one, other, at)
            return
        mine, theirs = _fields(one), _fields(other)
        for number in sorted(mine.keys() | theirs.keys()):
            field = (mine.get(number) or theirs[number])[0]
            name = f"[{field.full_name}]" if field.is_extension else field.name
            inner = _below(ignored, name)
            if inner is not None:
                ours, its = mine.get(number, _ABSENT)[1], theirs.get(number, _ABSENT)[1]
                self._field(field, ours, its, at=f"{at}.{name}" if at else name, ignored=inner)
        self._unknown(one, other, at)

    def _field(self, field: FieldDescriptor, one: Any, other: Any, *, at: str, ignored: tuple[_Trie, ...]) -> None:
        self._left -= 1
        if is_map(field):
            self._maps(entry(field, "value"), one or {}, other or {}, at=f"{at}.{EVERY}", ignored=ignored)
        elif field.is_repeated:
            inner = _below(ignored, EVERY)
            if inner is not None:
                self._lists(field, one or (), other or (), at=f"{at}.{EVERY}", ignored=inner)
        elif one is not None and other is not None:
            self._values(field, one, other, at=at, ignored=ignored)
        elif not field.has_presence and field.cpp_type in _PLAIN:
            zero = field.default_value
            self._values(field, zero if one is None else one, zero if other is None else other, at=at, ignored=ignored)
        else:
            self._note(at, "added" if one is None else "missing")

    def _values(self, field: FieldDescriptor, one: Any, other: Any, *, at: str, ignored: tuple[_Trie, ...]) -> None:
        if field.message_type is not None:
            self.messages(one, other, at=at, ignored=ignored)
        elif field.cpp_type in _NUMBERS:
            same = one == other or (one != one and other != other)  # noqa: PLR0124 - only NaN is not itself
            relative = 0.0 if same else _relative(one, other)
            if not same and (relative > self._tolerance or not self._tolerance):
                self._note(at, "changed", relative=relative)
        elif one != other:
            self._note(at, "changed")

    def _lists(self, field: FieldDescriptor, one: Any, other: Any, *, at: str, ignored: tuple[_Trie, ...]) -> None:
        numbers = field.cpp_type in _NUMBERS
        cost = min(len(one), len(other)) // (4 if numbers else 1)
        if cost > self._left:
            self._whole(list(one), list(other), at)
            return
        self._left -= cost
        pairs = zip(one, other, strict=False)
        for mine, theirs in self._apart(pairs, at) if numbers else pairs:
            self._values(field, mine, theirs, at=at, ignored=ignored)
        if len(one) != len(other):
            self._note(at, "missing" if len(one) > len(other) else "added", count=abs(len(one) - len(other)))

    def _apart(self, pairs: Iterable[tuple[float, float]], at: str) -> Sequence[tuple[float, float]]:
        """The pairs that may be too far apart; where they are very many some, and the others are counted."""
        # The comparison fails for what is not a number and what is not finite: those are looked at closely.
        share, infinite = self._tolerance, math.inf
        apart = [
            (one, other)
            for one, other in pairs
            if one != other and not abs(one - other) <= share * max(abs(one), abs(other)) < infinite
        ]
        if len(apart) > MOST_PAIRS:
            self._note(at, "changed", count=len(apart) - MOST_PAIRS)
        return apart[:MOST_PAIRS]

    def _maps(self, value: FieldDescriptor, one: Any, other: Any, *, at: str, ignored: tuple[_Trie, ...]) -> None:
        for key in one.keys() | other.keys():
            self._left -= 1
            inner = _below(ignored, str(key))
            if inner is None:
                continue
            if key in one and key in other:
                self._values(value, one[key], other[key], at=at, ignored=inner)
            else:
                self._note(at, "missing" if key in one else "added")

    def _unknown(self, one: Message, other: Message, at: str) -> None:
        """Fields that the contract does not know, by their numbers."""
        mine, theirs = _by_number(one), _by_number(other)
        for number in sorted(mine.keys() | theirs.keys()):
            if mine.get(number) != theirs.get(number):
                kind = "added" if number not in mine else "changed" if number in theirs else "missing"
                self._note(f"{at}.{number}" if at else str(number), kind)

    def _whole(self, one: Any, other: Any, at: str) -> None:
        if one != other:
            self._note(at, "changed")

    def _note(self, path: str, kind: Any, *, count: int = 1, relative: float = 0.0) -> None:
        key = (path[:LONGEST_PATH], kind)
        before = self._found.get(key)
        if before is not None:
            count, relative = before.count + count, max(before.relative, relative)
        elif len(self._found) == MOST_DIFFERENCES:
            self._beyond.add(key)
            return
        self._found[key] = Difference(key[0], kind, count, round(relative, 6))


_ABSENT: Final[tuple[Any, Any]] = (None, None)


def _fields(message: Message) -> dict[int, tuple[FieldDescriptor, Any]]:
    return {field.number: (field, value) for field, value in message.ListFields()}


def _below(ignored: tuple[_Trie, ...], segment: str) -> tuple[_Trie, ...] | None:
    """What is ignored below a segment; `None` where all of it is."""
    if not ignored:
        return ()
    inner = tuple([trie[each] for trie in ignored for each in {segment, EVERY} if each in trie])
    return None if any(_END in trie for trie in inner) else inner


def _relative(one: float, other: float) -> float:
    """The difference of two numbers as a share of the larger one; 2, the most, where not both are finite."""
    if not (math.isfinite(one) and math.isfinite(other)):
        return 2.0
    return min(abs(one / 2 - other / 2) / max(abs(one), abs(other)) * 2, 2.0)  # halves, so that nothing overflows


def _by_number(message: Message) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for unknown in _each(UnknownFieldSet(message)):
        found.setdefault(unknown.field_number, []).append((unknown.wire_type, _raw(unknown.data)))
    return found


def _raw(data: Any) -> Any:
    """The data of an unknown field, comparable; a group's is a set of fields itself."""
    if isinstance(data, UnknownFieldSet):
        return [(each.field_number, each.wire_type, _raw(each.data)) for each in _each(data)]
    return data


def _each(fields: UnknownFieldSet) -> Iterator[Any]:
    return (fields[index] for index in range(len(fields)))
