"""Whether the log can be trusted: its checkpoints, what was verified of its growth, and what is on the way into it.

What is verified here is that the log of last time is the beginning of the log of now, and that the same key signs both.
It is remembered which log and key that was, so a log that was cut, rewritten or exchanged meanwhile is found out.
Whether each record is in it as it was written, an export and `pilote verify` say, without any server.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import grpc
import msgspec

from gateway.adapters.workers import Workers
from gateway.core.errors import Reason
from gateway.core.record import DEFAULT_KEEP_DAYS
from gateway.redis_clients import Client
from gateway.rpc.status import reason_from
from pilote.audit.v1 import audit_service_pb2 as audit_pb
from pilote.audit.v1 import personal_pb2, summaries_pb2
from services.control.audit_client import Stub
from services.control.changes import LATER, Changes, Who
from services.control.live.now import Stream
from services.control.live.scope import Scope
from services.control.live.waiting import Waiting
from services.control.owing import Owed
from services.control.policy import ActivePolicy
from services.control.times import at, known
from services.control.undone import storing
from services.proof.merkle import consistent
from services.proof.notes import Checkpoint, Malformed, read_checkpoint, read_key, read_note, signed_by

SECONDS: Final = 10.0
_VERIFIED: Final = "pilote:control:{control}:verified"
_ERASURES: Final = 10
_BAD: Final = ("INCONSISTENT", "UNSIGNED")


class CheckpointShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the log has signed of itself."""

    tree_size: int
    """Entries in it."""
    root_hash: str
    """64 hexadecimal digits."""
    sign_time: dt.datetime


