"""Explains one decision: what the audit service says of it, and what would have come next where its inputs are kept."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import msgspec
from google.protobuf.json_format import MessageToDict

from gateway.core.obstacle_texts import explain_beyond
from gateway.core.obstacles import obstacles
from gateway.replays.whatif import Beyond, beyond
from pilote.audit.v1 import explaining_pb2, planning_pb2
from services.audit.explaining import obstacle
from services.commands.replaying import Replays, Unusable, kept_inputs

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

ANSWER_SECONDS = 10.0


class Explained(msgspec.Struct, frozen=True):
    """What is said of a decision."""

    answer: explaining_pb2.ExplainDecisionResponse
    beyond: Beyond | None
    """What would have come next; `None` where nothing stood in the way, or nobody can say."""


async def explained(
    decision: str,
    audit: "AuditServiceAsyncStub",
    *,
    store: Callable[[], AbstractAsyncContextManager[Any]],
    replays: Callable[[Any], Replays],
    language: str,
) -> Explained:
    """Explain one decision; `decision` is its id or name.

    `store` opens the store of revisions and `replays` makes what opens inputs; neither is asked where none are kept.

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer, or knows no such decision.
    """
    name = decision if decision.startswith("decisions/") else f"decisions/{decision}"
    request = explaining_pb2.ExplainDecisionRequest(name=name, language_code=language)
    answer = await audit.ExplainDecision(request, timeout=ANSWER_SECONDS)
    if not answer.obstacles:
        return Explained(answer, None)
    async for kept, _ in kept_inputs(audit, planning_pb2.ListInputsRequest(decision=name)):
        async with store() as redis:
            return Explained(answer, await _beyond(kept, replays(redis)))
    return Explained(answer, None)


async def _beyond(kept: planning_pb2.CallInputs, replays: Replays) -> Beyond | None:
    try:
        opened = replays.open(kept)
        once = await replays.once(opened)
    except Unusable:
        return None
    if once.differing or not opened.inputs.own:
        return None
    revision = await replays.revisions.get(opened.inputs.revision)
    first = obstacles(opened.record, opened.outcome, document=revision.document)
    return beyond(revision, opened.inputs, first, pseudonym_key=replays.pseudonym_key)


def sentences(found: Explained, *, language: str) -> tuple[str, ...]:
    """All that is said, in order."""
    its = found.beyond
    more = () if its is None else explain_beyond(its.found, its.buckets, known=its.open, language=language)
    return (*found.answer.sentences, *found.answer.changes, *more)


def as_json(found: Explained, *, more: Mapping[str, Any]) -> str:
    """The answer as its contract has it in JSON, with `beyond` where it is known, and `more`."""
    said = MessageToDict(found.answer) | dict(more)
    if found.beyond is not None:
        said["beyond"] = {
            "obstacles": [MessageToDict(obstacle(each)) for each in found.beyond.found],
            "limits": list(found.beyond.buckets),
            "complete": found.beyond.open,
        }
    return json.dumps(said, indent=2, ensure_ascii=False)
