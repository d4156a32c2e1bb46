"""What is done to one field of a decoded message when it is taken out."""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

Work = Callable[[Any], None]
"""Changes a decoded message in place."""


def clearing(field: FieldDescriptor, instead: str | None) -> Work:
    """Clear a field as a whole; texts become `instead` where that is given and they say anything."""
    name, required = field.name, field.is_required
    text = instead if instead is not None and is_text(field) and not is_map(field) else None

    def clear(message: Any) -> None:
        message.ClearField(name)

    def replace(message: Any) -> None:
        if getattr(message, name):
            setattr(message, name, text)

    def replace_all(message: Any) -> None:
        values = getattr(message, name)
        values[:] = [text] * len(values)

    def empty(message: Any) -> None:  # without a required field the caller could not read the message
        if message.HasField(name):
            message.ClearField(name)
            if field.message_type is not None:
                getattr(message, name).SetInParent()
            else:
                setattr(message, name, field.default_value)

    if text is not None:
        return replace_all if field.is_repeated else replace
    return empty if required else clear


def entry(field: FieldDescriptor, part: str) -> FieldDescriptor:
    """The "key" or the "value" of a map field."""
    assert field.message_type is not None  # noqa: S101 - a map's entries are messages
    return field.message_type.fields_by_name[part]


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map."""
    return bool(field.is_repeated and field.message_type is not None and field.message_type.GetOptions().map_entry)


def is_text(field: FieldDescriptor) -> bool:
    """Whether the field, or each element of its list, or each value of its map, is a text."""
    value = entry(field, "value") if is_map(field) else field
    return bool(value.type == FieldDescriptor.TYPE_STRING)
