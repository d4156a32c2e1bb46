"""What it takes to let another arm of its route serve a call: the way there, what it takes, its record.

Changes nothing, and is the same for a replay.
"""

import msgspec

from gateway.callrun import CallRun, new_id
from gateway.core.decide import Decision
from gateway.core.limits import Bucket
from gateway.core.record import Record
from gateway.core.routing import Routed, routed
from gateway.records.call_records import asks, obligations, record_of


def way_to(run: CallRun, name: str) -> Routed | None:
    """The way to an arm of the call's route; `None` where the route has none for it, or the call was there already.

    Who asks for a version is never answered by another one.
    """
    rule, call = run.routed.rule, run.call
    target = rule.arms.get(call.model, {}).get(name) if rule is not None and call is not None else None
    if rule is None or call is None or target is None:
        return None
    chosen = run.assigned or run.routed
    if name == chosen.route.arm or (call.model_version and target.version != chosen.route.version):
        return None
    rollout = rule.rollout.name if rule.rollout is not None and rule.rollout.arm == name else ""
    return routed(rule, target, exposures=chosen.exposures, unit_ref=chosen.unit_ref, rollout=rollout)


def own_buckets(run: CallRun, decision: Decision) -> tuple[Bucket, ...]:
    """What the arm takes by itself: what it has in common with the chosen one is taken already."""
    common = {place_of(bucket) for bucket in run.decision.buckets} if run.decision is not None else set()
    return tuple([bucket for bucket in decision.buckets if place_of(bucket) not in common])


def place_of(bucket: Bucket) -> tuple[str, str, str]:
    """What makes two buckets the same one."""
    return bucket.kind, bucket.limit, bucket.by


def standby_record(run: CallRun, decision: Decision, buckets: tuple[Bucket, ...], *, decision_id: str = "") -> Record:
    """The record of the arm that `run` goes to now. Whom it exposed and who approved it is in the call's own.

    `decision_id` is a new one where none is given.
    """
    return msgspec.structs.replace(
        record_of(run),
        id=decision_id or new_id(run.received_ms),
        parent=run.id,
        standby=True,
        rule=decision.rule,
        rules=decision.looks,
        obligations=obligations(run, decision),
        buckets=asks(buckets),
        exposures=(),
        hold="",
        decider="",
        hold_decided_ms=0,
        hold_comment="",
        values=None,
    )
