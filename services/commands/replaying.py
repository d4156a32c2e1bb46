"""Reads what calls were decided by, opens it, and decides about them once more under the revisions that decided."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import grpc
import msgspec

from gateway.activation.loading import load_stored
from gateway.adapters.revisions import RevisionStore
from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.copies.saying import Said
from gateway.core.agreeing import differing
from gateway.core.inputs import BEFORE, LARGEST_REQUEST, Inputs, bound_to, sampled, unpacked
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.record import Outcome, Record
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.redis_clients import Client
from gateway.replays.replaying import NotKnown, Replayed, replayed, replayed_copy
from pilote.audit.v1 import audit_service_pb2, planning_pb2
from pilote.decision.v1 import decision_pb2

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

LOADED: Final = 4
"""Revisions that are held compiled at a time; calls come in the order of time, and so nearly in that of revisions."""

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)


class Unusable(Exception):
    """The inputs of a decision cannot be replayed. `why` is a text of `services.commands.replay_texts`."""

    def __init__(self, why: str, **values: object) -> None:
        super().__init__(why)
        self.why = why
        self.values = values
        """What the text names."""


class Opened(msgspec.Struct, frozen=True):
    """What a call was decided by, and what was recorded of it."""

    inputs: Inputs
    record: Record
    outcome: Outcome


class Once(msgspec.Struct, frozen=True):
    """A call that was decided upon once more under its own revision."""

    opened: Opened
    replayed: Replayed
    differing: tuple[str, ...]
    """Fields of the record in which it is not what it was; none: it agrees."""
    share: int
    """Of how many calls its revision kept the inputs, in basis points."""


class CopyOnce(msgspec.Struct, frozen=True):
    """A copy of a call that was decided upon once more."""

    arm: str
    verdict: str
    """As recorded; empty where nothing was decided about it."""
    end: str
    agrees: bool


class Revisions:
    """Revisions by number, compiled when they are first needed."""

    def __init__(self, redis: Client) -> None:
        self._store = RevisionStore(redis)
        self._loaded: dict[int, Revision] = {}

    async def get(self, number: int) -> Revision:
        """The revision of that number.

        Raises:
            Unusable: it is not there any more, or this version of Pilote cannot read it.
        """
        found = self._loaded.pop(number, None)
        if found is None:
            document = await self.document(number)
            if document is None:
                raise Unusable("replay-revision-gone")
            try:
                found = await asyncio.to_thread(load_stored, document, number=number)
            except (PolicyInvalid, msgspec.DecodeError) as error:
                raise Unusable("replay-revision-unreadable") from error
        self._loaded[number] = found
        if len(self._loaded) > LOADED:
            del self._loaded[next(iter(self._loaded))]
        return found

    async def document(self, number: int) -> bytes | None:
        """The document of that revision; `None` where it is not there any more."""
        published = await self._store.read(number)
        return None if published is None else bytes(published.document)


class Replays:
    """Opens inputs and replays them."""

    def __init__(self, revisions: Revisions, *, sealer: Sealer, pseudonym_key: bytes) -> None:
        self.revisions: Final = revisions
        self._sealer = sealer
        self.pseudonym_key: Final = pseudonym_key

    def open(self, kept: planning_pb2.CallInputs) -> Opened:
        """What was sealed, and its record.

        Raises:
            Unusable: the key is another one, it was changed, or another version packed it otherwise.
        """
        record = _record.decode(kept.record)
        try:
            clear = self._sealer.open(kept.sealed, bound_to=bound_to(record.tenant, record.id))
            inputs = unpacked(clear)
        except KeyMissing as error:
            raise Unusable("replay-key") from error
        except Damaged as error:
            raise Unusable("replay-damaged") from error
        except msgspec.DecodeError as error:
            raise Unusable("replay-version") from error
        return Opened(inputs, record, _outcome.decode(kept.outcome))

    async def once(self, opened: Opened) -> Once:
        """Decide about a call once more under its own revision.

        Raises:
            Unusable: its revision is not there, or looks at more than was read then.
        """
        revision = await self.revisions.get(opened.inputs.revision)
        try:
            again = replayed(revision, opened.inputs, pseudonym_key=self.pseudonym_key)
        except NotKnown as unknown:
            raise Unusable("replay-version") from unknown
        kept = opened.inputs.kept
        found = differing(opened.record, again.record, opened.outcome, kept=kept)
        return Once(opened, again, found, revision.replay_share)

    async def copied(self, opened: Opened, arm: str) -> Said | None:
        """Decide about a copy of a call to this arm once more; `None` where the revision copies nothing there.

        Raises:
            Unusable: like `once`.
        """
        revision = await self.revisions.get(opened.inputs.revision)
        try:
            return replayed_copy(revision, opened.inputs, arm, pseudonym_key=self.pseudonym_key)
        except NotKnown as unknown:
            raise Unusable("replay-version") from unknown


async def kept_inputs(
    audit: "AuditServiceAsyncStub", request: planning_pb2.ListInputsRequest
) -> AsyncIterator[tuple[planning_pb2.CallInputs, int]]:
    """The sealed inputs that a request asks for, oldest first, each with how many there are in all.

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer.
    """
    async for answer in audit.ListInputs(request):
        for kept in answer.inputs:
            yield kept, answer.total_size


async def replay(decision: str, audit: "AuditServiceAsyncStub", replays: Replays, *, now_ms: int = 0) -> Once:
    """Decide about one call once more; `decision` is its id or name.

    `now_ms` is milliseconds since the epoch, to say whether what was kept has expired.

    Raises:
        Unusable: nothing is kept of it, or it cannot be used.
        grpc.aio.AioRpcError: the audit service does not answer, or takes the name for none.
    """
    name = decision if decision.startswith("decisions/") else f"decisions/{decision}"
    async for kept, _ in kept_inputs(audit, planning_pb2.ListInputsRequest(decision=name)):
        return await replays.once(replays.open(kept))
    raise await _nothing_kept(name, audit, replays.revisions, now_ms=now_ms)


async def copies(audit: "AuditServiceAsyncStub", once: Once, replays: Replays) -> tuple[CopyOnce, ...]:
    """The copies of a call that was decided upon once more, decided upon once more too.

    Raises:
        Unusable: like `Replays.copied`.
        grpc.aio.AioRpcError: the audit service does not answer.
    """
    name = f"decisions/{once.opened.record.id}"
    found = await audit.GetDecision(audit_service_pb2.GetDecisionRequest(name=name))
    said = []
    for copy in found.decision.copies:
        if not copy.verdict:
            said.append(CopyOnce(copy.arm, "", copy.end, agrees=True))
            continue
        again = await replays.copied(once.opened, copy.arm)
        recorded = Said(copy.verdict, copy.reason, copy.rule, tuple(copy.rules_added), tuple(copy.rules_missing))
        said.append(CopyOnce(copy.arm, copy.verdict, copy.end, agrees=again == recorded))
    return tuple(said)


async def _nothing_kept(name: str, audit: "AuditServiceAsyncStub", revisions: Revisions, *, now_ms: int) -> Unusable:
    """Why nothing is kept of a decision."""
    try:
        found = (await audit.GetDecision(audit_service_pb2.GetDecisionRequest(name=name))).decision
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return Unusable("replay-unknown", decision=name)
        raise
    return _never_kept(found) or await _not_now(found, revisions, now_ms=now_ms)


def _never_kept(found: decision_pb2.Decision) -> Unusable | None:
    """Why nothing could be kept of a decision, or was destroyed; `None` where that depends on the policy."""
    if found.HasField("erase_time"):
        return Unusable("replay-erased")
    if found.hold and found.parent == found.hold.replace("holds/", "decisions/") and not found.route:
        return Unusable("replay-hold-ended")
    if found.reason in BEFORE and not (found.rule or found.rules or found.limits):
        return Unusable("replay-undecided", reason=found.reason)
    if found.request_bytes > LARGEST_REQUEST:
        return Unusable("replay-large", size=found.request_bytes, most=LARGEST_REQUEST)
    return None


async def _not_now(found: decision_pb2.Decision, revisions: Revisions, *, now_ms: int) -> Unusable:
    """Why the policy keeps nothing of a decision by now."""
    try:
        revision = await revisions.get(found.revision)
    except Unusable as unusable:
        return unusable
    share, keep = revision.replay_share, revision.document.replay.keep
    if not sampled(found.name.removeprefix("decisions/"), share):
        return Unusable("replay-share", revision=found.revision, share=share)
    if now_ms >= found.receive_time.ToMilliseconds() + duration_ms(keep):
        return Unusable("replay-expired", revision=found.revision, keep=keep)
    return Unusable("replay-none")


def shown(once: Once) -> tuple[tuple[str, str, str], ...]:
    """(field, as recorded, as replayed) of what differs, as JSON."""
    return tuple((name, _json(once.opened.record, name), _json(once.replayed.record, name)) for name in once.differing)


def _json(record: Record, name: str) -> str:
    return msgspec.json.encode(getattr(record, name)).decode()
