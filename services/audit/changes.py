"""Records in the log what somebody changes, and tells it."""

import re
from typing import Final

import msgspec

from gateway.core.errors import CallEnded, Reason, invalid
from gateway.core.policy.vocabulary import NAME
from gateway.rpc.times import timestamp
from pilote.audit.v1 import personal_pb2
from services.audit.entries import LARGEST, Noted
from services.audit.noting import CHANGE, Written, request_of
from services.audit.store import DecisionStore

LARGEST_VALUE: Final = 32 * 1024
"""Bytes of JSON up to which a value is kept itself."""
LONGEST_REASON: Final = 1_000
_STAGES: Final = {
    personal_pb2.CHANGE_STAGE_BEGUN: "begun",
    personal_pb2.CHANGE_STAGE_DONE: "done",
    personal_pb2.CHANGE_STAGE_NOT_DONE: "not-done",
}
_STAGE_OF: Final = {text: stage for stage, text in _STAGES.items()}
_PATTERNS: Final = {
    "change.request_id": (r"[A-Za-z0-9._:-]{1,128}", "1 to 128 letters, digits, '.', '_', ':' and '-'"),
    "change.known_by": (r"[a-z][a-z-]{0,31}", "a word such as session, token, signature or operator"),
    "change.operation": (r"[a-z][a-z_-]{0,62}", "a word such as create, update or approve"),
    "change.failure": (r"([A-Z][A-Z0-9_]{0,62})?", "a reason such as CONFLICT, or empty"),
    "change.credential": (r"[A-Za-z0-9._-]{0,64}", "an id of at most 64 letters, digits, '.', '_' and '-'"),
    "resource": (
        r"(?=.{1,300}\Z)[a-z][a-z-]{0,62}(/[A-Za-z0-9._~@:*+=,%-]+){0,6}",
        "a resource name such as revisions/12, of at most 300 characters",
    ),
    "person": (r"[^\s\x00-\x1f\x7f]{1,128}", "who does it, in 1 to 128 characters without spaces"),
}


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What something was before or after a change."""

    value: msgspec.Raw = msgspec.Raw()
    """Itself; empty for what is larger."""
    size: int = 0
    """Bytes of what is larger, and its SHA-256 in hexadecimal digits."""
    sha256: str = ""


class ChangeNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """In the log: who changes what, how it was and will be, and why. Times are milliseconds since the epoch."""

    at_ms: int
    request_id: str
    stage: str
    """"begun", "done" or "not-done"."""
    person: str
    known_by: str
    operation: str
    resource: str
    tenant: str = ""
    before: Value | None = None
    after: Value | None = None
    reason: str = ""
    failure: str = ""
    credential: str = ""
    happened_ms: int = 0
    """When it came that far, where it was noted later; else 0."""

    @property
    def entry(self) -> Noted:
        """The entry of the log."""
        return Noted(CHANGE, msgspec.json.encode(self))


async def record_change(store: DecisionStore, request: personal_pb2.RecordChangeRequest, *, now_ms: int) -> Written:
    """Write a change into the log, once; gives what stands there.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field; IDEMPOTENCY_KEY_REUSED where something else was written under
            that request and stage.
    """
    note = _asked(request, now_ms=now_ms)
    await store.write([note.entry])
    written = await store.personal.noted(request_of(note.request_id, note.stage))
    if written is None:
        raise CallEnded(Reason.STORE_UNAVAILABLE, "The change cannot be read after it was written; retry.")
    found = msgspec.json.decode(written.raw, type=ChangeNote)
    # A note that was owed may have been written all the same when it was first tried, and then without its own time.
    if msgspec.structs.replace(found, at_ms=now_ms, happened_ms=note.happened_ms) != note:
        text = "Another change was recorded under this request_id: choose a new one."
        raise CallEnded(Reason.IDEMPOTENCY_KEY_REUSED, text, metadata={"field": "change.request_id"})
    return written


def change_of(written: Written) -> personal_pb2.Change | None:
    """What an entry says of a change; `None` where it is none, or a later version's."""
    if written.kind != CHANGE:
        return None
    try:
        note = msgspec.json.decode(written.raw, type=ChangeNote)
    except msgspec.DecodeError:
        return None
    return personal_pb2.Change(
        request_id=note.request_id,
        known_by=note.known_by,
        operation=note.operation,
        stage=_STAGE_OF.get(note.stage, personal_pb2.CHANGE_STAGE_UNSPECIFIED),
        before=_told(note.before),
        after=_told(note.after),
        failure=note.failure,
        credential=note.credential,
        happen_time=timestamp(note.happened_ms) if note.happened_ms else None,
    )


def _asked(request: personal_pb2.RecordChangeRequest, *, now_ms: int) -> ChangeNote:
    change = request.change
    for field, (pattern, told) in _PATTERNS.items():
        owner, _, name = field.rpartition(".")
        text = getattr(change if owner else request, name)
        if not re.fullmatch(pattern, text):
            raise invalid(field, f"{field} must be {told}.")
    if request.tenant and not re.match(NAME, request.tenant):
        raise invalid("tenant", "tenant must be the name of one, or empty.")
    stage = _STAGES.get(change.stage)
    if stage is None:
        raise invalid("change.stage", "change.stage must be BEGUN, DONE or NOT_DONE.")
    if (stage == "not-done") != bool(change.failure):
        raise invalid("change.failure", "change.failure says why something was not done, and only that.")
    reason = request.reason.strip()
    if len(reason) > LONGEST_REASON:
        raise invalid("reason", f"reason has at most {LONGEST_REASON} characters.")
    return ChangeNote(
        at_ms=now_ms,
        request_id=change.request_id,
        stage=stage,
        person=request.person,
        known_by=change.known_by,
        operation=change.operation,
        resource=request.resource,
        tenant=request.tenant,
        before=_value(change.before, "change.before") if change.HasField("before") else None,
        after=_value(change.after, "change.after") if change.HasField("after") else None,
        reason=reason,
        failure=change.failure,
        credential=change.credential,
        happened_ms=_happened(change),
    )


def _happened(change: personal_pb2.Change) -> int:
    found = change.happen_time.ToMilliseconds()
    if not 0 <= found <= LARGEST:
        raise invalid("change.happen_time", "change.happen_time must be between 1970 and 9999.")
    return found


def _value(given: personal_pb2.ChangedValue, field: str) -> Value:
    if not given.json:
        if len(given.sha256) != 32 or not 0 < given.size <= LARGEST:
            raise invalid(field, f"{field} must have either `json`, or `size` and the 32 bytes of `sha256`.")
        return Value(size=given.size, sha256=given.sha256.hex())
    raw = given.json.encode()
    if len(raw) > LARGEST_VALUE or given.size or given.sha256:
        raise invalid(field, f"{field} is larger than {LARGEST_VALUE} bytes: give its `size` and `sha256` only.")
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise invalid(field, f"{field}.json must be JSON.") from error
    return Value(value=msgspec.Raw(raw))


def _told(value: Value | None) -> personal_pb2.ChangedValue | None:
    if value is None:
        return None
    return personal_pb2.ChangedValue(
        json=bytes(value.value).decode(), size=value.size, sha256=bytes.fromhex(value.sha256)
    )
