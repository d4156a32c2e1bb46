"""Reads what calls were decided by, opens it, and decides about them once more under the revisions that decided."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import grpc
import msgspec

from gateway.adapters.revisions import RevisionStore
from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.core.agreeing import differing
from gateway.core.inputs import Inputs, bound_to, unpacked
from gateway.core.record import Outcome, Record
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.loading import load_stored
from gateway.redis_clients import Client
from gateway.replaying import NotKnown, Replayed, replayed
from pilote.audit.v1 import audit_service_pb2, planning_pb2

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

LOADED: Final = 4
"""Revisions that are held compiled at a time; calls come in the order of time, and so nearly in that of revisions."""

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)


class Unusable(Exception):
    """The inputs of a decision cannot be replayed. `why` is a text of `services.commands.plan_texts`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


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
            published = await self._store.read(number)
            if published is None:
                raise Unusable("replay-revision-gone")
            try:
                found = load_stored(bytes(published.document), number=number)
            except (PolicyInvalid, msgspec.DecodeError) as error:
                raise Unusable("replay-revision-unreadable") from error
        self._loaded[number] = found
        if len(self._loaded) > LOADED:
            del self._loaded[next(iter(self._loaded))]
        return found


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
        return Once(opened, again, differing(opened.record, again.record, opened.outcome), revision.replay_share)


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


async def replay(decision: str, audit: "AuditServiceAsyncStub", replays: Replays) -> Once:
    """Decide about one call once more; `decision` is its id or name.

    Raises:
        Unusable: nothing is kept of it, or it cannot be used.
        grpc.aio.AioRpcError: the audit service does not answer, or takes the name for none.
    """
    name = decision if decision.startswith("decisions/") else f"decisions/{decision}"
    async for kept, _ in kept_inputs(audit, planning_pb2.ListInputsRequest(decision=name)):
        return await replays.once(replays.open(kept))
    raise Unusable("replay-erased" if await _erased(audit, name) else "replay-none")


async def _erased(audit: "AuditServiceAsyncStub", name: str) -> bool:
    try:
        found = await audit.GetDecision(audit_service_pb2.GetDecisionRequest(name=name))
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return False
        raise
    return found.decision.HasField("erase_time")


def shown(once: Once) -> tuple[tuple[str, str, str], ...]:
    """(field, as recorded, as replayed) of what differs, as JSON."""
    return tuple((name, _json(once.opened.record, name), _json(once.replayed.record, name)) for name in once.differing)


def _json(record: Record, name: str) -> str:
    return msgspec.json.encode(getattr(record, name)).decode()
