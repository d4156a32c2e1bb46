"""Explains one decision: what is stored of it, in words, and what would have to change."""

from collections.abc import Awaitable, Callable

from gateway.core.explain import explain
from gateway.core.explain_copies import explain_copies
from gateway.core.explain_log import explain_log
from gateway.core.obstacle_texts import explain_obstacles
from gateway.core.obstacles import Obstacle, free_ms, obstacles
from gateway.core.policy.document import Document
from gateway.core.texts import language_of
from gateway.rpc.times import timestamp
from pilote.audit.v1 import explaining_pb2
from services.audit.store import Stored

Policies = Callable[[int, str], Awaitable[Document | None]]
"""The policy of a revision, by its number and SHA-256; `None` where that very one is not there, or nobody answers."""


async def no_policies(_number: int, _sha256: str) -> Document | None:
    """For who has no store of revisions."""
    return None


async def explained(
    stored: Stored, policies: Policies, *, language_code: str, now_ms: int
) -> explaining_pb2.ExplainDecisionResponse:
    """The answer about a decision. `now_ms` is milliseconds since the epoch."""
    record, outcome, language = stored.record, stored.outcome, language_of(language_code[:200])
    document = await policies(record.revision, record.revision_sha256) if record.revision else None
    found = obstacles(record, outcome, document=document)
    free = free_ms(found)
    sentences = explain(record, outcome, settlement=stored.settlement, language=language)
    return explaining_pb2.ExplainDecisionResponse(
        sentences=(
            *sentences,
            *explain_copies(stored.copies, language=language),
            *explain_log(stored.leaf, stored.settled_leaf, language=language),
        ),
        changes=explain_obstacles(found, now_ms=now_ms, language=language),
        obstacles=[obstacle(each) for each in found],
        earliest_time=timestamp(free) if free else None,
        language_code=language,
    )


def obstacle(each: Obstacle) -> explaining_pb2.Obstacle:
    """One obstacle as its contract has it."""
    message = explaining_pb2.Obstacle(
        kind=_KINDS[each.kind],
        name=each.name,
        reason=each.reason,
        error=each.error,
        standing=each.standing,
        since_time=timestamp(each.since_ms) if each.since_ms else None,
        channel=each.channel,
        purpose=each.purpose,
        bases=each.bases,
        hold=f"holds/{each.hold}" if each.hold else "",
        waits=each.waits,
        free_time=timestamp(each.free_ms) if each.free_ms else None,
        conditions=[
            explaining_pb2.ObstacleCondition(rule=one.rule, when=one.when, reads=one.reads) for one in each.conditions
        ],
    )
    if each.ask is not None and each.look is not None:
        message.bucket_kind, message.by, message.used = each.ask.kind, each.ask.by, each.look.used
        message.capacity, message.cost, message.over = each.ask.capacity, each.ask.cost, each.over
        message.other = f"decisions/{each.look.other}" if each.look.other else ""
    return message


_KINDS = {
    "rule": explaining_pb2.OBSTACLE_KIND_RULE,
    "failed": explaining_pb2.OBSTACLE_KIND_FAILED_RULE,
    "unallowed": explaining_pb2.OBSTACLE_KIND_UNALLOWED,
    "lineage": explaining_pb2.OBSTACLE_KIND_LINEAGE,
    "holdout": explaining_pb2.OBSTACLE_KIND_HOLDOUT,
    "consent": explaining_pb2.OBSTACLE_KIND_CONSENT,
    "quiet_hours": explaining_pb2.OBSTACLE_KIND_QUIET_HOURS,
    "hold": explaining_pb2.OBSTACLE_KIND_HOLD,
    "level": explaining_pb2.OBSTACLE_KIND_LEVEL,
    "observed": explaining_pb2.OBSTACLE_KIND_OBSERVED,
    "lacking": explaining_pb2.OBSTACLE_KIND_LACKING,
    "stop": explaining_pb2.OBSTACLE_KIND_STOP,
    "bucket": explaining_pb2.OBSTACLE_KIND_BUCKET,
    "other": explaining_pb2.OBSTACLE_KIND_OTHER,
}
