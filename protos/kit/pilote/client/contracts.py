"""What a method's contract says of repeating it, read from the descriptors of the stubs that are imported."""

import functools
import uuid
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message

from pilote.governance.v1 import annotations_pb2

_LEVELS: Final = descriptor_pb2.MethodOptions


@dataclass(frozen=True, slots=True)
class Contract:
    """Of one method. Without a contract nothing is known to be harmless."""

    harmless: bool = False
    """It changes nothing."""
    idempotent: bool = False
    """A repeat changes nothing more."""
    request_id: tuple[str, ...] = ()
    """Path of the field for the caller's idempotency key; empty for none."""

    def keyed(self, message: Any) -> tuple[Any, bool]:
        """The message with an idempotency key, and whether it has one. The caller's own key stays."""
        if not self.request_id or not isinstance(message, Message):
            return message, False
        *path, field = self.request_id
        if getattr(_at(message, path), field):
            return message, True
        filled = type(message)()
        filled.CopyFrom(message)
        setattr(_at(filled, path), field, str(uuid.uuid4()))
        return filled, True


@functools.lru_cache(maxsize=4096)
def contract_of(method: str) -> Contract:
    """The contract of a full method name, "/package.Service/Method"."""
    service, _, name = method.strip("/").rpartition("/")
    try:
        found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    except KeyError:  # a stub without descriptors
        return Contract()
    options = found.GetOptions()
    said = options.Extensions[annotations_pb2.call]
    level = options.idempotency_level
    reads = said.operation == annotations_pb2.OPERATION_READ
    return Contract(
        harmless=reads or level == _LEVELS.NO_SIDE_EFFECTS,
        idempotent=level == _LEVELS.IDEMPOTENT,
        request_id=tuple(said.request_id.split(".")) if said.request_id else (),
    )


def _at(message: Any, path: list[str]) -> Any:
    for name in path:
        message = getattr(message, name)
    return message
