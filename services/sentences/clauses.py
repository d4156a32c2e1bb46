"""A condition in CEL as what its parts say, whatever their order and spelling: the way back from writing."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from gateway.core.analysis.syntax import Node

_TURNED: Final = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_", "_==_": "_==_", "_!=_": "_!=_"}
_OPPOSITE: Final = {"==": "!=", "in": "not in", "has": "lacks", "holds": "fails",
                    ">": "<=", ">=": "<", "<": ">=", "<=": ">"}  # fmt: skip
_SIGNS: Final = {"_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}


CHANNEL: Final = "\0call.channel"
"""In place of a key: the channel of the call."""


class Fact(NamedTuple):
    """One thing that is said of a call."""

    term: str
    """As CEL writes it, with entries of maps as `facts.traits[]`; empty: nothing that is known here."""
    key: str
    """Of an entry of a map."""
    sign: str
    """"==", "!=", "in", "not in" (constants), an order, "has", "lacks" (a key, or an element), "holds" or "fails"."""
    values: tuple[Any, ...] = ()


class Both(NamedTuple):
    """All of them."""

    parts: tuple["Clause", ...]


class Either(NamedTuple):
    """One of them at least."""

    parts: tuple["Clause", ...]


Clause = Fact | Both | Either


def clause(node: Node, *, negated: bool = False) -> Clause:
    """What a condition says, with every "not" before single facts."""
    if node.op == "call" and node.name == "!_":
        return clause(node.args[0], negated=not negated)
    if node.op == "call" and node.name in ("_&&_", "_||_"):
        parts = tuple(clause(each, negated=negated) for each in node.args)
        both = (node.name == "_&&_") is not negated
        same = Both if both else Either
        flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, same) else (part,)))
        return same(flat)
    return _not(_fact(node)) if negated else _fact(node)


def facts_of(found: Clause) -> Iterator[Clause]:
    """The parts that must all hold."""
    if isinstance(found, Both):
        yield from found.parts
    else:
        yield found


def _not(found: Fact) -> Fact:
    opposite = {**_OPPOSITE, **{value: key for key, value in _OPPOSITE.items()}}[found.sign]
    return found._replace(sign=opposite)


def _fact(node: Node) -> Fact:
    if node.op == "const" and isinstance(node.value, bool):
        return Fact("true" if node.value else "false", "", "holds")
    if node.op == "call" and node.name == "@in":
        return _member(*node.args)
    if node.op == "has":
        term, key = term_of(node.args[0])
        return Fact(f"{term}[]", node.name, "has") if term and not key else _odd()
    if node.op == "call" and node.name in _SIGNS:
        return _compared(node)
    term, key = term_of(node)
    return Fact(term, key, "holds") if term else _odd()


def _member(member: Node, group: Node) -> Fact:
    if group.op == "list" and all(item.op == "const" for item in group.args):
        term, key = term_of(member)
        values = tuple(item.value for item in group.args)
        if term:
            return Fact(term, key, "==" if len(values) == 1 else "in", values)
    term, key = term_of(group)
    if term and not key:
        name = f"{term}[]" if group.kind == "map" else term
        if member.op == "const" and isinstance(member.value, str):
            return Fact(name, member.value, "has")
        if term_of(member) == ("call.channel", ""):
            return Fact(name, CHANNEL, "has")
    return _odd()


def _compared(node: Node) -> Fact:
    left, right = node.args
    name = node.name
    if left.op == "const":
        left, right, name = right, left, _TURNED[name]
    value, kind = _constant(right)
    term, key = term_of(left)
    if not term or kind == "":
        return _odd()
    if kind == "bool" and name in ("_==_", "_!=_"):
        positive = (name == "_==_") is bool(value)
        return Fact(term, key, "holds" if positive else "fails")
    return Fact(term, key, _SIGNS[name], (value,))


def _constant(node: Node) -> tuple[Any, str]:
    if node.op == "call" and node.name == "-_" and node.args[0].op == "const":
        value, kind = _constant(node.args[0])
        return (-value, kind) if kind in ("int", "double") else (None, "")
    known = node.op == "const" and node.kind in ("int", "double", "string", "bool")
    return (node.value, node.kind) if known else (None, "")


def term_of(node: Node) -> tuple[str, str]:
    """A term as CEL writes it, and the key where it is an entry of a map; empty where it is something else."""
    if node.op == "name":
        return node.name, ""
    if node.op == "field":
        inner, key = term_of(node.args[0])
        return (f"{inner}.{node.name}", "") if inner and not key else ("", "")
    if node.op == "index":
        inner, key = term_of(node.args[0])
        if not inner or key:
            return "", ""
        if node.args[1].op == "const" and isinstance(node.args[1].value, str):
            if inner == "request" or inner.startswith("request."):
                return f"{inner}.{node.args[1].value}", ""
            return f"{inner}[]", node.args[1].value
        if term_of(node.args[1]) == ("call.channel", ""):
            return f"{inner}[]", CHANNEL
    return "", ""


def _odd() -> Fact:
    return Fact("", "", "holds")
