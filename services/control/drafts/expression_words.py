"""Words that may stand at the end of an expression in CEL: variables, fields of messages, functions, texts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.core.conditions import VARIABLES

_CHAIN: Final = re.compile(r"([A-Za-z_]\w*(?:\s*(?:\.\w*|\[[^\[\]]*\]))*)$")
_STEP: Final = re.compile(r"\.(\w*)|\[[^\[\]]*\]")
_TEXT: Final = re.compile(r"""([a-z]+(?:\.[a-z_]+)+)\s*(?:==|!=|in\s*\[(?:\s*"[^"]*"\s*,)*)\s*["']([^"']*)$""")
_TEXTS: Final = ("contains", "startsWith", "endsWith", "matches", "size")
_LISTS: Final = ("all", "exists", "exists_one", "filter", "map", "size")
_TIMES: Final = ("getFullYear", "getMonth", "getDate", "getDayOfWeek", "getHours", "getMinutes")
_FREE: Final = ("has", "size", "timestamp", "duration", "int", "double", "string")
_PLAIN: Final = ("true", "false", "null", "in")
Kind = Literal["variable", "field", "function", "value", "name"]


class Word(NamedTuple):
    """One word."""

    text: str
    kind: Kind
    detail: str = ""
    insert: str = ""


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """What an expression sees."""

    pool: Any
    """The message types."""
    requests: tuple[str, ...]
    """Types that `request` may have."""
    replies: tuple[str, ...] = ()
    """Types that `response` may have; empty: there is none."""
    routed: bool = True
    texts: Mapping[str, set[str]] = {}
    """Texts that fields are compared with, by the field: "call.channel"."""


_Types = tuple[Any, ...]
"""Descriptors of messages, fields for what is repeated or a map, or "text", "time" and "other"."""


def words(typed: str, known: Vocabulary) -> tuple[str, list[Word]]:
    """What of the expression up to the cursor is the beginning of a word, and which words begin or hold it."""
    text = _TEXT.search(typed)
    if text and text[1] in known.texts:
        return text[2], [Word(each, "name") for each in sorted(known.texts[text[1]])]
    chain = _CHAIN.search(typed)
    if chain is None:
        return "", list(_beginnings(known)) if not typed or typed[-1] in " (!&|=<>,[+-*/?:\n" else []
    steps = re.split(r"(?=[.\[])", chain[1].replace(" ", ""), maxsplit=1)
    if len(steps) == 1:
        return steps[0], list(_beginnings(known))
    last = steps[1].rpartition(".")[2]
    if "]" in last or "." not in steps[1]:
        return "", []
    types = _roots(known).get(steps[0], ())
    for step in _STEP.finditer(steps[1][: len(steps[1]) - len(last) - 1]):
        types = tuple(found for each in types for found in _below(each, step[1]))
    return last, list({word.text: word for each in types for word in _members(each)}.values())


def _beginnings(known: Vocabulary) -> Iterator[Word]:
    for name, types in _roots(known).items():
        detail = types[0].name if types and isinstance(types[0], Descriptor) else ""
        yield Word(name, "variable", detail)
    yield from (Word(name, "function", insert=f"{name}(") for name in _FREE)
    yield from (Word(name, "value") for name in _PLAIN)


def _roots(known: Vocabulary) -> Mapping[str, _Types]:
    find = known.pool.FindMessageTypeByName
    found: dict[str, _Types] = {"request": tuple(find(name) for name in known.requests)}
    found |= {name: (find(kind),) for name, kind in VARIABLES.items() if known.routed or name != "route"}
    found["now"] = ("time",)
    if known.replies:
        found |= {"response": tuple(find(name) for name in known.replies), "trailers": ("other",)}
    return found


def _below(kind: Any, field: str | None) -> _Types:
    """What a field of a message is, or, with no field, an element of a list or map."""
    if field is None:
        return (_element(kind),) if isinstance(kind, FieldDescriptor) else ()
    if not isinstance(kind, Descriptor):
        return ()
    found = kind.fields_by_name.get(field)
    if found is None:
        return ()
    return (found if found.is_repeated else _single(found),)


def _element(field: FieldDescriptor) -> Any:
    return _single(_value(field) or field)


def _single(field: FieldDescriptor) -> Any:
    if field.message_type is not None:
        return "time" if field.message_type.full_name == "google.protobuf.Timestamp" else field.message_type
    return "text" if field.type == FieldDescriptor.TYPE_STRING else "other"


def _value(field: FieldDescriptor) -> FieldDescriptor | None:
    """What a map has for values; `None` of what is no map."""
    entry = field.message_type
    return entry.fields_by_name["value"] if entry is not None and entry.GetOptions().map_entry else None


def _members(kind: Any) -> Iterator[Word]:
    if isinstance(kind, Descriptor):
        for field in kind.fields:
            yield Word(field.name, "field", _told(field))
    elif isinstance(kind, FieldDescriptor):
        yield from (Word(name, "function", insert=f"{name}(") for name in _LISTS)
    elif kind in ("text", "time"):
        yield from (Word(name, "function", insert=f"{name}(") for name in (_TEXTS if kind == "text" else _TIMES))


def _told(field: FieldDescriptor) -> str:
    value = _value(field)
    if value is not None:
        return f"map<{_told(value)}>"
    name = field.message_type.name if field.message_type is not None else _SCALARS.get(field.type, "number")
    return f"{name}[]" if field.is_repeated else name


_SCALARS: Final = {
    FieldDescriptor.TYPE_STRING: "text",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "true | false",
    FieldDescriptor.TYPE_DOUBLE: "decimal",
    FieldDescriptor.TYPE_FLOAT: "decimal",
    FieldDescriptor.TYPE_ENUM: "enum",
}
