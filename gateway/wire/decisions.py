"""Decisions as protobuf."""

from collections.abc import Iterator

import msgspec

from gateway.core import holds as held
from gateway.core import keys
from gateway.core.call import Lineage
from gateway.core.record import (
    BucketAsk,
    Outcome,
    Record,
    RuleLook,
    Settlement,
    Verdict,
    citation_of,
    consent_of,
)
from gateway.records.conclusion import Conclusion
from gateway.records.conclusion import message as refusal_text
from gateway.rpc.times import duration, timestamp
from gateway.wire.attempts import attempts
from gateway.wire.names import decision_name
from gateway.wire.steps import steps
from pilote.decision.v1 import decision_pb2
from pilote.governance.v1 import annotations_pb2


def decision_message(
    record: Record, outcome: Outcome, *, settlement: Settlement | None, conclusion: Conclusion
) -> decision_pb2.Decision:
    """The decision as its contract has it; without `settlement` while the call runs, or after a refusal."""
    message = decision_pb2.Decision(
        name=decision_name(record.id),
        tenant="" if record.tenant == keys.NOBODY else record.tenant,
        agent=record.agent,
        agent_version=record.agent_version,
        method=record.method,
        operation=_operation(record.operation),
        subject_ref=record.subject_ref,
        channel=record.channel,
        category=record.category,
        model=record.model,
        model_version=record.version,
        route=record.route,
        arm=record.arm,
        upstream=record.upstream,
        revision=record.revision,
        revision_sha256=record.revision_sha256,
        message=refusal_text(record, outcome),
        rules=[_rule_look(look) for look in record.rules],
        limits=_limit_looks(record.buckets, outcome, settlement),
        trace_id=record.trace_id,
        span_id=record.span_id,
        receive_time=timestamp(record.received_ms),
        decide_time=timestamp(record.decided_ms),
        inference=decision_name(record.inference),
        parent=decision_name(record.parent),
        request_bytes=record.request_bytes,
        repeat_of=decision_name(outcome.first),
        citation=citation_of(record, outcome),
        hold=_hold_of(record, outcome),
        decider=record.decider,
        hold_decide_time=timestamp(record.hold_decided_ms) if record.hold_decided_ms else None,
        hold_comment=record.hold_comment,
        would=record.would,
        lineage=_lineage(record.lineage),
        brand=record.brand,
        campaign=record.campaign,
        objective=record.objective,
        purpose=record.purpose,
        contact_ref=record.contact_ref,
        asked_channel=record.asked_channel,
        topics=record.topics,
        exposures=[
            decision_pb2.Exposure(experiment=each.experiment, variation=each.variation, unit_ref=each.unit)
            for each in record.exposures
        ],
        rollout=record.rollout,
        prompt=record.prompt,
        connector_version=record.connector_version,
        unit_ref=record.unit_ref,
        standby=record.standby,
        conversation=record.conversation,
        person_ref=record.person,
        legal_basis=consent.basis if (consent := consent_of(record)) is not None else "",
        obligations=[decision_pb2.Obligation(**msgspec.structs.asdict(each)) for each in record.obligations],
        holdouts=record.holdouts,
        retention_class=record.retention,
        retention_days=record.keep_days,
        steps=steps(record.steps, settlement),
        decide_duration=duration(record.took_us) if record.took_us else None,
        costs={} if settlement is None else settlement.costs,
        values_state=decision_pb2.VALUES_STATE_UNSPECIFIED
        if record.values is None
        else decision_pb2.VALUES_STATE_SEALED,
    )
    _add_conclusion(message, conclusion)
    if settlement is not None:
        _add_settlement(message, settlement)
    return message


def _add_conclusion(message: decision_pb2.Decision, conclusion: Conclusion) -> None:
    message.verdict = decision_pb2.Verdict.Value(f"VERDICT_{conclusion.verdict}")
    message.state = decision_pb2.DecisionState.Value(f"DECISION_STATE_{conclusion.state}")
    message.reason = conclusion.reason
    message.rule = conclusion.rule
    message.status = conclusion.status
    if conclusion.settled_ms is not None:
        message.settle_time.CopyFrom(timestamp(conclusion.settled_ms))


def _add_settlement(message: decision_pb2.Decision, settlement: Settlement) -> None:
    message.total_duration.CopyFrom(duration(settlement.total_us))
    message.upstream_duration.CopyFrom(duration(settlement.upstream_us))
    message.overhead_duration.CopyFrom(duration(settlement.overhead_us))
    message.gave_back = settlement.gave_back
    message.response_bytes = settlement.response_bytes
    message.slow = settlement.slow
    message.answered_version = settlement.served
    message.pinned_version = settlement.pinned
    message.attempts.extend(attempts(settlement.attempts))
    message.served_arm = settlement.arm
    message.served_version = settlement.version
    message.served_upstream = settlement.upstream


def _rule_look(look: RuleLook) -> decision_pb2.RuleLook:
    return decision_pb2.RuleLook(
        rule=look.rule,
        effect=look.effect,
        mode=_mode(look.mode),
        error=look.error,
        standing=look.standing,
        since_time=timestamp(look.since_ms) if look.since_ms else None,
        until_time=timestamp(look.until_ms) if look.until_ms > 0 else None,
        never_opens=look.until_ms < 0,
        legal_basis=look.basis,
        consent_purpose=look.purpose,
        consent_proof=look.proof,
    )


def _limit_looks(
    asked: tuple[BucketAsk, ...], outcome: Outcome, settlement: Settlement | None
) -> Iterator[decision_pb2.LimitLook]:
    costs = {} if settlement is None else settlement.costs
    # Admission may stop before it has looked at all buckets that were asked for.
    for ask, look in zip(asked, outcome.looks, strict=False):
        yield decision_pb2.LimitLook(
            limit=ask.limit,
            kind=ask.kind,
            by=ask.by,
            used=look.used,
            capacity=ask.capacity,
            period=duration(ask.period_ms * 1_000),
            wait=duration(look.wait_ms * 1_000) if look.wait_ms > 0 else None,
            mode=_mode(ask.mode),
            cost=ask.cost,
            other=decision_name(look.other),
            actual_cost=costs.get(ask.limit) if ask.kind == "budget" else None,
        )


def _lineage(led: Lineage | None) -> decision_pb2.Lineage | None:
    return None if led is None else decision_pb2.Lineage(**msgspec.structs.asdict(led))


def _mode(mode: str) -> decision_pb2.Mode.ValueType:
    known = {"enforce": decision_pb2.MODE_ENFORCE, "monitor": decision_pb2.MODE_MONITOR}
    return known.get(mode, decision_pb2.MODE_UNSPECIFIED)


def _operation(operation: str) -> annotations_pb2.Operation.ValueType:
    return dict(annotations_pb2.Operation.items()).get(f"OPERATION_{operation}", annotations_pb2.OPERATION_UNSPECIFIED)


def _hold_of(record: Record, outcome: Outcome) -> str:
    """Name of the hold; a repeat of a held call got the name of the first one's."""
    repeats = record.verdict in (Verdict.HOLD, Verdict.DEFER) and bool(outcome.first)
    found = outcome.first if repeats else record.hold
    return held.name(found) if found else ""
