"""Taking out of messages what their contracts annotate as sensitive, however deep."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from gateway.messages.clearing import Work, clearing, entry, is_map
from pilote.governance.v1 import annotations_pb2

_ANY: Final = "google.protobuf.Any"


def sensitivity_of(field: FieldDescriptor) -> int:
    """What the field's contract says of it; 0 where it says nothing."""
    # The pool of the book does not know our extension's Python class; the bytes do not care.
    options = descriptor_pb2.FieldOptions.FromString(field.GetOptions().SerializeToString())
    return int(options.Extensions[annotations_pb2.sensitivity])


def level_of(sensitivity: str) -> int:
    """The level of that name, such as "PERSONAL"."""
    return int(annotations_pb2.Sensitivity.Value(f"SENSITIVITY_{sensitivity}"))


def touches(kind: Descriptor, level: int) -> bool:
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


def sensitivity_along(kind: Descriptor, steps: Sequence[str]) -> int:
    """How sensitive the most sensitive field is that the steps pass; the steps within a map begin with the key.

    That of a credential for steps that lead to nothing that the contract knows.
    """
    here: Descriptor | None = kind
    most, rest = 0, list(steps)
    while rest:
        field = here.fields_by_name.get(rest.pop(0)) if here is not None else None
        if field is None:
            return int(annotations_pb2.SENSITIVITY_CREDENTIAL)
        most = max(most, sensitivity_of(field))
        if is_map(field):
            rest = rest[1:]
            field = entry(field, "value")
        here = field.message_type
    return most


class Sensitive:
    """Takes out all fields of at least one level, in messages of any type, however deep."""

    def __init__(self, pool: DescriptorPool, *, level: int, instead: str | None) -> None:
        self._pool = pool
        self._level = level
        self._instead = instead
        self._plans: dict[Descriptor, tuple[list[Work], list[FieldDescriptor]]] = {}

    def work(self, message: Any) -> None:
        """Redact one message."""
        # Before anything is looked at: what the contract does not know may be anything, and hides nowhere then.
        message.DiscardUnknownFields()
        self._redact(message)

    def _redact(self, message: Any) -> None:
        kind = message.DESCRIPTOR
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._plans[kind] = self._planned(kind)
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

    def _planned(self, kind: Descriptor) -> tuple[list[Work], list[FieldDescriptor]]:
        works, inner = [], []
        for field in kind.fields:
            value = entry(field, "value") if is_map(field) else field
            if sensitivity_of(field) >= self._level:
                works.append(clearing(field, self._instead))
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


def _values(message: Any, field: FieldDescriptor) -> Iterator[Message]:
    if is_map(field):
        yield from getattr(message, field.name).values()
    elif field.is_repeated:
        yield from getattr(message, field.name)
    elif message.HasField(field.name):
        yield getattr(message, field.name)


def _is_any(message: Message) -> bool:
    return message.DESCRIPTOR.full_name == _ANY
