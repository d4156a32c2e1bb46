"""JSON values to messages. protobuf's own reader does the work; what it lets pass, and where it fails, is found here.

Its errors quote what was sent, and it takes a text or a list for an empty message: so the shape is looked at first, and
where it fails the one field is looked for that it does not take.
"""

import difflib
import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.agents.bodies import LONGEST_NAME, MOST_LEVELS
from services.agents.texts import Words
from services.agents.unfit import Unfit

OWN_FORM: Final = "google.protobuf."
"""Messages of this package are written as something else than an object with their fields."""
READ_ERRORS: Final = (
    json_format.ParseError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What protobuf's reader raises for values that it does not take."""

_INTEGERS: Final = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_KINDS: Final = {
    "google.protobuf.Timestamp": "time",
    "google.protobuf.Duration": "span",
    "google.protobuf.FieldMask": "mask",
    "google.protobuf.Any": "any",
}


def fill(message: Message, value: Any) -> None:
    """Read the JSON value into the message.

    Raises:
        Unfit: it is not of the message's type; the field says where.
    """
    _look(message.DESCRIPTOR, value, level=1)
    try:
        json_format.ParseDict(value, message)
    except READ_ERRORS as error:
        raise _wrong(message.DESCRIPTOR, value) from error


def expected(field: Any) -> Words:
    """What a field takes, in words."""
    kind: Any = field.message_type
    if kind is not None:
        inner = kind.fields_by_name.get("value") if kind.full_name.endswith("Value") else None
        if inner is not None and inner.message_type is None and kind.full_name.startswith(OWN_FORM):
            return expected(inner)
        return Words(_KINDS.get(kind.full_name, "other"), message=kind.name)
    if field.enum_type is not None:
        return Words("choice", choices=", ".join(value.name for value in field.enum_type.values)[:400])
    if field.cpp_type in _INTEGERS:
        least, most = _INTEGERS[field.cpp_type]
        return Words("integer", least=least, most=most)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return Words("truth")
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return Words("bytes" if field.type == FieldDescriptor.TYPE_BYTES else "text")
    return Words("number")


@functools.lru_cache(maxsize=4096)
def names_of(kind: Any) -> Mapping[str, FieldDescriptor]:
    """The fields of a message by each name that JSON may call them by."""
    return {field.name: field for field in kind.fields} | {field.json_name: field for field in kind.fields}


def unknown(kind: Any, name: str) -> Unfit:
    """A field that the message does not have, and which it may have meant."""
    known = [field.json_name for field in kind.fields]
    near = difflib.get_close_matches(name[:LONGEST_NAME], known, n=1)
    hint = Words("near", near=near[0]) if near else Words("known", known=", ".join(known)[:400])
    shown = name if len(name) <= LONGEST_NAME and name.isprintable() else "?"
    return Unfit(shown, "unknown", message=kind.name, hint=hint if known else Words("none"))


def is_map(field: Any) -> bool:
    """Whether the field is a map."""
    kind = field.message_type
    return bool(kind is not None and kind.GetOptions().map_entry)


def _look(kind: Any, value: Any, *, level: int) -> None:
    """Look at the shape of what the message is read from: unknown and repeated fields, what is no object or list."""
    if kind.full_name.startswith(OWN_FORM):
        return
    if not isinstance(value, dict):
        raise Unfit("", "no-object")
    if level > MOST_LEVELS:
        raise Unfit("", "deep", most=MOST_LEVELS)
    names = names_of(kind)
    seen: dict[str, str] = {}
    for name, inner in value.items():
        field = names.get(name)
        if field is None:
            raise unknown(kind, name)
        if seen.setdefault(field.name, name) != name:
            raise Unfit(name, "twice")
        if inner is not None and (field.is_repeated or field.message_type is not None):
            try:
                _look_into(field, inner, level=level)
            except Unfit as unfit:
                raise unfit.under(name) from unfit


def _look_into(field: Any, value: Any, *, level: int) -> None:
    if is_map(field):
        if not isinstance(value, dict):
            raise Unfit("", "no-object")
        elements: Iterable[tuple[Any, Any]] = value.items()
        kind = field.message_type.fields_by_name["value"].message_type
    elif field.is_repeated:
        if not isinstance(value, list):
            raise Unfit("", "no-list")
        elements, kind = enumerate(value), field.message_type
    else:
        _look(field.message_type, value, level=level + 1)
        return
    for key, element in elements if kind is not None else ():
        try:
            _look(kind, element, level=level + 1)
        except Unfit as unfit:
            raise unfit.under(f"[{key}]") from unfit


def _wrong(kind: Any, value: Any) -> Unfit:
    """What is wrong with a value that protobuf's reader does not take, whose shape is right."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        field = names_of(kind)[name]
        if inner is None or _takes(kind, {name: inner}):
            continue
        for where, element in _elements(field, inner):
            if element is None:
                return Unfit(f"{name}{where}", "no-null")
            if _has_fields(field) and isinstance(element, dict):
                inside = field.message_type
                if not _takes(inside, element):
                    return _wrong(inside, element).under(f"{name}{where}")
            elif not is_map(field) and not _takes(kind, {name: [element] if field.is_repeated else element}):
                return Unfit(f"{name}{where}", "kind", expected=expected(field))
        return Unfit(name, "kind", expected=expected(field))
    for oneof in kind.oneofs:
        names = [
            name
            for name, inner in value.items()
            if inner is not None and names_of(kind)[name].containing_oneof is oneof
        ]
        if len(names) > 1:
            return Unfit(names[1], "one-of", names=", ".join(names))
    return Unfit("", "kind", expected=Words("other", message=kind.name))


def _elements(field: Any, value: Any) -> list[tuple[str, Any]]:
    if field.is_repeated and isinstance(value, list):
        return [(f"[{index}]", element) for index, element in enumerate(value)]
    return [("", value)]


def _has_fields(field: Any) -> bool:
    kind = field.message_type
    return kind is not None and not is_map(field) and not kind.full_name.startswith(OWN_FORM)


def _takes(kind: Any, value: Any) -> bool:
    try:
        json_format.ParseDict(value, _empty(kind))
    except READ_ERRORS:
        return False
    return True


def _empty(kind: Any) -> Message:
    made: Message = message_factory.GetMessageClass(kind)()
    return made
