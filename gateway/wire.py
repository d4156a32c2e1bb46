"""Protobuf <-> core values, and nothing else."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from gateway.conclusion import Conclusion
from gateway.conclusion import message as refusal_text
from gateway.core import holds as held
from gateway.core import keys
from gateway.core.call import Lineage
from gateway.core.errors import CallEnded, Reason
from gateway.core.limits import MOST
from gateway.core.record import (
    BucketAsk,
    BucketLook,
    CustomerOutcome,
    Exposure,
    Obligation,
    Outcome,
    Record,
    RuleLook,
    Settlement,
    Verdict,
    citation_of,
    consent_of,
)
from gateway.rpc.times import duration, timestamp
from gateway.wire_attempts import attempts, attempts_in
from gateway.wire_steps import steps, steps_in
from pilote.decision.v1 import decision_pb2, decision_service_pb2
from pilote.governance.v1 import annotations_pb2


def decision(
    record: Record, outcome: Outcome, *, settlement: Settlement | None, conclusion: Conclusion
) -> decision_pb2.Decision:
    """The decision as its contract has it; without `settlement` while the call runs, or after a refusal."""
    message = decision_pb2.Decision(
        name=_name(record.id),
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
        inference=_name(record.inference),
        parent=_name(record.parent),
        request_bytes=record.request_bytes,
        repeat_of=_name(outcome.first),
        citation=citation_of(record, outcome),
        hold=_hold_of(record, outcome),
        decider=record.decider,
        hold_decide_time=timestamp(record.hold_decided_ms) if record.hold_decided_ms else None,
        hold_comment=record.hold_comment,
        would=record.would,
        lineage=_lineage(record.lineage),
        brand=record.brand,
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
            other=_name(look.other),
            actual_cost=costs.get(ask.limit) if ask.kind == "budget" else None,
        )


def _lineage(led: Lineage | None) -> decision_pb2.Lineage | None:
    return None if led is None else decision_pb2.Lineage(**msgspec.structs.asdict(led))


def _mode(mode: str) -> decision_pb2.Mode.ValueType:
    known = {"enforce": decision_pb2.MODE_ENFORCE, "monitor": decision_pb2.MODE_MONITOR}
    return known.get(mode, decision_pb2.MODE_UNSPECIFIED)


def _operation(operation: str) -> annotations_pb2.Operation.ValueType:
    return dict(annotations_pb2.Operation.items()).get(f"OPERATION_{operation}", annotations_pb2.OPERATION_UNSPECIFIED)


def hold(kept: held.Hold, response: bytes | None) -> decision_service_pb2.Hold:
    """The hold as its contract has it, for the agent whose call it keeps."""
    return decision_service_pb2.Hold(
        name=held.name(kept.id),
        state=decision_service_pb2.HoldState.Value(f"HOLD_STATE_{kept.state}"),
        decision=_name(kept.id),
        expire_time=timestamp(kept.expires_ms),
        comment=kept.comment,
        method=kept.method,
        create_time=timestamp(kept.created_ms),
        decide_time=timestamp(kept.decided_ms) if kept.decided_ms else None,
        release_time=timestamp(kept.release_ms) if kept.state is held.HoldState.SCHEDULED else None,
        status=kept.status,
        reason=kept.reason,
        result=_name(kept.result),
        response=response,
        suggestion=kept.level == "suggest",
    )


def _hold_of(record: Record, outcome: Outcome) -> str:
    """Name of the hold; a repeat of a held call got the name of the first one's."""
    repeats = record.verdict in (Verdict.HOLD, Verdict.DEFER) and bool(outcome.first)
    found = outcome.first if repeats else record.hold
    return held.name(found) if found else ""


def _name(decision_id: str) -> str:
    return f"decisions/{decision_id}" if decision_id else ""


_OUTCOME_TYPES: Final = frozenset(
    {"delivered", "opened", "clicked", "replied", "converted", "unsubscribed", "complained", "bounced"}
)
MOST_OUTCOMES: Final = 1_000
LATEST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999, where protobuf's timestamps end."""


def outcomes(
    request: decision_service_pb2.ReportOutcomesRequest, *, reporter: str, now_ms: int, traceparent: str = ""
) -> tuple[CustomerOutcome, ...]:
    """What is reported, in that span; an outcome without a time happened now.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming every field that cannot be taken; then none of them is.
    """
    problems = []
    if len(request.outcomes) > MOST_OUTCOMES:
        problems.append(("outcomes", f"at most {MOST_OUTCOMES} are taken at once"))
    for index, outcome in enumerate(request.outcomes[:MOST_OUTCOMES]):
        problems += [(f"outcomes[{index}].{field}", text) for field, text in _outcome_problems(outcome)]
    if problems:
        raise CallEnded(
            Reason.ARGUMENT_INVALID,
            f"{problems[0][0]}: {problems[0][1]}.",
            metadata={"field": problems[0][0]},
            violations=tuple(problems[:100]),
        )
    return tuple(
        CustomerOutcome(
            decision=outcome.decision.removeprefix("decisions/"),
            type=outcome.type,
            occurred_ms=outcome.occur_time.ToMilliseconds() if outcome.HasField("occur_time") else now_ms,
            reported_ms=now_ms,
            reporter=reporter,
            revenue_cents=outcome.revenue_cents,
            currency=outcome.currency_code,
            event=outcome.event_id,
            traceparent=traceparent,
        )
        for outcome in request.outcomes
    )


def _outcome_problems(outcome: decision_service_pb2.Outcome) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(r"decisions/[0-9a-f]{32}", outcome.decision):
        yield "decision", "must be the name of a decision, decisions/ and 32 hexadecimal digits"
    if outcome.type not in _OUTCOME_TYPES:
        yield "type", f"must be one of {', '.join(sorted(_OUTCOME_TYPES))}"
    if not re.fullmatch(r"[!-~]{0,128}", outcome.event_id):
        yield "event_id", "must be at most 128 visible ASCII characters"
    if not 0 <= outcome.occur_time.ToMilliseconds() <= LATEST_MS:
        yield "occur_time", "must be a time from 1970 to 9999"
    if abs(outcome.revenue_cents) > MOST:
        yield "revenue_cents", f"must be at most {MOST}, or at least -{MOST}"
    if outcome.revenue_cents and not re.fullmatch(r"[A-Z]{3}", outcome.currency_code):
        yield "currency_code", "must be three capital letters where there is revenue"


def entries(message: decision_pb2.Decision) -> tuple[Record, Outcome, Settlement | None]:
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
