"""What the contract's `field_behavior` says of a resource's fields, and how an update mask is applied by it."""

import functools
from collections.abc import Sequence
from typing import Final, TypeVar

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gateway.core.errors import CallEnded, Reason

M = TypeVar("M", bound=Message)

_SET_BY_SERVICE: Final = frozenset((field_behavior_pb2.IDENTIFIER, field_behavior_pb2.OUTPUT_ONLY))


def clear_service_fields(resource: Message) -> None:
    """Empty the fields that the service alone sets: name, times, etag."""
    for name in _fields_with(resource.DESCRIPTOR, *_SET_BY_SERVICE) | {"etag"}:
        resource.ClearField(name)


def missing_fields(resource: Message) -> list[str]:
    """Names of the REQUIRED fields that are not set, in the order of the contract."""
    required = _fields_with(resource.DESCRIPTOR, field_behavior_pb2.REQUIRED)
    held = {field.name for field, _ in resource.ListFields()}
    return [field.name for field in resource.DESCRIPTOR.fields if field.name in required - held]


def updated(held: M, wanted: M, *, paths: Sequence[str]) -> M:
    """`held` with the fields of `paths` as in `wanted`; the mask rules are those of the contract's comments.

    No paths: all fields that are set in `wanted`. A field that never changes may be sent if it is the same.

    Raises:
        CallEnded: ARGUMENT_INVALID for a path that is no field, or one that may not change.
    """
    names = _changing(held, wanted, paths=paths)
    part = type(wanted)()
    part.CopyFrom(wanted)
    result = type(held)()
    result.CopyFrom(held)
    for field in held.DESCRIPTOR.fields:
        (result if field.name in names else part).ClearField(field.name)
    result.MergeFrom(part)
    return result


def _changing(held: Message, wanted: Message, *, paths: Sequence[str]) -> frozenset[str]:
    descriptor = held.DESCRIPTOR
    by_service = _fields_with(descriptor, *_SET_BY_SERVICE) | {"etag"}
    immutable = _fields_with(descriptor, field_behavior_pb2.IMMUTABLE)
    everything = frozenset(field.name for field in descriptor.fields)
    if not paths:
        asked = frozenset(field.name for field, _ in wanted.ListFields()) - by_service
    elif "*" in paths:
        asked = everything - by_service - immutable
    else:
        asked = frozenset(paths)
    wrong = [(path, "is no field of it, or not a top-level one") for path in sorted(asked - everything)]
    wrong += [(path, "is set by the service") for path in sorted(asked & by_service)]
    wrong += [
        (path, "never changes") for path in sorted(asked & immutable) if getattr(held, path) != getattr(wanted, path)
    ]
    if wrong:
        raise CallEnded(
            Reason.ARGUMENT_INVALID,
            f"update_mask: {wrong[0][0]} {wrong[0][1]}.",
            violations=tuple(("update_mask", f"{path} {text}") for path, text in wrong),
        )
    return asked


@functools.cache
def _fields_with(descriptor: Descriptor, *behaviours: int) -> frozenset[str]:
    return frozenset(
        field.name
        for field in descriptor.fields
        if set(field.GetOptions().Extensions[field_behavior_pb2.field_behavior]) & set(behaviours)
    )
