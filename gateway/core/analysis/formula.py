"""From a condition to a formula over atoms, with CEL's own logic of three outcomes: true, false, and an error.

`a && b` is false where either is, even if the other fails; so what is asked of a condition is never only whether it is
true, but which of the outcomes it may have. An atom is what cannot be taken apart any further: one value compared with
a constant, or anything else as a whole, about which only its outcome is known.
"""

import datetime as dt
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from gateway.core.analysis.syntax import Node

TRUE: Final = "T"
FALSE: Final = "F"
ERROR: Final = "E"
Outcomes = frozenset[str]
HOLDS: Final = frozenset({TRUE})
FAILS: Final = frozenset({ERROR})
EITHER: Final = frozenset({TRUE, FALSE, ERROR})
_FLIPPED: Final = {TRUE: FALSE, FALSE: TRUE, ERROR: ERROR}


class Atom(NamedTuple):
    """A `term` compared with a constant, or with several for "in"; or with op "is", a condition as a whole."""

    term: Node
    op: str
    """"is", "==", "in", "<", "<=", ">", ">=", "startsWith", "endsWith", "contains", or "present" (a map's key)."""
    value: object = None
    """The constant; for "in" a tuple of them."""


class Literal(msgspec.Struct, frozen=True):
    """The atom has one of these outcomes."""

    atom: Atom
    outcomes: Outcomes


class And(msgspec.Struct, frozen=True):
    """All of them; none: true."""

    parts: tuple["Formula", ...]


class Or(msgspec.Struct, frozen=True):
    """Any of them; none: false."""

    parts: tuple["Formula", ...]


Formula = Literal | And | Or
ALWAYS: Final = And(())
NEVER: Final = Or(())


def comes_to(node: Node, outcomes: Outcomes) -> Formula:
    """The condition `node` has one of these outcomes."""
    if not outcomes:
        return NEVER
    if outcomes == EITHER:
        return ALWAYS
    if node.op == "const":
        return ALWAYS if (TRUE if node.value is True else FALSE) in outcomes else NEVER
    if node.op == "call" and node.name in ("_&&_", "_||_") and len(node.args) == 2:
        return _both(node, outcomes) if node.name == "_&&_" else _either(node, outcomes)
    if node.op == "call" and node.name == "!_":
        return comes_to(node.args[0], _flipped(outcomes))
    if node.op == "call" and node.name == "_?_:_":
        return _chosen(node, outcomes)
    return _atom(node, outcomes)


def _both(node: Node, outcomes: Outcomes) -> Formula:
    """`a && b`: true where both are, false where either is, else an error."""
    left, right = node.args
    asked = {
        HOLDS: lambda: conj(comes_to(left, HOLDS), comes_to(right, HOLDS)),
        frozenset({FALSE}): lambda: disj(comes_to(left, frozenset({FALSE})), comes_to(right, frozenset({FALSE}))),
        frozenset({TRUE, ERROR}): lambda: conj(
            comes_to(left, frozenset({TRUE, ERROR})), comes_to(right, frozenset({TRUE, ERROR}))
        ),
        frozenset({FALSE, ERROR}): lambda: disj(
            comes_to(left, frozenset({FALSE, ERROR})), comes_to(right, frozenset({FALSE, ERROR}))
        ),
        FAILS: lambda: conj(_both(node, frozenset({TRUE, ERROR})), _both(node, frozenset({FALSE, ERROR}))),
        frozenset({TRUE, FALSE}): lambda: disj(_both(node, HOLDS), _both(node, frozenset({FALSE}))),
    }
    return asked[outcomes]()


def _either(node: Node, outcomes: Outcomes) -> Formula:
    """`a || b` is `!(!a && !b)`, errors included."""
    left, right = (Node("call", "!_", (arg,), kind="bool") for arg in node.args)
    return _both(Node("call", "_&&_", (left, right), kind="bool"), _flipped(outcomes))


def _chosen(node: Node, outcomes: Outcomes) -> Formula:
    """`c ? a : b`: one of them is evaluated, and only that one."""
    asked, then, otherwise = node.args
    found = disj(
        conj(comes_to(asked, HOLDS), comes_to(then, outcomes)),
        conj(comes_to(asked, frozenset({FALSE})), comes_to(otherwise, outcomes)),
    )
    return disj(found, comes_to(asked, FAILS)) if ERROR in outcomes else found