class Verification(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was found when somebody verified the log."""

    result: str
    """"FIRST": there was nothing to compare with; "CONSISTENT": the log has only grown since the time before;
    "INCONSISTENT": it has not, so it was cut or rewritten, or is another one; "UNSIGNED": the checkpoint is not signed
    by the key of the time before, or where that is the first time by no key that the audit service has."""
    verify_time: dt.datetime
    by: str
    note: str
    """The checkpoint that was verified, with its signatures; where it was bad, the last one that was not."""
    tree_size: int
    before_tree_size: int
    """Of the log that it was compared with; 0 for none."""
    key: str = ""
    """The key by which checkpoints of this log are signed, a C2SP verifier key; empty where none has signed."""


class Class(msgspec.Struct, frozen=True, kw_only=True):
    """Records that are kept for as long."""

    name: str
    keep: str
    """Such as "400d"."""
    operations: tuple[str, ...]
    categories: tuple[str, ...]


class ErasureShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """That a customer was erased."""

    time: dt.datetime
    by: str
    tenant: str
    subject_ref: str


class OwedShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Notes of changes that were made while the log took none; it gets them as soon as it does."""

    notes: int
    since_time: dt.datetime | None
    """When the oldest of these changes was made."""
    refused: int
    """Notes that the log will not take: they are set aside in the store, for somebody to look at."""


class IntegrityShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the log stands. What the audit service does not say now is `null`."""

    checkpoint: CheckpointShown | None
    cosigned: CheckpointShown | None
    """The newest that a witness has signed."""
    verification: Verification | None
    """The last one."""
    stream: Stream
    spooled: int
    """Records on disks of gateways that the store has not taken yet."""
    unreadable_segments: tuple[str, ...] | None
    """Parts of the store that are damaged."""
    default_keep_days: int
    retention: tuple[Class, ...]
    erasures: tuple[ErasureShown, ...] | None
    """The last ones."""
    owed: OwedShown


class Integrity:
    """Shows how the log stands, and verifies its growth. `clock_ms` is milliseconds since the epoch."""

    def __init__(
        self, redis: Client, audit: Stub, policy: ActivePolicy, changes: Changes, *, clock_ms: Callable[[], int]
    ) -> None:
        self._redis: Any = redis
        self._audit: Any = audit
        self._policy = policy
        self._changes = changes
        self._waiting = Waiting(redis)
        self._workers = Workers(redis)
        self._clock_ms = clock_ms

    async def get(self, scope: Scope) -> IntegrityShown:
        """How the log stands, and what is on the way into it from the calls of these tenants.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            stream, reports = await self._waiting.stream(scope), await self._workers.all()
            owed = await self._changes.owing.standing() if self._changes.owing is not None else Owed()
        return IntegrityShown(
            checkpoint=await self._checkpoint(cosigned=False),
            cosigned=await self._checkpoint(cosigned=True),
            verification=await self._last(),
            stream=stream,
            spooled=sum(report.spooled for report in reports),
            unreadable_segments=await self._unreadable(),
            default_keep_days=DEFAULT_KEEP_DAYS,
            retention=self._retention(),
            erasures=await self._erasures(scope),
            owed=OwedShown(notes=owed.notes, since_time=known(owed.since_ms), refused=owed.refused),
        )

    async def verify(self, *, who: Who) -> Verification:
        """Verify that the log has only grown since it was verified last, and remember it as it is now.

        An inconsistent one is not remembered: it stays inconsistent with what was known before.

        Raises:
            Undone: STORE_UNAVAILABLE.
            grpc.aio.AioRpcError: the audit service does not answer.
        """
        async with self._changes.recording(who, operation="verify", resource="log", after=LATER) as changing:
            last = await self._last()
            base = last if last is not None and last.note else None
            answer = await self._audit.GetCheckpoint(audit_pb.GetCheckpointRequest(), timeout=SECONDS)
            note, key = answer.checkpoint.note, base.key if base is not None and base.key else answer.verifier_key
            result = await self._result(base, note, key=key)
            if result in _BAD:  # what was known before stays what the next one is compared with
                note, key = (base.note, base.key) if base is not None else ("", "")
            found = Verification(
                result=result,
                verify_time=at(self._clock_ms()),
                by=who.name,
                note=note,
                tree_size=answer.checkpoint.tree_size,
                before_tree_size=0 if base is None else base.tree_size,
                key=key,
            )
            with storing():
                await self._redis.set(_VERIFIED, msgspec.json.encode(found))
            changing.after = {"result": result, "treeSize": found.tree_size}
        return found

    async def _result(self, last: Verification | None, note: str, *, key: str) -> str:
        if not _signed(note, key):
            return "UNSIGNED"
        return "FIRST" if last is None else await self._compared(last, note)

    async def _compared(self, last: Verification, note: str) -> str:
        """Whether the log of that note has grown from the one that was verified last."""
        before, now = _read(last.note), _read(note)
        if before is None or now is None or before.origin != now.origin or before.size > now.size:
            return "INCONSISTENT"
        path: tuple[bytes, ...] = ()
        if 0 < before.size < now.size:
            asked = audit_pb.GetConsistencyProofRequest(first_tree_size=before.size, second_tree_size=now.size)
            path = tuple((await self._audit.GetConsistencyProof(asked, timeout=SECONDS)).path)
        grown = consistent(path, first=(before.size, before.root), second=(now.size, now.root))
        return "CONSISTENT" if grown else "INCONSISTENT"

    async def _last(self) -> Verification | None:
        with storing():
            kept = await self._redis.get(_VERIFIED)
        return None if kept is None else msgspec.json.decode(kept, type=Verification)

    async def _checkpoint(self, *, cosigned: bool) -> CheckpointShown | None:
        try:
            answer = await self._audit.GetCheckpoint(audit_pb.GetCheckpointRequest(cosigned=cosigned), timeout=SECONDS)
        except grpc.aio.AioRpcError:
            return None
        found = answer.checkpoint
        return CheckpointShown(
            tree_size=found.tree_size,
            root_hash=found.root_hash.hex(),
            sign_time=found.sign_time.ToDatetime(tzinfo=dt.UTC),
        )

    async def _unreadable(self) -> tuple[str, ...] | None:
        try:
            asked = summaries_pb2.SummarizeDecisionsRequest(filter="since(1m)")
            return tuple((await self._audit.SummarizeDecisions(asked, timeout=SECONDS)).unreadable_segments)
        except grpc.aio.AioRpcError:
            return None

    async def _erasures(self, scope: Scope) -> tuple[ErasureShown, ...] | None:
        asked = personal_pb2.ListNotesRequest(kind="erasure", page_size=_ERASURES, tenants=scope.tenants or ())
        try:
            notes = (await self._audit.ListNotes(asked, timeout=SECONDS)).notes
        except grpc.aio.AioRpcError as error:
            if reason_from(error) == Reason.ARGUMENT_INVALID.value:
                raise
            return None
        return tuple(
            ErasureShown(
                time=each.note_time.ToDatetime(tzinfo=dt.UTC),
                by=each.person,
                tenant=each.tenant,
                subject_ref=each.subject_ref,
            )
            for each in notes
        )

    def _retention(self) -> tuple[Class, ...]:
        document = self._policy.revision.document if self._policy.revision else None
        return tuple(
            Class(
                name=each.name,
                keep=each.keep,
                operations=tuple(operation.value for operation in each.operations),
                categories=each.categories,
            )
            for each in (document.retention if document else ())
        )


def _signed(note: str, key: str) -> bool:
    """Whether that verifier key has signed the checkpoint, in the name of the log that it is about."""
    try:
        known, whole = read_key(key), read_note(note)
        return signed_by(whole, known) and read_checkpoint(whole.text).origin == known.name
    except Malformed:
        return False


def _read(note: str) -> Checkpoint | None:
    try:
        return read_checkpoint(note.partition("\n\n")[0] + "\n")
    except Malformed:
        return None
