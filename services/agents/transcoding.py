"""Requests over HTTP to messages, as `google.api.http` says, and messages to JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from services.agents.bindings import ALL, Match
from services.agents.bodies import decoded
from services.agents.filling import OWN_FORM, READ_ERRORS, expected, fill, is_map, names_of, unknown
from services.agents.unfit import Unfit

ERROR_DETAILS: Final = error_details_pb2.DESCRIPTOR
"""What refusals say in detail can be shown as JSON because these types are linked."""
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])[A-Z]")
_MASK: Final = "google.protobuf.FieldMask"
_FROM_TEXT: Final = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration", _MASK})
"""Messages that JSON writes as a text, so that a query can."""


def requests_of(match: Match, query: Sequence[tuple[str, str]], body: bytes, *, lines: bool = False) -> list[Message]:
    """The messages that a request stands for: one, or as many as its body has where the method takes a stream.

    `lines`: the body is JSON lines, else it is one value; for a stream a list of them, or one.

    Raises:
        Unfit: the request does not fit the method.
    """
    method = match.binding.method
    if not match.binding.body:
        if body.strip():
            raise Unfit("", "no-body")
        return [_request(match, query, None, given=False)]
    values = [decoded(line) for line in body.splitlines() if line.strip()] if lines else []
    if not lines and body.strip():
        value = decoded(body)
        values = value if method.descriptor.client_streaming and isinstance(value, list) else [value]
    if method.descriptor.client_streaming:
        return [_request(match, query, value, given=True) for value in values]
    if len(values) > 1:
        raise Unfit("", "one-message", count=len(values))
    return [_request(match, query, values[0] if values else None, given=bool(values))]


def json_of(message: Message, *, response_body: str = "") -> bytes:
    """A message as JSON; `response_body` names the one field that is shown."""
    value = _plain(message)
    if response_body:
        field = message.DESCRIPTOR.fields_by_name[response_body]
        empty: Any = ({} if is_map(field) else []) if field.is_repeated else None
        value = value.get(field.json_name, empty)
    return msgspec.json.encode(value)


def _request(match: Match, query: Sequence[tuple[str, str]], value: Any, *, given: bool) -> Message:
    binding = match.binding
    message = binding.method.input()
    if given and binding.body == ALL:
        fill(message, value)
    elif given:
        fill(message, {binding.body: value})
    for path, text in match.fields.items():
        put(message, path, (text,), placed=True)
    if query:
        taken = {path.split(".")[0] for path in match.fields} if binding.body == ALL else set()
        _put_query(message, query, match=match, taken=taken)
    return message


def _put_query(message: Message, query: Sequence[tuple[str, str]], *, match: Match, taken: set[str]) -> None:
    texts: dict[str, list[str]] = {}
    for name, text in query:
        texts.setdefault(name, []).append(text)
    placed = {tuple(path.split(".")) for path in match.fields}
    seen: dict[tuple[str, ...], str] = {}
    for name, values in texts.items():
        path = _resolved(message.DESCRIPTOR, name)
        if path in placed or path[0] == match.binding.body or path[0] in taken:
            raise Unfit(name, "placed")
        if match.binding.body == ALL:
            raise Unfit(name, "in-body")
        if path in seen:
            raise Unfit(name, "twice")
        seen[path] = name
        put(message, name, values)


def put(message: Message, path: str, texts: Sequence[str], *, placed: bool = False) -> None:
    """Set the field at that path, names parted by dots, to what the texts say; several are for a repeated field.

    `placed`: the path of the request says so, and the body must not say otherwise.

    Raises:
        Unfit: there is no such field, or the texts are not of its type.
    """
    target, field = _located(message, path)
    if len(texts) > 1 and not field.is_repeated:
        raise Unfit(path, "one-value")
    if placed and (held := _held(target, field)) is not None and held != texts[0]:
        raise Unfit(path, "elsewhere")
    oneof = field.containing_oneof
    if oneof is not None and (other := target.WhichOneof(oneof.name)) not in (None, field.name):
        raise Unfit(path, "one-of", names=f"{other}, {field.name}")
    try:
        _set(target, field, texts)
    except READ_ERRORS as error:
        raise Unfit(path, "kind", expected=expected(field)) from error


def _set(target: Message, field: FieldDescriptor, texts: Sequence[str]) -> None:
    kind = field.message_type
    if kind is not None and kind.full_name == _MASK and not field.is_repeated:
        names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
        mask: Any = getattr(target, field.name)
        mask.SetInParent()
        mask.paths.extend(_CAPITAL.sub(lambda found: "_" + found[0].lower(), name) for name in names)
        return
    if kind is None and field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
        setattr(target, field.name, texts[0])
        return
    inner = kind.fields_by_name["value"] if kind is not None and _wraps(kind) else field
    values = [_value(inner, text) for text in texts]
    json_format.ParseDict({field.name: values if field.is_repeated else values[0]}, target)


def _value(field: FieldDescriptor, text: str) -> Any:
    """The JSON value that the text stands for; protobuf's reader takes all but these as a text."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL and field.message_type is None:
        return {"true": True, "false": False}.get(text, text)
    return text


def _located(message: Message, path: str) -> tuple[Message, FieldDescriptor]:
    """The message that has the field at that path, made where it is missing, and the field."""
    target = message
    fields = _fields(message.DESCRIPTOR, path)
    for field in fields[:-1]:
        target = getattr(target, field.name)
    return target, fields[-1]


def _resolved(kind: Any, path: str) -> tuple[str, ...]:
    return tuple(field.name for field in _fields(kind, path))


def _fields(kind: Any, path: str) -> list[FieldDescriptor]:
    """The fields along a path that a text can set.

    Raises:
        Unfit: there is none.
    """
    found: list[FieldDescriptor] = []
    inside: Any = kind
    for index, name in enumerate(path.split(".")):
        if inside is None or (index and found[-1].is_repeated):
            raise Unfit(path, "no-query")
        field = names_of(inside).get(name)
        if field is None:
            unfit = unknown(inside, name)
            raise unfit.under(".".join(path.split(".")[:index])) if index else unfit
        found.append(field)
        inside = field.message_type
    if is_map(found[-1]) or (inside is not None and inside.full_name not in _FROM_TEXT and not _wraps(inside)):
        raise Unfit(path, "no-query")
    return found


def _wraps(kind: Any) -> bool:
    """Whether JSON writes the message as the one value that it has."""
    return bool(
        kind.full_name.startswith(OWN_FORM)
        and kind.full_name.endswith("Value")
        and [field.name for field in kind.fields] == ["value"]
    )


def _held(target: Message, field: FieldDescriptor) -> str | None:
    """What a field says already, as a path would write it; `None` where it says nothing."""
    if field.is_repeated or field.message_type is not None:
        return None
    value: Any = getattr(target, field.name)
    if value == field.default_value:
        return None
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return str(value) if known is None else str(known.name)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(message: Message) -> Mapping[str, Any]:
    try:
        shown: Mapping[str, Any] = json_format.MessageToDict(message)
    except TypeError:  # an Any whose type only the contract knows
        pool: Any = message.DESCRIPTOR.file.pool
        shown = json_format.MessageToDict(message, descriptor_pool=pool)
    return shown
