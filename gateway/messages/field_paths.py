"""Paths to a field of a message, as bindings write them: dotted, and after a map field comes the key.

From a path and a descriptor come functions that read a text from a decoded message, or write one into a copy of it.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.core.contract import Said, TextsReader, TokenUsage, read_none
from gateway.core.mistakes import Value, told

_READABLE: Final = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_ENUM)
_WHOLE: Final = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
)
_TOKENS: Final = (
    ("prompt_tokens", "input_tokens"),
    ("completion_tokens", "output_tokens"),
    ("cached_tokens",),
    ("reasoning_tokens",),
)
"""What fields are called that count tokens, in the order of `TokenUsage`."""
_Step = tuple[str, str | None]
"""One field on the way to a value, and the key to take where the field is a map."""


class NoField(KeyError):
    """A path leads to nothing that can be read or written; `what` says why."""

    def __init__(self, code: str, **values: Value) -> None:
        super().__init__(code)
        self.what: Final = told(code, **values)


def readers(message: Descriptor, paths: Mapping[str, str]) -> Callable[[object], Said]:
    """A function that reads all of these texts, by the names of `Said`; each message on the way is opened once.

    Raises:
        NoField: a segment names no field, or a path does not end at a text or an enum.
    """
    groups: dict[tuple[_Step, ...], list[tuple[int, _Step, dict[int, str] | None]]] = {}
    for place, name in enumerate(Said._fields):
        if path := paths.get(name, ""):
            steps, field = _steps(message, path)
            names = value_names(field) if field.type == FieldDescriptor.TYPE_ENUM else None
            groups.setdefault(steps[:-1], []).append((place, steps[-1], names))
    ways = tuple((parents, tuple(leaves)) for parents, leaves in groups.items())
    nothing = [""] * len(Said._fields)

    def read(request: object) -> Said:
        found = nothing.copy()
        for parents, leaves in ways:
            parent = _opened(request, parents)
            for place, (name, key), names in leaves if parent is not None else ():
                value = getattr(parent, name)
                if key is not None:
                    value = value.get(key, "")
                found[place] = value if names is None else names.get(value, "")
        return Said(*found)

    return read


def _opened(value: Any, steps: tuple[_Step, ...]) -> Any:
    """What the steps lead to; `None` where a map lacks the key."""
    for name, key in steps:
        value = getattr(value, name)
        if key is not None:
            if key not in value:
                return None
            value = value[key]
    return value


def texts_reader(message: Descriptor, path: str) -> TextsReader:
    """A function that reads the texts at `path`, a list or a single one; `read_none` for an empty path.

    Raises:
        NoField: like `readers`.
    """
    if not path:
        return read_none
    parent_path, _, last = path.rpartition(".")
    kind: Descriptor | None = message
    for segment in parent_path.split(".") if parent_path else ():
        field = kind.fields_by_name.get(segment) if kind is not None else None
        if field is None or field.is_repeated:
            raise NoField("path-no-message", segment=segment, field=path)
        kind = field.message_type
    field = kind.fields_by_name.get(last) if kind is not None else None
    if field is None or not field.is_repeated or field.type != FieldDescriptor.TYPE_STRING:
        single = readers(message, {"subject": path})
        return lambda request: tuple([text for text in (single(request).subject,) if text])
    segments = path.split(".")

    def read(request: object) -> tuple[str, ...]:
        value: Any = request
        for name in segments:
            value = getattr(value, name)
        return tuple(value)

    return read


def presence(message: Descriptor, path: str) -> Callable[[object], bool]:
    """A function that says whether the message at `path` is there.

    Raises:
        NoField: a segment names no single message.
    """
    *parents, last = path.split(".")
    kind: Descriptor | None = message
    for segment in (*parents, last):
        field = kind.fields_by_name.get(segment) if kind is not None else None
        if field is None or field.is_repeated or field.message_type is None:
            raise NoField("path-no-message", segment=segment, field=path)
        kind = field.message_type

    def there(value: Any) -> bool:
        for name in parents:
            value = getattr(value, name)
        return bool(value.HasField(last))

    return there


def token_usage(message: Descriptor, path: str) -> Callable[[object], TokenUsage] | None:
    """A function that reads the tokens in the message at `path`; `None` where that has no such fields.

    Raises:
        NoField: a segment names no single message.
    """
    presence(message, path)
    kind: Descriptor = message
    for segment in path.split("."):
        inner = kind.fields_by_name[segment].message_type
        assert inner is not None  # noqa: S101 - `presence` has looked
        kind = inner
    names = [next((name for name in known if _is_count(kind, name)), "") for known in _TOKENS]
    if not (names[0] and names[1]):
        return None
    steps = path.split(".")

    def read(value: Any) -> TokenUsage:
        for name in steps:
            value = getattr(value, name)
        return TokenUsage(*[getattr(value, name) if name else 0 for name in names])

    return read


def _is_count(message: Descriptor, name: str) -> bool:
    field = message.fields_by_name.get(name)
    return field is not None and not field.is_repeated and field.cpp_type in _WHOLE


def closed_values(message: Descriptor, path: str) -> Collection[str]:
    """All that the text at `path` can be, where it is an enum; nothing where it is free, or the path empty.

    Raises:
        NoField: like `readers`.
    """
    field = _steps(message, path)[1] if path else None
    return () if field is None or field.enum_type is None else value_names(field).values()


def value_names(field: FieldDescriptor) -> dict[int, str]:
    """Enum values as channel names: CHANNEL_EMAIL of enum Channel becomes "email"; the zero value becomes ""."""
    values = () if field.enum_type is None else field.enum_type.values
    prefix = next((v.name.removesuffix("UNSPECIFIED") for v in values if v.name.endswith("UNSPECIFIED")), "")
    return {v.number: "" if v.number == 0 else v.name.removeprefix(prefix).lower() for v in values}


def is_text(message: Descriptor, path: str) -> bool:
    """Whether a text stands at `path`, and no enum.

    Raises:
        NoField: like `readers`.
    """
    return _steps(message, path)[1].type == FieldDescriptor.TYPE_STRING


def writer(message: Descriptor, path: str) -> Callable[[object, str], bytes]:
    """A function that gives the bytes of a message with a text written to `path`, which `reader` takes.

    Into an enum it writes the value of that name, and raises `ValueError` where there is none.

    Raises:
        NoField: like `readers`.
    """
    steps, field = _steps(message, path)
    numbers = None
    if field.type == FieldDescriptor.TYPE_ENUM:
        numbers = {name: number for number, name in value_names(field).items()}
    message_class = message_factory.GetMessageClass(message)
    *parents, (last, last_key) = steps

    def pin(request: object, text: str) -> bytes:
        if numbers is not None and text not in numbers:
            raise ValueError(f"no value is named {text}")
        value = text if numbers is None else numbers[text]
        copy = message_class()
        copy.CopyFrom(request)  # type: ignore[arg-type]
        target: Any = copy
        for name, key in parents:
            target = getattr(target, name)
            if key is not None:
                target = target[key]  # made where it is not there yet
        if last_key is None:
            setattr(target, last, value)
        else:
            getattr(target, last)[last_key] = value
        return copy.SerializeToString()

    return pin


def channel_putter(message: Descriptor, *, channel: str, contact_point: str) -> Callable[[object, str], bytes]:
    """A function that puts a contact on another channel, and takes out where it went on the one before.

    `channel` and `contact_point` are paths; that of the contact point may be empty. Raises like `writer`.
    """
    put = writer(message, channel)
    clear = writer(message, contact_point) if contact_point else None
    message_class = message_factory.GetMessageClass(message)

    def put_channel(request: object, name: str) -> bytes:
        changed = put(request, name)
        return changed if clear is None else clear(message_class.FromString(changed), "")

    return put_channel


def _steps(message: Descriptor, path: str) -> tuple[tuple[_Step, ...], FieldDescriptor]:
    """The steps of a path, and the field that it ends at."""
    steps: list[_Step] = []
    kind: Descriptor | None = message
    field: FieldDescriptor | None = None
    segments = iter(path.split("."))
    for segment in segments:
        field = kind.fields_by_name.get(segment) if kind is not None else None
        if field is None:
            raise NoField("path-no-field", segment=segment, field=path)
        key = None
        entry = field.message_type
        if entry is not None and field.is_repeated and entry.GetOptions().map_entry:
            key = next(segments, None)
            if key is None:
                raise NoField("path-no-key", field=path)
            if entry.fields_by_name["key"].type != FieldDescriptor.TYPE_STRING:
                raise NoField("path-keys", segment=segment, field=path)
            field = entry.fields_by_name["value"]
        elif field.is_repeated:
            raise NoField("path-list", segment=segment, field=path)
        steps.append((segment, key))
        kind = field.message_type
    if field is None or field.type not in _READABLE:
        raise NoField("path-no-text", field=path)
    return tuple(steps), field