_ORDER: Final = {"_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_TEXT: Final = {".startsWith": "startsWith", ".endsWith": "endsWith", ".contains": "contains"}
_COMPARED: Final = ("int", "uint", "double", "string", "bytes", "timestamp", "duration")


def _atom(node: Node, outcomes: Outcomes) -> Formula:
    if node.op == "call" and node.name == "_!=_":
        return _atom(Node("call", "_==_", node.args, kind="bool"), _flipped(outcomes))
    found = None
    if node.op == "call" and node.name == "@in":
        return _in(node, outcomes)
    if node.op == "call" and len(node.args) == 2:
        left, right = (constant(arg) for arg in node.args)
        found = _comparison(node.name, left, right, outcomes=outcomes)
    if node.op == "has" and node.args[0].kind == "map":
        key = Node("const", value=node.name, kind="string")
        found = _literal(Atom(Node("index", args=(node.args[0], key)), "present"), outcomes)
    return found or _literal(Atom(node, "is"), outcomes)


def _comparison(name: str, left: Node, right: Node, *, outcomes: Outcomes) -> Formula | None:
    """A comparison with a constant; `None` for anything else."""
    op = "==" if name == "_==_" else _ORDER.get(name) or _TEXT.get(name)
    if op is None or left.kind != right.kind:
        return None
    if left.op == "const" and op in _TURNED:
        left, right, op = right, left, _TURNED[op]
    if right.op != "const":
        return None
    if right.kind == "bool" and op == "==":
        return comes_to(left, outcomes if right.value else _flipped(outcomes))
    return _literal(Atom(left, op, right.value), outcomes) if right.kind in _COMPARED else None


def _in(node: Node, outcomes: Outcomes) -> Formula:
    member, group = node.args
    if group.op == "list" and member.kind in _COMPARED:
        items = [constant(item) for item in group.args]
        if all(item.op == "const" and item.kind == member.kind for item in items):
            return _literal(Atom(member, "in", tuple(item.value for item in items)), outcomes)
    if group.kind == "map" and member.op == "const" and member.kind == "string":
        return _literal(Atom(Node("index", args=(group, member)), "present"), outcomes)
    return _literal(Atom(node, "is"), outcomes)


def _literal(atom: Atom, outcomes: Outcomes) -> Formula:
    if atom.term.op == "const" and atom.op not in ("is", "present"):
        return ALWAYS if compare(atom.op, atom.term.value, atom.value) in outcomes else NEVER
    possible = EITHER if may_fail(atom) else frozenset({TRUE, FALSE})
    left = outcomes & possible
    return NEVER if not left else ALWAYS if left == possible else Literal(atom, left)


def may_fail(atom: Atom) -> bool:
    """Whether evaluating the atom can end in an error; where that is not known, it can."""
    term = atom.term
    if atom.op == "present":
        return not _always_there(term.args[0])
    if atom.op == "is" and term.op == "has":
        return not _always_there(term.args[0])
    if atom.op == "is" and term.op == "call" and term.name == "@in":
        return not all(arg.op == "const" or _always_there(arg) for arg in term.args)
    return not _always_there(term)


def _always_there(node: Node) -> bool:
    """Whether the node is a variable or a field of a message, however deep: an unset one has its default."""
    if node.op == "name":
        return True
    return node.op == "field" and node.args[0].kind == "message" and _always_there(node.args[0])


def compare(op: str, value: object, constant: object) -> str:
    """The outcome of a comparison of two values of one kind; of "in", with a tuple of them."""
    return TRUE if _COMPARE[op](value, constant) else FALSE


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "in": lambda value, several: value in several,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "startsWith": lambda value, part: value.startswith(part),
    "endsWith": lambda value, part: value.endswith(part),
    "contains": operator.contains,
}
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_DURATION: Final = re.compile(r"(?=.)(?:[0-9]{1,6}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?(?:[0-9]{1,9}ms)?")
"""Less than the engine takes, which refuses what is out of its range: any other text is no constant here."""
_UNIT_NS: Final = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 10**9, "ms": 10**6}


def constant(node: Node) -> Node:
    """`timestamp("…")` and `duration("…")` as a constant in nanoseconds; any other node as it is."""
    if node.op != "call" or len(node.args) != 1 or node.args[0].op != "const" or node.args[0].kind != "string":
        return node
    text = str(node.args[0].value)
    if node.name == "timestamp" and (found := _TIMESTAMP.fullmatch(text)):
        at = _timestamp_ns(found)
        return node if at is None else Node("const", value=at, kind="timestamp")
    if node.name == "duration" and _DURATION.fullmatch(text):
        parts = re.findall(r"([0-9]+)(ms|h|m|s)", text)
        return Node("const", value=sum(int(count) * _UNIT_NS[unit] for count, unit in parts), kind="duration")
    return node


def _timestamp_ns(found: re.Match[str]) -> int | None:
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not 2 <= year <= 9998:  # an offset could lead out of the engine's range
        return None
    try:
        at = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError:
        return None
    offset = int(found[9] or 0) * 3600 + int(found[10] or 0) * 60
    seconds = int((at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).total_seconds())
    seconds += offset if found[8] == "-" else -offset
    return seconds * 10**9 + int((found[7] or "").ljust(9, "0"))


def conj(*parts: Formula) -> Formula:
    """All of them, flattened."""
    found: list[Formula] = []
    for part in parts:
        if part == NEVER:
            return NEVER
        found += part.parts if isinstance(part, And) else (part,)
    return found[0] if len(found) == 1 else And(tuple(dict.fromkeys(found)))


def disj(*parts: Formula) -> Formula:
    """Any of them, flattened."""
    found: list[Formula] = []
    for part in parts:
        if part == ALWAYS:
            return ALWAYS
        found += part.parts if isinstance(part, Or) else (part,)
    return found[0] if len(found) == 1 else Or(tuple(dict.fromkeys(found)))


def _flipped(outcomes: Outcomes) -> Outcomes:
    return frozenset(_FLIPPED[outcome] for outcome in outcomes)
