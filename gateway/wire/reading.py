"""Decisions from protobuf, for those who got them over the wire."""

from gateway.core.call import Lineage
from gateway.core.errors import Reason
from gateway.core.record import (
    BucketAsk,
    BucketLook,
    Exposure,
    Obligation,
    Outcome,
    Record,
    RuleLook,
    Settlement,
    Verdict,
)
from gateway.wire.attempts import attempts_in
from gateway.wire.steps import steps_in
from pilote.decision.v1 import decision_pb2
from pilote.governance.v1 import annotations_pb2


def entries_in(message: decision_pb2.Decision) -> tuple[Record, Outcome, Settlement | None]:
    """The decision's parts again, for those who got it over the wire."""
    limits = tuple(message.limits)
    refused = next((i for i, limit in enumerate(limits) if limit.limit == message.rule), -1)
    denied = message.verdict != decision_pb2.VERDICT_ALLOW
    record = Record(
        id=message.name.removeprefix("decisions/"),
        received_ms=message.receive_time.ToMilliseconds(),
        decided_ms=message.decide_time.ToMilliseconds(),
        verdict=Verdict(decision_pb2.Verdict.Name(message.verdict).removeprefix("VERDICT_")),
        reason=message.reason,
        message=message.message,
        rule=message.rule,
        citation=message.citation,
        rules=tuple(_look_at_rule(look) for look in message.rules),
        buckets=tuple(_bucket_ask(limit) for limit in limits),
        tenant=message.tenant,
        agent=message.agent,
        agent_version=message.agent_version,
        method=message.method,
        operation=annotations_pb2.Operation.Name(message.operation).removeprefix("OPERATION_"),
        subject_ref=message.subject_ref,
        channel=message.channel,
        category=message.category,
        brand=message.brand,
        campaign=message.campaign,
        objective=message.objective,
        purpose=message.purpose,
        contact_ref=message.contact_ref,
        asked_channel=message.asked_channel,
        topics=tuple(message.topics),
        model=message.model,
        version=message.model_version,
        route=message.route,
        arm=message.arm,
        upstream=message.upstream,
        revision=message.revision,
        revision_sha256=message.revision_sha256,
        trace_id=message.trace_id,
        span_id=message.span_id,
        parent=message.parent.removeprefix("decisions/"),
        request_bytes=message.request_bytes,
        hold=message.hold.removeprefix("holds/"),
        decider=message.decider,
        hold_decided_ms=message.hold_decide_time.ToMilliseconds(),
        hold_comment=message.hold_comment,
        would=message.would,
        exposures=tuple(Exposure(each.experiment, each.variation, each.unit_ref) for each in message.exposures),
        rollout=message.rollout,
        prompt=message.prompt,
        connector_version=message.connector_version,
        unit_ref=message.unit_ref,
        standby=message.standby,
        inference=message.inference.removeprefix("decisions/"),
        lineage=_lineage_in(message.lineage) if message.HasField("lineage") else None,
        conversation=message.conversation,
        person=message.person_ref,
        obligations=tuple(
            Obligation(each.rule, each.of, each.sensitivity, tuple(each.fields)) for each in message.obligations
        ),
        holdouts=tuple(message.holdouts),
        retention=message.retention_class,
        keep_days=message.retention_days,
        steps=steps_in(message.steps) if message.HasField("steps") else None,
        took_us=message.decide_duration.ToMicroseconds(),
    )
    outcome = Outcome(
        granted=not denied,
        looks=tuple(_bucket_look(limit) for limit in limits),
        refused=refused if denied else -1,
        reason=message.reason if message.reason == Reason.STOPPED else "",
        stop=message.rule if message.reason == Reason.STOPPED else "",
        first=message.repeat_of.removeprefix("decisions/"),
    )
    return record, outcome, _settlement(message)


def _lineage_in(led: decision_pb2.Lineage) -> Lineage:
    return Lineage(model=led.model, version=led.version, route=led.route, arm=led.arm, prompt=led.prompt)


def _look_at_rule(look: decision_pb2.RuleLook) -> RuleLook:
    return RuleLook(
        rule=look.rule,
        effect=look.effect,
        mode=_mode_name(look.mode),
        error=look.error,
        standing=look.standing,
        since_ms=look.since_time.ToMilliseconds(),
        until_ms=-1 if look.never_opens else look.until_time.ToMilliseconds(),
        basis=look.legal_basis,
        purpose=look.consent_purpose,
        proof=look.consent_proof,
    )


def _bucket_ask(limit: decision_pb2.LimitLook) -> BucketAsk:
    return BucketAsk(
        limit=limit.limit,
        kind=limit.kind,
        capacity=limit.capacity,
        period_ms=limit.period.ToMilliseconds(),
        mode=_mode_name(limit.mode),
        by=limit.by,
        cost=limit.cost,
    )


def _bucket_look(limit: decision_pb2.LimitLook) -> BucketLook:
    wait_ms = limit.wait.ToMilliseconds() if limit.HasField("wait") else 0
    wait_ms = wait_ms if limit.capacity else -1
    return BucketLook(used=limit.used, wait_ms=wait_ms, other=limit.other.removeprefix("decisions/"))


def _mode_name(mode: decision_pb2.Mode.ValueType) -> str:
    return "monitor" if mode == decision_pb2.MODE_MONITOR else "enforce"


def _settlement(message: decision_pb2.Decision) -> Settlement | None:
    if not message.HasField("total_duration"):
        return None
    return Settlement(
        id=message.name.removeprefix("decisions/"),
        settled_ms=message.settle_time.ToMilliseconds(),
        status=message.status,
        in_doubt=message.state == decision_pb2.DECISION_STATE_IN_DOUBT,
        gave_back=message.gave_back,
        total_us=message.total_duration.ToMicroseconds(),
        upstream_us=message.upstream_duration.ToMicroseconds(),
        costs=dict(message.costs),
        overhead_us=message.overhead_duration.ToMicroseconds(),
        admit_us=message.steps.admit.ToMicroseconds(),
        settle_us=message.steps.settle.ToMicroseconds(),
        served=message.answered_version,
        pinned=message.pinned_version,
        slow=message.slow,
        response_bytes=message.response_bytes,
        attempts=attempts_in(message.attempts),
        arm=message.served_arm,
        version=message.served_version,
        upstream=message.served_upstream,
    )
