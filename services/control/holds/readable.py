"""A stored request in readable form: each value with its path, and how sensitive its contract says that it is. Pure."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor

from gateway.messages.clearing import is_map
from gateway.messages.sensitivity import sensitivity_of
from pilote.governance.v1 import annotations_pb2

MOST: Final = 500
"""Values that are shown; of more it is said how many there are."""
_OWN_JSON: Final = "google.protobuf."
"""Messages of these types are values: times, spans, wrappers, structs."""


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One value of a request."""

    path: str
    """As rules write it, with positions and keys: `message.to[0].address`."""
    value: Any
    """As ProtoJSON has it; `null` for a credential, which nobody is shown."""
    sensitivity: str = ""
    """"INTERNAL", "PERSONAL", "SPECIAL" …: the highest of the field and of what it lies in; empty: nothing is said."""


def rows_of(message: Any) -> tuple[tuple[Row, ...], int]:
    """The values of a message that are set, in the order of its contract, and how many more than `MOST` there are."""
    shown: list[Row] = []
    more = 0
    for row in _rows(message, "", 0):
        if len(shown) < MOST:
            shown.append(row)
        else:
            more += 1
    return tuple(shown), more


def _rows(message: Any, before: str, level: int) -> Iterator[Row]:
    for field, value in message.ListFields():
        path, own = f"{before}{field.name}", max(level, sensitivity_of(field))
        if is_map(field):
            inner = field.message_type.fields_by_name["value"]
            for key in sorted(value):
                yield from _one(inner, value[key], f"{path}.{key}", own)
        elif field.is_repeated:
            for index, each in enumerate(value):
                yield from _one(field, each, f"{path}[{index}]", own)
        else:
            yield from _one(field, value, path, own)


def _one(field: FieldDescriptor, value: Any, path: str, level: int) -> Iterator[Row]:
    kind = field.message_type
    if level >= annotations_pb2.SENSITIVITY_CREDENTIAL:
        yield Row(path=path, value=None, sensitivity=_named(level))
    elif kind is None:
        yield Row(path=path, value=_plain(field, value), sensitivity=_named(level))
    elif kind.full_name.startswith(_OWN_JSON):
        yield Row(path=path, value=_as_json(value), sensitivity=_named(level))
    elif value.ListFields():
        yield from _rows(value, f"{path}.", level)
    else:
        yield Row(path=path, value={}, sensitivity=_named(level))


def _plain(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known is not None else value
    if field.type == FieldDescriptor.TYPE_BYTES:
        return f"{len(value)} bytes"
    # ProtoJSON writes whole numbers of 64 bits as texts, for readers that know no others than floating ones.
    return str(value) if field.cpp_type in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64) else value


def _as_json(value: Any) -> Any:
    try:
        return json_format.MessageToDict(value)
    except (TypeError, ValueError):  # an Any of a type that nobody has described
        return f"{value.ByteSize()} bytes"


def _named(level: int) -> str:
    name = annotations_pb2.Sensitivity.DESCRIPTOR.values_by_number[level].name if level else ""
    return name.removeprefix("SENSITIVITY_")
