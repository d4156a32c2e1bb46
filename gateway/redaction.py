"""Redacting messages: from paths and sensitivities to what is done to a decoded message.

A redaction is planned once, when the revision is loaded, against the descriptors; a call only runs the plan. What was
planned fails closed: bytes that are no such message, or that hold what the plan cannot look into, do not pass.
"""

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from gateway.core.contract import Redaction, RedactionMistake, Take
from pilote.governance.v1 import annotations_pb2

EVERY: Final = "*"
_ANY: Final = "google.protobuf.Any"
_Work = Callable[[Any], None]


class MessageRedactor:
    """Redacts messages of one type. `kept` are the paths of what governs the call, which must stay as it is."""

    def __init__(self, kind: Descriptor, pool: DescriptorPool, *, kept: Sequence[str] = ()) -> None:
        self._kind = kind
        self._pool = pool
        self._class = message_factory.GetMessageClass(kind)
        self._kept = [path.split(".") for path in kept if path]

    def plan(self, redaction: Redaction) -> Take:
        """See `gateway.core.contract.Redactor`."""
        works = [self._at(path, redaction, place=place) for place, path in enumerate(redaction.fields)]
        if redaction.sensitivity:
            level = _level(redaction.sensitivity)
            self._refuse_sensitive(level)
            works.append(_Sensitive(self._pool, level=level, instead=redaction.text_instead).work)

        def take(message: Any) -> None:
            for work in works:
                work(message)

        return take

    def touches(self, redaction: Redaction) -> bool:
        """See `gateway.core.contract.Redactor`."""
        level = _level(redaction.sensitivity) if redaction.sensitivity else annotations_pb2.SENSITIVITY_CREDENTIAL + 1
        return bool(redaction.fields) or _touches(self._kind, level)

    def apply(self, message: bytes, takes: Sequence[Take]) -> bytes:
        """See `gateway.core.contract.Redactor`."""
        try:
            decoded = self._class.FromString(message)
            for take in takes:
                take(decoded)
        except DecodeError as error:
            raise ValueError("malformed message") from error
        return decoded.SerializePartialToString()  # what the sender left out is not ours to ask for

    def _at(self, path: str, redaction: Redaction, *, place: int) -> _Work:
        steps = _steps(self._kind, path, place=place)
        names = list(_names(steps))
        for kept in self._kept:
            if len(names) <= len(kept) and all(name in (EVERY, kept[n]) for n, name in enumerate(names)):
                fix = "leave it: what decides about the call, and what the upstream acts by, must be the same"
                raise RedactionMistake(f"{path!r} governs the call through {'.'.join(kept)!r}", fix=fix, place=place)
        *parents, last = steps
        instead = redaction.text_instead
        if instead is not None and not _is_text(last.field):
            problem = f"{path!r} is no text, so nothing can stand in its place"
            raise RedactionMistake(problem, fix="leave out `with` for it, in a rule of its own", place=place)
        work = _clearing_key(last, instead) if last.key else _clearing(last.field, instead)
        for step in reversed(parents):
            work = _within(step, work)
        return work

    def _refuse_sensitive(self, level: int) -> None:
        for kept in self._kept:
            kind: Descriptor | None = self._kind
            for name in kept:
                field = kind.fields_by_name.get(name) if kind is not None else None
                if field is not None and sensitivity_of(field) >= level:
                    problem = f"{'.'.join(kept)!r} governs the call, and its field {name!r} is as sensitive as that"
                    raise RedactionMistake(problem, fix="name what is to be redacted in `fields`")
                kind = field.message_type if field is not None else kind


class _Step(NamedTuple):
    """One field of a path. `key` is what follows it in the path where it is a list or a map, else empty."""

    field: FieldDescriptor
    key: str
    """Of a list "*", of a map its key or "*"; empty for the field as a whole."""


def sensitivity_of(field: FieldDescriptor) -> int:
    """What the field's contract says of it; 0 where it says nothing."""
    # The pool of the book does not know our extension's Python class; the bytes do not care.
    options = descriptor_pb2.FieldOptions.FromString(field.GetOptions().SerializeToString())
    return int(options.Extensions[annotations_pb2.sensitivity])


def _steps(kind: Descriptor, path: str, *, place: int) -> list[_Step]:
    steps: list[_Step] = []
    here: Descriptor | None = kind
    segments = path.split(".")
    while segments:
        name = segments.pop(0)
        field = here.fields_by_name.get(name) if here is not None else None
        if field is None:
            raise _unknown(path, name, here=here, place=place)
        key = ""
        if _is_map(field):
            key = segments.pop(0) if segments else ""
            if key not in ("", EVERY) and _entry(field, "key").type != FieldDescriptor.TYPE_STRING:
                problem = f"{name!r} in {path!r} is a map whose keys are no texts"
                raise RedactionMistake(problem, fix=f"write {name}.{EVERY} for all of them", place=place)
            here = _entry(field, "value").message_type
        else:
            if field.is_repeated and segments:
                key = EVERY
                if segments[0] == EVERY:
                    segments.pop(0)
            here = field.message_type
        steps.append(_Step(field, key))
    return steps


