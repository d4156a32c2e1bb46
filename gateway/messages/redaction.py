"""Redacting messages: from paths and sensitivities to what is done to a decoded message.

A redaction is planned once, when the revision is loaded, against the descriptors; a call only runs the plan. What was
planned fails closed: bytes that are no such message, or that hold what the plan cannot look into, do not pass.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from gateway.core.contract import Redaction, RedactionMistake, Take
from gateway.core.mistakes import near, told
from gateway.messages.clearing import Work, clearing, entry, is_map, is_text
from gateway.messages.sensitivity import Sensitive, level_of, sensitivity_of, touches
from pilote.governance.v1 import annotations_pb2

EVERY: Final = "*"


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
            level = level_of(redaction.sensitivity)
            self._refuse_sensitive(level)
            works.append(Sensitive(self._pool, level=level, instead=redaction.text_instead).work)

        def take(message: Any) -> None:
            for work in works:
                work(message)

        return take

    def touches(self, redaction: Redaction) -> bool:
        """See `gateway.core.contract.Redactor`."""
        level = level_of(redaction.sensitivity) if redaction.sensitivity else annotations_pb2.SENSITIVITY_CREDENTIAL + 1
        return bool(redaction.fields) or touches(self._kind, level)

    def apply(self, message: bytes, takes: Sequence[Take]) -> bytes:
        """See `gateway.core.contract.Redactor`."""
        try:
            decoded = self._class.FromString(message)
            for take in takes:
                take(decoded)
        except DecodeError as error:
            raise ValueError("malformed message") from error
        return decoded.SerializePartialToString()  # what the sender left out is not ours to ask for

    def _at(self, path: str, redaction: Redaction, *, place: int) -> Work:
        steps = steps_of(self._kind, path, place=place)
        names = list(_names(steps))
        for kept in self._kept:
            if len(names) <= len(kept) and all(name in (EVERY, kept[n]) for n, name in enumerate(names)):
                what = told("redaction-governs", field=path, governs=".".join(kept))
                raise RedactionMistake(what, place=place)
        *parents, last = steps
        instead = redaction.text_instead
        if instead is not None and not is_text(last.field):
            raise RedactionMistake(told("redaction-no-text", field=path), place=place)
        work = _clearing_key(last, instead) if last.key else clearing(last.field, instead)
        for step in reversed(parents):
            work = _within(step, work)
        return work

    def _refuse_sensitive(self, level: int) -> None:
        for kept in self._kept:
            kind: Descriptor | None = self._kind
            for name in kept:
                field = kind.fields_by_name.get(name) if kind is not None else None
                if field is not None and sensitivity_of(field) >= level:
                    raise RedactionMistake(told("redaction-sensitive", governs=".".join(kept), name=name))
                kind = field.message_type if field is not None else kind


class Step(NamedTuple):
    """One field of a path. `key` is what follows it in the path where it is a list or a map, else empty."""

    field: FieldDescriptor
    key: str
    """Of a list "*", of a map its key or "*"; empty for the field as a whole."""


def steps_of(kind: Descriptor, path: str, *, place: int) -> list[Step]:
    """The fields that a path leads through. `place` says which of several paths this is.

    Raises:
        RedactionMistake: the message has no such path.
    """
    steps: list[Step] = []
    here: Descriptor | None = kind
    segments = path.split(".")
    while segments:
        name = segments.pop(0)
        field = here.fields_by_name.get(name) if here is not None else None
        if field is None:
            raise _unknown(path, name, here=here, place=place)
        key = ""
        if is_map(field):
            key = segments.pop(0) if segments else ""
            if key not in ("", EVERY) and entry(field, "key").type != FieldDescriptor.TYPE_STRING:
                raise RedactionMistake(told("redaction-keys", name=name, field=path), place=place)
            here = entry(field, "value").message_type
        else:
            if field.is_repeated and segments:
                key = EVERY
                if segments[0] == EVERY:
                    segments.pop(0)
            here = field.message_type
        steps.append(Step(field, key))
    return steps


def _unknown(path: str, name: str, *, here: Descriptor | None, place: int) -> RedactionMistake:
    if here is None:
        return RedactionMistake(told("redaction-after-value", field=path, name=name), place=place)
    names = tuple(field.name for field in here.fields)
    fields = told("fields-of", message=here.full_name, fields=names) if names else told("fields-none")
    hint = near(name, names, fields)
    what = told("redaction-unknown", name=name, field=path, message=here.full_name, hint=hint)
    return RedactionMistake(what, place=place)


def _names(steps: list[Step]) -> Iterator[str]:
    """The steps with each key of a map as a step of its own, as the paths of a contract count them."""
    for step in steps:
        yield step.field.name
        if step.key and is_map(step.field):
            yield step.key


def _within(step: Step, work: Work) -> Work:
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

    if is_map(step.field):
        return every if key == EVERY else keyed
    return each if step.field.is_repeated else one


def _clearing_key(step: Step, instead: str | None) -> Work:
    """Take what stands at a key out of a map, or all elements out of a list."""
    name, key = step.field.name, step.key
    if not is_map(step.field):
        return clearing(step.field, instead)

    def clear(message: Any) -> None:
        values = getattr(message, name)
        for found in list(values) if key == EVERY else [key] * (key in values):
            if instead is None:
                del values[found]
            else:
                values[found] = instead

    return clear
