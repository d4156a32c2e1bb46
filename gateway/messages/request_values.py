"""Reads single values of decoded requests for the record; nothing that a contract annotates as a credential."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.messages.clearing import entry, is_map
from gateway.messages.sensitivity import sensitivity_of, touches
from pilote.governance.v1 import annotations_pb2

Reader = Callable[[Any], Any]
_NEVER: Final = int(annotations_pb2.SENSITIVITY_CREDENTIAL)
_AS_TEXT: Final = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration"})
_NO_VALUE: Final = (FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_GROUP)


def value_reader(kind: Descriptor, steps: tuple[str, ...]) -> Reader | None:
    """A function that reads what the steps lead to in a message of that type, `None` where it is not there.

    Nothing where they lead to no value that may be recorded: a credential, or something that holds one; bytes; the
    inside of a list; a map as a whole; or a field that there is not.
    """
    open_: list[Reader] = []
    names: list[str] = []  # fields since the last map: one reader follows them all
    here: Descriptor | None = kind
    rest = list(steps)
    while rest:
        name = rest.pop(0)
        field = here.fields_by_name.get(name) if here is not None else None
        if field is None or sensitivity_of(field) >= _NEVER:
            return None
        if not is_map(field):
            if field.is_repeated and rest:
                return None
            names.append(name)
            last = None if rest else _leaf(field)
            here = field.message_type
        else:
            if not rest or entry(field, "key").type != FieldDescriptor.TYPE_STRING:
                return None
            open_.append(_at_key(".".join([*names, name]), rest.pop(0)))
            names.clear()
            value = entry(field, "value")
            last = None if rest else _leaf(value)
            here = value.message_type
        if not rest:
            if names:
                open_.append(attrgetter(".".join(names)))
            return None if last is None else _through(open_, last)
    return None


def _leaf(field: FieldDescriptor) -> Reader | None:
    """What is recorded of the value that a path ends at."""
    kind = field.message_type
    if kind is not None and kind.full_name in _AS_TEXT and not field.is_repeated:
        return _as_text
    if kind is not None:
        if touches(kind, _NEVER):
            return None
        if field.is_repeated:
            return lambda value: {"size": len(value)}
        return lambda value: {"set": value.ByteSize() > 0}
    if field.type in _NO_VALUE:
        return None
    if field.enum_type is not None:
        names = {each.number: each.name for each in field.enum_type.values}
        if field.is_repeated:
            return lambda value: [names.get(number, number) for number in value]
        return lambda value: names.get(value, value)
    return list if field.is_repeated else _itself


def _as_text(value: Any) -> str:
    """A time or a span as text. The wire carries any number for it, also what is none."""
    try:
        return str(value.ToJsonString())
    except (ValueError, OverflowError):
        return f"{value.seconds}s, which is out of range"


def _itself(value: Any) -> Any:
    return value


def _at_key(path: str, key: str) -> Reader:
    map_of = attrgetter(path)

    def read(message: Any) -> Any:
        return map_of(message).get(key)  # [] would make one

    return read


def _through(steps: list[Reader], last: Reader) -> Reader:
    if len(steps) == 1 and last is _itself:
        return steps[0]

    def read(message: Any) -> Any:
        for step in steps:
            message = step(message)
            if message is None:
                return None
        return last(message)

    return read