def _unknown(path: str, name: str, *, here: Descriptor | None, place: int) -> RedactionMistake:
    if here is None:
        return RedactionMistake(f"{path!r} goes on after a value", fix=f"end it before {name!r}", place=place)
    names = [field.name for field in here.fields]
    near = difflib.get_close_matches(name, names, n=1)
    fix = f"did you mean {near[0]!r}?" if near else f"fields of {here.full_name}: {', '.join(names) or 'none'}"
    return RedactionMistake(f"{name!r} in {path!r} is no field of {here.full_name}", fix=fix, place=place)


def _names(steps: list[_Step]) -> Iterator[str]:
    """The steps with each key of a map as a step of its own, as the paths of a contract count them."""
    for step in steps:
        yield step.field.name
        if step.key and _is_map(step.field):
            yield step.key


def _within(step: _Step, work: _Work) -> _Work:
    """Do the work on whatever messages the step leads to."""
    name, key = step.field.name, step.key

    def one(message: Any) -> None:
        if message.HasField(name):
            work(getattr(message, name))

    def keyed(message: Any) -> None:
        values = getattr(message, name)
        if key in values:
            work(values[key])

    def every(message: Any) -> None:
        for value in getattr(message, name).values():
            work(value)

    def each(message: Any) -> None:
        for value in getattr(message, name):
            work(value)

    if _is_map(step.field):
        return every if key == EVERY else keyed
    return each if step.field.is_repeated else one


def _clearing_key(step: _Step, instead: str | None) -> _Work:
    """Take what stands at a key out of a map, or all elements out of a list."""
    name, key = step.field.name, step.key
    if not _is_map(step.field):
        return _clearing(step.field, instead)

    def clear(message: Any) -> None:
        values = getattr(message, name)
        for found in list(values) if key == EVERY else [key] * (key in values):
            if instead is None:
                del values[found]
            else:
                values[found] = instead

    return clear


def _clearing(field: FieldDescriptor, instead: str | None) -> _Work:
    """Clear a field as a whole; texts become `instead` where that is given and they say anything."""
    name, required = field.name, field.is_required
    text = instead if instead is not None and _is_text(field) and not _is_map(field) else None

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


class _Sensitive:
    """Takes out all fields of at least one level, in messages of any type, however deep."""

    def __init__(self, pool: DescriptorPool, *, level: int, instead: str | None) -> None:
        self._pool = pool
        self._level = level
        self._instead = instead
        self._plans: dict[str, tuple[list[_Work], list[FieldDescriptor]]] = {}

    def work(self, message: Any) -> None:
        """Redact one message."""
        # Before anything is looked at: what the contract does not know may be anything, and hides nowhere then.
        message.DiscardUnknownFields()
        self._redact(message)

    def _redact(self, message: Any) -> None:
        kind = message.DESCRIPTOR
        plan = self._plans.get(kind.full_name)
        if plan is None:
            plan = self._plans[kind.full_name] = self._planned(kind)
        works, inner = plan
        for work in works:
            work(message)
        if kind.is_extendable:  # extensions say nothing of themselves here: like unknown fields
            for field, _ in message.ListFields():
                if field.is_extension:
                    message.ClearExtension(field)
        for field in inner:
            for value in _values(message, field):
                if _is_any(value):
                    self._open(value)
                else:
                    self._redact(value)

    def _planned(self, kind: Descriptor) -> tuple[list[_Work], list[FieldDescriptor]]:
        works, inner = [], []
        for field in kind.fields:
            value = _entry(field, "value") if _is_map(field) else field
            if sensitivity_of(field) >= self._level:
                works.append(_clearing(field, self._instead))
            elif value.message_type is not None:
                inner.append(field)
        return works, inner

    def _open(self, packed: Any) -> None:
        """Redact what is inside an Any; of a type that no contract describes nothing stays."""
        try:
            inside = message_factory.GetMessageClass(
                self._pool.FindMessageTypeByName(packed.type_url.rpartition("/")[2])
            ).FromString(packed.value)
        except (KeyError, DecodeError):
            packed.Clear()
            return
        self.work(inside)
        packed.value = inside.SerializePartialToString()


def _level(sensitivity: str) -> int:
    return int(annotations_pb2.Sensitivity.Value(f"SENSITIVITY_{sensitivity}"))


def _touches(kind: Descriptor, level: int) -> bool:
    """Whether any field of these messages, however deep, is so sensitive."""
    seen, waiting = {kind.full_name}, [kind]
    while waiting:
        for field in waiting.pop().fields:
            inner = field.message_type
            if sensitivity_of(field) >= level:
                return True
            if inner is not None and inner.full_name not in seen:
                seen.add(inner.full_name)
                waiting.append(inner)
    return False


def _values(message: Any, field: FieldDescriptor) -> Iterator[Message]:
    if _is_map(field):
        yield from getattr(message, field.name).values()
    elif field.is_repeated:
        yield from getattr(message, field.name)
    elif message.HasField(field.name):
        yield getattr(message, field.name)


def _is_any(message: Message) -> bool:
    return message.DESCRIPTOR.full_name == _ANY


def _entry(field: FieldDescriptor, part: str) -> FieldDescriptor:
    """The "key" or the "value" of a map field."""
    assert field.message_type is not None  # noqa: S101 - a map's entries are messages
    return field.message_type.fields_by_name[part]


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated and field.message_type is not None and field.message_type.GetOptions().map_entry)


def _is_text(field: FieldDescriptor) -> bool:
    value = _entry(field, "value") if _is_map(field) else field
    return bool(value.type == FieldDescriptor.TYPE_STRING)
