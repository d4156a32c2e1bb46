"""Records every change in the log: who, what before, what after, why. No record, no change.

What only takes power away, such as a stop, must work just when nothing else does: where it cannot be noted, its note is
owed.
"""

import asyncio
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
from redis.exceptions import RedisError

from gateway.core.errors import Reason
from gateway.rpc.status import reason_from
from pilote.audit.v1 import personal_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.owing import REFUSALS, Owing
from services.control.undone import Undone, storing

LARGEST_VALUE: Final = 32 * 1024
"""Bytes of JSON up to which a value stands in the log itself; of a larger one its size and SHA-256 do."""
SECONDS: Final = 10.0
PROMPT_SECONDS: Final = 1.0
"""How long the log may take for the note of what only takes power away, before that is done all the same."""
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
        self.owed = False
        """Whether the log could not take it down, and gets its note later."""


class Changes:
    """Writes into the log what is changed, by way of the audit service."""

    def __init__(self, stub: AuditServiceStub, *, owing: Owing | None = None, seconds: float = SECONDS) -> None:
        """`seconds` is the longest time that a note may take. Without `owing` none is owed: no note, no change."""
        self.owing: Final = owing
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
        takes_away: bool = False,
    ) -> AsyncIterator[Changing]:
        """A block that changes something, noted before it begins: where it cannot be noted, it does not begin.

        `operation` is a word such as `update`, `resource` a name such as `stops/acme/all`; `before` and `after` are
        what is there, as anything that JSON can say or a message of protobuf, and `None` for nothing. None of it may
        say more of a customer than their pseudonym. Give `after=LATER` for what only the block can tell, and set
        `after` of what it is given, and `resource` where only then there is a name. `request_id` names this very change
        where a retry must not note it twice.

        With `takes_away`, for what gives nobody any power, it begins also where the log takes no note within a second:
        the note is owed, see `Owing`, and what is given says so.

        What stands in the log then:

        - the block was left without an error: the first note, and with `LATER` a second one, "done", with `after`;
        - it was left by an error: the first note, and a second one, "not done", with the error's reason code only;
        - the first note alone: it was done, or the process has ended within the block: look at the resource. A second
          note that could not be written is owed; where the store does not answer either, it is in this process's own
          log as an error. The change is not taken back for it.

        Notes that are owed come first, so that the log has them in their order.

        Raises:
            Undone: STORE_UNAVAILABLE when the audit service does not answer, or the store of what is owed does not; the
                block did not begin.
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
        changing.owed = await self._begin(note, takes_away=takes_away)
        try:
            yield changing
        except BaseException as error:
            note.change.failure = failure_of(error)
            await self._end(note, personal_pb2.CHANGE_STAGE_NOT_DONE, owed=changing.owed)
            raise
        if after is LATER:
            note.resource = _resource(changing.resource)
            value = None if changing.after is LATER else _value(changing.after)
            if value is not None:
                note.change.after.CopyFrom(value)
            await self._end(note, personal_pb2.CHANGE_STAGE_DONE, owed=changing.owed)

    async def happened(self, who: Who, *, operation: str, resource: str, after: Any = None) -> None:
        """Note soon what nobody has asked for, and nobody waits for: that it happened, now.

        Where the store does not answer it is in this process's own log only; without `owing` it is noted nowhere.
        """
        change = personal_pb2.Change(
            request_id=uuid.uuid4().hex,
            known_by=who.kind,
            credential=who.id,
            operation=operation,
            stage=personal_pb2.CHANGE_STAGE_DONE,
            after=_value(after),
        )
        note = personal_pb2.RecordChangeRequest(change=change, resource=_resource(resource), person=who.name)
        await self._end(note, personal_pb2.CHANGE_STAGE_DONE, owed=True)

    async def _begin(self, note: personal_pb2.RecordChangeRequest, *, takes_away: bool) -> bool:
        """Write the note; says whether it is owed instead."""
        seconds = min(PROMPT_SECONDS, self._seconds) if takes_away else self._seconds
        try:
            async with asyncio.timeout(seconds):
                await self._pay(seconds)
                await self._stub.RecordChange(note, timeout=seconds)
        except (grpc.aio.AioRpcError, TimeoutError) as error:
            if isinstance(error, grpc.aio.AioRpcError) and error.code() in REFUSALS:
                raise
            if not takes_away or self.owing is None:
                raise Undone(Reason.STORE_UNAVAILABLE, "change-unrecorded", wait_s=1) from error
            with storing():
                await self.owing.add(note)
            told = {"resource": note.resource, "request_id": note.change.request_id}
            _log.warning("the log does not answer: the note of a change is owed to it", extra=told)
            return True
        return False

    async def _pay(self, seconds: float) -> None:
        """Bring to the log what is owed; a store that does not answer owes nothing that could be brought now."""
        if self.owing is not None:
            with contextlib.suppress(RedisError, OSError):
                await self.owing.pay(seconds=seconds)

    async def _end(
        self, note: personal_pb2.RecordChangeRequest, stage: "personal_pb2.ChangeStage.ValueType", *, owed: bool
    ) -> None:
        """Write how it ended; `owed` says that its beginning is not in the log yet, so that this waits behind it."""
        note.change.stage = stage
        try:
            if not owed:
                await self._stub.RecordChange(note, timeout=self._seconds)
            elif self.owing is not None:
                await self.owing.add(note)
        except grpc.aio.AioRpcError as error:
            if self.owing is None or error.code() in REFUSALS:
                self._unsaid(note)
            else:
                await self._end(note, stage, owed=True)
        except (RedisError, OSError, TimeoutError):
            self._unsaid(note)

    def _unsaid(self, note: personal_pb2.RecordChangeRequest) -> None:
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
    "FindingChanged": "FINDING_CHANGED",
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
