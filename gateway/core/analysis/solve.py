"""Can a formula come true at all? A claim that it cannot is always right; where it is not certain, the answer is yes.

What is known of a call narrows the search: which agents there are, with all that belongs to each of them, where its
method's calls may be routed, and what single values may be.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.analysis.formula import (
    ERROR,
    FALSE,
    TRUE,
    And,
    Atom,
    Formula,
    Literal,
    Or,
    compare,
    conj,
    may_fail,
)
from gateway.core.analysis.syntax import Node

MOST_STEPS: Final = 2_000
"""Literals and branches looked at before the search gives up and says yes."""

_INT_RANGE: Final = {"int": (-(1 << 63), (1 << 63) - 1), "uint": (0, (1 << 64) - 1)}


class Domain(msgspec.Struct, frozen=True):
    """What one text may be: one of `values`, or where that is `None` anything of that `shape`."""

    values: frozenset[str] | None = None
    shape: re.Pattern[str] | None = None


class Known(msgspec.Struct, frozen=True):
    """What is known of all calls that a formula is about."""

    rows: Mapping[str, tuple[Mapping[str, str], ...]] = {}
    """By variable, everything it may be: each row has a text for each path ("agent.name", 'agent.labels["access"]')."""
    domains: Mapping[str, Domain] = {}
    """By path, what the text there may be."""


class _Absent:
    """The value of a term that is not there: a map without the key. Whoever compares it gets an error."""


class _Broken:
    """The value of a term whose surroundings fail already."""


_ABSENT: Final = _Absent()
_BROKEN: Final = _Broken()
_Group = tuple[Literal, ...]


def satisfiable(formula: Formula, known: Known) -> bool:
    """Whether the formula may come true. False is certain, true may be doubt."""
    try:
        return _Search(known).run((formula,), {})
    except _TooHard:
        return True


def path(term: Node) -> str:
    """A term as `Known` writes it; empty where it is no variable, field, or entry of a map by a constant key."""
    if term.op == "name":
        return term.name
    if term.op == "field":
        inner = path(term.args[0])
        return f"{inner}.{term.name}" if inner else ""
    if term.op == "index" and term.args[1].op == "const" and term.args[1].kind == "string":
        inner = path(term.args[0])
        return f'{inner}["{term.args[1].value}"]' if inner else ""
    return ""


class _TooHard(Exception):
    pass


class _Search:
    def __init__(self, known: Known) -> None:
        self._known = known
        self._left = MOST_STEPS

    def run(self, pending: Sequence[Formula], groups: Mapping[Node, _Group]) -> bool:
        """Whether all pending formulas may hold beside the literals gathered so far, which may."""
        whole = conj(*pending)
        parts = whole.parts if isinstance(whole, And) else (whole,)
        literals = [part for part in parts if isinstance(part, Literal)]
        choices = sorted((part for part in parts if isinstance(part, Or)), key=lambda part: len(part.parts))
        found = dict(groups)
        for literal in literals:
            self._step()
            term = _grouped(literal.atom)
            found[term] = (*found.get(term, ()), literal)
        if literals and not self._consistent(found, {_grouped(literal.atom) for literal in literals}):
            return False
        if not choices:
            return True
        for choice in choices[0].parts:
            self._step()
            if self.run((choice, *choices[1:]), found):
                return True
        return False

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _TooHard

    def _consistent(self, groups: Mapping[Node, _Group], changed: Iterable[Node]) -> bool:
        variables = set()
        for term in changed:
            name, _, _ = path(term).partition(".")
            if name in self._known.rows:
                variables.add(name)
            elif not _possible(groups[term], self._known.domains.get(path(term), Domain())):
                return False
        return all(self._row_exists(name, groups) for name in variables)

    def _row_exists(self, name: str, groups: Mapping[Node, _Group]) -> bool:
        """Whether one row agrees with all that is asked of the variable."""
        asked = [(path(term), group) for term, group in groups.items() if path(term).partition(".")[0] == name]
        return any(
            all(_agrees(group, row.get(where, _ABSENT)) for where, group in asked) for row in self._known.rows[name]
        )


def _grouped(atom: Atom) -> Node:
    """The term whose value decides the atom; entries of a map are the same whether asked for or only looked for."""
    return atom.term._replace(kind="")


def _agrees(group: _Group, value: object) -> bool:
    return all(_outcome(literal.atom, value) in literal.outcomes for literal in group)


def _outcome(atom: Atom, value: object) -> str:
    if value is _BROKEN:
        return ERROR
    if atom.op == "present":
        return FALSE if value is _ABSENT else TRUE
    if value is _ABSENT:
        return ERROR
    if atom.op == "is":
        return TRUE if value is True else FALSE
    return compare(atom.op, value, atom.value)


def _possible(group: _Group, domain: Domain) -> bool:
    """Whether there is a value, or a failure, that agrees with the whole group."""
    atoms = [literal.atom for literal in group]
    away = any(atom.op == "present" or may_fail(atom) for atom in atoms)
    if away and (_agrees(group, _ABSENT) or _agrees(group, _BROKEN)):
        return True
    if any(literal.atom.op == "present" and TRUE not in literal.outcomes for literal in group):
        return False
    if domain.values is not None:
        return any(_agrees(group, value) for value in domain.values)
    kind = next((atom.term.kind for atom in atoms if atom.op != "present"), "")
    if any(atom.op == "is" for atom in atoms):
        return any(_agrees(group, value) for value in (True, False))
    if kind in ("string", "bytes"):
        return _text_possible(group, domain)
    candidates = _numbers(kind, [constant for atom in atoms for constant in _constants(atom)])
    return not candidates or any(_agrees(group, value) for value in candidates)


def _constants(atom: Atom) -> tuple[object, ...]:
    return atom.value if isinstance(atom.value, tuple) else () if atom.op == "present" else (atom.value,)


def _numbers(kind: str, constants: Iterable[object]) -> list[object]:
    """Values of every kind of difference: each constant, what is just beside it, and both ends."""
    found: list[object] = []
    if kind == "double":
        found += [math.nan, math.inf, -math.inf]
        for constant in constants:
            if isinstance(constant, float):
                found += [constant, math.nextafter(constant, math.inf), math.nextafter(constant, -math.inf)]
    elif kind in ("int", "uint", "timestamp", "duration"):
        low, high = _INT_RANGE.get(kind, (-math.inf, math.inf))
        near = [c + step for c in constants if isinstance(c, int) for step in (-1, 0, 1)]
        found += [value for value in near if low <= value <= high] or [0]
    return found


def _text_possible(group: _Group, domain: Domain) -> bool:
    positive = [literal.atom for literal in group if _asks(literal, TRUE)]
    exact = next((atom for atom in positive if atom.op in ("==", "in")), None)
    if exact is not None:
        shaped = [value for value in _constants(exact) if _shaped(value, domain.shape)]
        return any(_agrees(group, value) for value in shaped)
    negative = [literal.atom for literal in group if _asks(literal, FALSE)]
    return _affixes_agree(positive, negative)


def _asks(literal: Literal, outcome: str) -> bool:
    """Whether a value that is there must give this outcome."""
    return outcome in literal.outcomes and len(literal.outcomes & {TRUE, FALSE}) == 1


def _shaped(value: object, shape: re.Pattern[str] | None) -> bool:
    return shape is None or (isinstance(value, str) and shape.fullmatch(value) is not None)


def _affixes_agree(positive: Sequence[Atom], negative: Sequence[Atom]) -> bool:
    """Whether one text may begin and end as is asked, and not as is not; of infinitely many, one is always left."""
    for op, begins in (("startsWith", _starts), ("endsWith", _ends)):
        longest: object = max((atom.value for atom in positive if atom.op == op), key=_length, default=None)
        if longest is None:
            continue
        if not all(begins(longest, atom.value) for atom in positive if atom.op == op):
            return False
        for atom in negative:
            if (atom.op == op and begins(longest, atom.value)) or (
                atom.op == "contains" and compare("contains", longest, atom.value) == TRUE
            ):
                return False
    return True


def _starts(whole: object, part: object) -> bool:
    return compare("startsWith", whole, part) == TRUE


def _ends(whole: object, part: object) -> bool:
    return compare("endsWith", whole, part) == TRUE


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | bytes) else 0
