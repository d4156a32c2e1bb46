"""Records every change in the log: who, what before, what after, why. No record, no change."""

import contextlib
import hashlib
import logging
import re
import urllib.parse
import uuid
from collections.abc import AsyncIterator
from enum import Enum
from typing import Any, Final, Protocol

import grpc
import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from gateway.core.errors import Reason
from gateway.rpc.status import reason_from
from pilote.audit.v1 import personal_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.undone import Undone

LARGEST_VALUE: Final = 32 * 1024
"""Bytes of JSON up to which a value stands in the log itself; of a larger one its size and SHA-256 do."""
SECONDS: Final = 10.0
_LONGEST_RESOURCE: Final = 300
_LONGEST_REASON: Final = 1_000
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,62}")
_log = logging.getLogger(__name__)


class Later(Enum):
    """Stands for a value that only the change itself brings about."""

    LATER = "later"


LATER: Final = Later.LATER


class Who(Protocol):
    """Somebody who changes something; `services.control.access.principals.Principal` is one."""

    @property
    def name(self) -> str:
        """Of their account, or of the person of the active policy."""

    @property
    def kind(self) -> str:
        """How they are known: "session", "token", "signature", or "operator" for a command on the machine."""

    @property
    def id(self) -> str:
        """Of the session or token; empty otherwise."""


class Changing:
    """A change that is being made."""

    def __init__(self, request_id: str, resource: str, after: Any) -> None:
        self.request_id: Final = request_id
        self.resource = resource
        """What the note of its end is about; may be set where the change itself gives it a name."""
        self.after = after
        """What is there after it; may be set until the block ends where it was not known before."""


class Changes:
    """Writes into the log what is changed, by way of the audit service."""

    def __init__(self, stub: AuditServiceStub, *, seconds: float = SECONDS) -> None:
        """`seconds` is the longest time that a note may take."""
        self._stub: Any = stub
        self._seconds = seconds

    @contextlib.asynccontextmanager
    async def recording(
        self,
        who: Who,
        *,
        operation: str,
        resource: str,
        tenant: str = "",
        before: Any = None,
        after: Any = None,
        reason: str = "",
        request_id: str = "",
    ) -> AsyncIterator[Changing]:
        """A block that changes something, noted before it begins: where it cannot be noted, it does not begin.

        `operation` is a word such as `update`, `resource` a name such as `stops/acme/all`; `before` and `after` are
        what is there, as anything that JSON can say or a message of protobuf, and `None` for nothing. None of it may
        say more of a customer than their pseudonym. Give `after=LATER` for what only the block can tell, and set
        `after` of what it is given, and `resource` where only then there is a name. `request_id` names this very change
        where a retry must not note it twice.

        What stands in the log then:

        - the block was left without an error: the first note, and with `LATER` a second one, "done", with `after`;
        - it was left by an error: the first note, and a second one, "not done", with the error's reason code only;
        - the first note alone: it was done, or the process has ended within the block: look at the resource. A second
          note that could not be written is in this process's own log as an error; the change is not taken back for it.

        Raises:
            Undone: STORE_UNAVAILABLE when the audit service does not answer; the block did not begin.
            grpc.aio.AioRpcError: it refuses the note: a mistake of ours, or in a name that somebody has given.
        """
        changing = Changing(request_id or uuid.uuid4().hex, resource, after)
        note = personal_pb2.RecordChangeRequest(
            change=personal_pb2.Change(
                request_id=changing.request_id,
                known_by=who.kind,
                credential=who.id,
                operation=operation,
                stage=personal_pb2.CHANGE_STAGE_BEGUN,
                before=_value(before),
                after=None if after is LATER else _value(after),
            ),
            resource=_resource(resource),
            person=who.name,
            tenant=tenant,
            reason=reason.strip()[:_LONGEST_REASON],
        )
        await self._begin(note)
        try:
            yield changing
        except BaseException as error:
            note.change.failure = failure_of(error)
            await self._end(note, personal_pb2.CHANGE_STAGE_NOT_DONE)
            raise
        if after is LATER:
            note.resource = _resource(changing.resource)
            value = None if changing.after is LATER else _value(changing.after)
            if value is not None:
                note.change.after.CopyFrom(value)
            await self._end(note, personal_pb2.CHANGE_STAGE_DONE)

    async def _begin(self, note: personal_pb2.RecordChangeRequest) -> None:
        try:
            await self._stub.RecordChange(note, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS):
                raise
            raise Undone(Reason.STORE_UNAVAILABLE, "change-unrecorded", wait_s=1) from error

    async def _end(self, note: personal_pb2.RecordChangeRequest, stage: "personal_pb2.ChangeStage.ValueType") -> None:
        note.change.stage = stage
        try:
            await self._stub.RecordChange(note, timeout=self._seconds)
        except grpc.aio.AioRpcError:
            told = {"resource": note.resource, "request_id": note.change.request_id}
            _log.exception("the log does not say how a change ended", extra=told)


def failure_of(error: BaseException) -> str:
    """The reason code of an error: never its text."""
    if isinstance(error, grpc.aio.AioRpcError):
        found = reason_from(error)
        if found == "UNAVAILABLE":  # nothing of ours has answered
            found = Reason.STORE_UNAVAILABLE.value
    elif isinstance(error, (OSError, TimeoutError)) or type(error).__module__.startswith("redis."):
        found = Reason.STORE_UNAVAILABLE.value
    else:
        # Errors of ours have a reason, or the key of a text.
        told = getattr(error, "reason", None) or getattr(error, "code", None) or _NAMED.get(type(error).__name__, "")
        found = str(getattr(told, "value", told)).upper().replace("-", "_")
    return found if _CODE.fullmatch(found) else Reason.INTERNAL.value


_NAMED: Final = {
    "CancelledError": Reason.CANCELLED.value,
    "Conflict": Reason.CONFLICT.value,
    "PolicyInvalid": "POLICY_INVALID",
    "CellsFixed": "CELLS_FIXED",
    "CellsMoving": Reason.CONFLICT.value,
    "Forbidden": "RIGHT_MISSING",
    "HoldProblem": "FAILED_PRECONDITION",
    "ValueError": Reason.ARGUMENT_INVALID.value,
    "DecodeError": Reason.ARGUMENT_INVALID.value,
    "ValidationError": Reason.ARGUMENT_INVALID.value,
}


def _value(value: Any) -> personal_pb2.ChangedValue | None:
    if value is None:
        return None
    plain = MessageToDict(value) if isinstance(value, Message) else value
    raw = msgspec.json.encode(plain)
    if len(raw) <= LARGEST_VALUE:
        return personal_pb2.ChangedValue(json=raw.decode())
    return personal_pb2.ChangedValue(size=len(raw), sha256=hashlib.sha256(raw).digest())


def _resource(name: str) -> str:
    """The name as the log takes it: whatever people have put into it, in ASCII."""
    return urllib.parse.quote(name, safe="/~@:*+=,")[:_LONGEST_RESOURCE].rstrip("/%")
