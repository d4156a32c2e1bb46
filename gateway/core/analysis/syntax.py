"""Conditions as trees: read from what the engine's own checker made of them, types included.

The engine gives its checked expression as a serialised `cel.expr.CheckedExpr` (cel-spec, `proto/cel/expr/checked.proto`
and `syntax.proto`). Reading the wire format takes thirty lines; stubs of those protos would be a contract of somebody
else's among ours.
"""

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple


class Node(NamedTuple):
    """One expression. Equal nodes say the same, wherever they stand."""

    op: str
    """"const", "name", "field" (of a message), "index" (of a map or list), "has", "call", "list" or "other"."""
    name: str = ""
    """Of a name, a field or a call."""
    args: tuple["Node", ...] = ()
    value: object = None
    """Of a constant; of a timestamp or duration in nanoseconds."""
    kind: str = ""
    """Type: "bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "message", "map", or empty."""


def parse(checked: bytes) -> Node:
    """The tree of a serialised checked expression, with or without the `Any` around it.

    Raises:
        ValueError: it is none.
    """
    fields = _fields(checked)
    if 4 not in fields:  # an Any: its type in 1, the expression in 2
        fields = _fields(_bytes(fields, 2))
    types = {_int(entry, 1): _kind(_fields(_bytes(entry, 2))) for entry in map(_fields, _all(fields, 3))}
    enums = {}
    for entry in map(_fields, _all(fields, 2)):
        reference = _fields(_bytes(entry, 2))
        if 4 in reference:
            enums[_int(entry, 1)] = _constant(_fields(_bytes(reference, 4)))
    return _Reader(types, enums).node(_bytes(fields, 4))


_PRIMITIVES: Final = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_WELL_KNOWN: Final = {2: "timestamp", 3: "duration"}
_Field = int | bytes
_Fields = Mapping[int, list[_Field]]


class _Reader:
    def __init__(self, types: Mapping[int, str], enums: Mapping[int, Node]) -> None:
        self._types = types
        self._enums = enums

    def node(self, data: bytes) -> Node:
        fields = _fields(data)
        number = _int(fields, 2)
        kind = self._types.get(number, "")
        if number in self._enums:
            return self._enums[number]
        if 3 in fields:
            return _constant(_fields(_bytes(fields, 3)))
        if 4 in fields:
            return Node("name", _text(_fields(_bytes(fields, 4)), 1), kind=kind)
        if 5 in fields:
            return self._select(_fields(_bytes(fields, 5)), kind)
        if 6 in fields:
            return self._call(_fields(_bytes(fields, 6)), kind)
        if 7 in fields:
            items = tuple(self.node(item) for item in _all(_fields(_bytes(fields, 7)), 1))
            return Node("list", args=items, kind=kind)
        # Comprehensions and constructed messages are compared as they are written: equal where their bytes are, once
        # the ids are left out.
        inner = next((_bytes(fields, number) for number in (8, 9) if number in fields), b"")
        return Node("other", args=self._parts(inner, of=8 if 8 in fields else 9), kind=kind)

    def _select(self, fields: _Fields, kind: str) -> Node:
        operand, name = self.node(_bytes(fields, 1)), _text(fields, 2)
        if _int(fields, 3):
            return Node("has", name, (operand,), kind="bool")
        if operand.kind == "map":
            return Node("index", args=(operand, Node("const", value=name, kind="string")), kind=kind)
        return Node("field", name, (operand,), kind=kind)

    def _call(self, fields: _Fields, kind: str) -> Node:
        name = _text(fields, 2)
        target = _all(fields, 1)
        args = tuple(self.node(part) for part in (*target, *_all(fields, 3)))
        if name == "_[_]" and len(args) == 2:
            return Node("index", args=args, kind=kind)
        # A call on a target is another function than one of the same name without.
        return Node("call", f".{name}" if target else name, args, kind=kind)

    def _parts(self, data: bytes, *, of: int) -> tuple[Node, ...]:
        """The parts of a comprehension (9) or a construction (8), each with the number of its field."""
        found = []
        for number, values in sorted(_fields(data).items()):
            for value in values:
                if of == 9 and isinstance(value, bytes) and number in (2, 4, 5, 6, 7):
                    part = self.node(value)
                elif of == 8 and isinstance(value, bytes) and number == 2:
                    part = Node("other", args=self._entry(value))
                else:
                    part = Node("other", value=value)
                found.append(Node("other", str(number), (part,)))
        return tuple(found)

    def _entry(self, data: bytes) -> tuple[Node, ...]:
        found = []
        for number, values in sorted(_fields(data).items()):
            for value in values:
                inner = isinstance(value, bytes) and number in (3, 4)
                part = self.node(value) if inner and isinstance(value, bytes) else Node("other", value=value)
                if number != 1:  # the entry's id
                    found.append(Node("other", str(number), (part,)))
        return tuple(found)


def _constant(fields: _Fields) -> Node:
    number, values = next(iter(fields.items()))
    value = values[-1]
    if number == 2:
        return Node("const", value=bool(value), kind="bool")
    if number == 3 and isinstance(value, int):
        return Node("const", value=value - (1 << 64) if value >> 63 else value, kind="int")
    if number == 4:
        return Node("const", value=value, kind="uint")
    if number == 5 and isinstance(value, bytes):
        (found,) = struct.unpack("<d", value)
        return Node("const", repr(found), value=found, kind="double")  # 0.0 equals -0.0, but does not say the same
    if number == 6 and isinstance(value, bytes):
        return Node("const", value=value.decode(), kind="string")
    if number == 7:
        return Node("const", value=value, kind="bytes")
    return Node("const", str(number), value=value)


def _kind(fields: _Fields) -> str:
    if 3 in fields:
        return _PRIMITIVES.get(_int(fields, 3), "")
    if 5 in fields:
        return _WELL_KNOWN.get(_int(fields, 5), "")
    return "map" if 7 in fields else "message" if 9 in fields else ""


def _fields(data: bytes) -> _Fields:
    """The fields of one message in the protobuf wire format, by number: varints as numbers, all else as bytes."""
    found: dict[int, list[_Field]] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value: _Field
        if tag & 7 == 0:
            value, at = _varint(data, at)
        else:
            if tag & 7 == 2:
                size, at = _varint(data, at)
            else:
                size = {1: 8, 5: 4}.get(tag & 7, len(data))
            value, at = data[at : at + size], at + size
            if at > len(data):
                raise ValueError("no checked expression")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("no checked expression")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _all(fields: _Fields, number: int) -> list[bytes]:
    return [value for value in fields.get(number, ()) if isinstance(value, bytes)]


def _bytes(fields: _Fields, number: int) -> bytes:
    return next(iter(_all(fields, number)), b"")


def _text(fields: _Fields, number: int) -> str:
    return _bytes(fields, number).decode()


def _int(fields: _Fields, number: int) -> int:
    value = next(iter(fields.get(number, ())), 0)
    return value if isinstance(value, int) else 0
