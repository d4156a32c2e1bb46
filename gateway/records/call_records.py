"""What is remembered of a call: its record, and how it ended."""

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.adapters.upstreams import UpstreamRefused
from gateway.callrun import CallRun, elapsed_us, timeout_s
from gateway.clock import clock_ms
from gateway.core import keys
from gateway.core.decide import Decision
from gateway.core.errors import CallEnded
from gateway.core.limits import Bucket
from gateway.core.record import BucketAsk, Obligation, Record, Settlement, Steps, Verdict
from gateway.core.retention import retention_of
from gateway.refusal import Kept
from gateway.rpc.status import code_of

RESERVATION_SLACK_MS: Final = 60_000
"""How long after its deadline an unsettled call counts as in doubt."""


def record_of(run: CallRun) -> Record:
    """The record of a call, from what is known of it by now."""
    decision, call, agent, revision = run.decision, run.call, run.agent, run.revision
    ended, released, target = run.ended, run.released, run.routed.target
    # A held call is made at a time of its worker's clock, which tests own.
    now_ms = clock_ms() if released is None else run.received_ms
    kept = None
    if run.policy is not None and run.policy.retention:
        kept = retention_of(run.policy.retention, "" if call is None else call.category)
    limit_ms = 0
    if ended is None and run.upstream is not None:
        limit_ms = int(1000 * timeout_s(run, run.upstream)) + RESERVATION_SLACK_MS
    return Record(
        id=run.id,
        received_ms=run.received_ms,
        decided_ms=now_ms,
        verdict=Verdict.ALLOW if ended is None else ended.plan.verdict if isinstance(ended, Kept) else Verdict.DENY,
        reason=run.reason,
        message=ended.message if isinstance(ended, CallEnded) else "",
        rule=decision.rule if decision is not None else "",
        citation=decision.citation if decision is not None else "",
        rules=decision.looks if decision is not None else (),
        buckets=asks(decision.buckets) if decision is not None else (),
        tenant=agent.tenant if agent is not None else keys.NOBODY,
        cell=run.cell,
        agent=agent.name if agent is not None else "",
        agent_version=agent.version if agent is not None else "",
        method=run.incoming.method[:256],
        operation=run.policy.contract.operation.value if run.policy is not None else "",
        subject_ref=call.subject_ref if call is not None else "",
        channel=call.channel if call is not None else "",
        asked_channel=run.asked_channel,
        category=call.category if call is not None else "",
        purpose=call.purpose if call is not None else "",
        contact_ref=call.contact_ref if call is not None else "",
        brand=call.brand if call is not None else "",
        campaign=call.campaign if call is not None else "",
        objective=decision.objective if decision is not None else "",
        topics=call.topics if call is not None else (),
        model=call.model[:256] if call is not None else "",
        version=_version(run),
        route=run.route.name,
        arm=run.route.arm,
        upstream=run.route.upstream,
        revision=revision.number if revision is not None else 0,
        revision_sha256=revision.sha256 if revision is not None else "",
        trace_id=run.incoming.trace.trace_id,
        span_id=run.incoming.trace.span_id,
        prompt=target.prompt if target is not None else "",
        connector_version=target.connector_version if target is not None else "",
        unit_ref=_unit_ref(run),
        exposures=run.routed.exposures,
        rollout=run.route.rollout,
        named=call is not None and call.model_version != "" and run.route.version != "",
        inference=call.inference if call is not None else "",
        lineage=call.lineage if call is not None else None,
        parent=run.parent,
        request_bytes=len(run.request),
        expires_ms=now_ms + limit_ms if limit_ms else 0,
        would=decision.would if decision is not None else "",
        hold="" if released is None else released.id,
        decider="" if released is None else released.decider,
        hold_decided_ms=0 if released is None else released.decided_ms,
        hold_comment="" if released is None else released.comment,
        conversation=call.conversation if call is not None else "",
        person=agent.person if agent is not None else "",
        obligations=obligations(run, decision) if decision is not None and decision.redacting else (),
        holdouts=decision.holdouts if decision is not None else (),
        retention=kept.name if kept is not None else "",
        keep_days=kept.days if kept is not None else 0,
        steps=steps_of(run) if run.begun else None,
        took_us=elapsed_us(run),
        values=run.values,
    )


def obligations(run: CallRun, decision: Decision) -> tuple[Obligation, ...]:
    """What the rules that decided take out of the call's messages."""
    known = run.policy.obligations if run.policy is not None else {}
    return tuple([known[rule] for rule in decision.redacting if rule in known])


def steps_of(run: CallRun) -> Steps:
    """How long the steps took that were reached. A step that ended the call has no end of its own."""
    begun, identified, described, known = run.begun, run.identified, run.described, run.known
    return Steps(
        int((begun - run.started) * 1e6),
        int((identified - begun) * 1e6) if identified > begun else 0,
        int((described - identified) * 1e6) if described > identified else 0,
        int((known - described) * 1e6) if known > described else 0,
        int((run.decided - known) * 1e6) if run.decided > known > 0 else 0,
    )


def _unit_ref(run: CallRun) -> str:
    """What the call is assigned by, where that is not its subject."""
    if run.routed.unit_ref or run.call is None or not run.facts.unit:
        return run.routed.unit_ref
    return run.facts.unit if run.facts.unit != run.call.subject_ref else ""


def _version(run: CallRun) -> str:
    """The version that serves the call, or led to it; else the agent's own."""
    led = run.call.lineage if run.call is not None else None
    return run.route.version or (led.version if led is not None else run.agent.version if run.agent is not None else "")


def asks(buckets: Sequence[Bucket]) -> tuple[BucketAsk, ...]:
    """The buckets as a record has them."""
    return tuple(  # by place: names cost as much again, in every call
        [BucketAsk(b.limit, b.kind, b.capacity, b.period_ms, b.mode, b.by, b.citation, b.cost, b.says) for b in buckets]
    )


def status_name(ended: BaseException | None) -> str:
    """Canonical name of the status that the caller gets."""
    if ended is None:
        return "OK"
    if isinstance(ended, CallEnded):
        return code_of(ended.reason).name
    if isinstance(ended, UpstreamRefused):
        return ended.error.code().name
    return "CANCELLED" if isinstance(ended, asyncio.CancelledError | GeneratorExit) else "INTERNAL"


def _slow(run: CallRun, total_us: int) -> bool:
    """Whether a call took longer than its route's objective allows. A stream lasts as long as its ends wish."""
    rule = run.routed.rule
    if rule is None or rule.slow_us == 0 or run.streaming:
        return False
    return total_us > rule.slow_us


def settlement_of(run: CallRun, *, gave_back: bool = False, in_doubt: bool = False) -> Settlement:
    """How an admitted call ended."""
    total_us = elapsed_us(run)
    moved = run.assigned is not None
    return Settlement(
        id=run.id,
        settled_ms=run.received_ms + total_us // 1000,
        status=status_name(run.ended),
        reason=run.reason,
        in_doubt=in_doubt,
        gave_back=gave_back,
        total_us=total_us,
        upstream_us=run.upstream_us,
        overhead_us=max(0, total_us - run.upstream_us),
        admit_us=(admit_us := int((run.admitted - run.decided) * 1e6) if run.admitted else 0),
        settle_us=max(0, total_us - run.upstream_us - int((run.decided - run.started) * 1e6) - admit_us)
        if run.admitted
        else 0,
        costs=run.costs,
        messages_in=run.messages_in,
        messages_out=run.messages_out,
        response_bytes=run.response_bytes,
        served=run.served,
        pinned=run.routed.target.served_as if run.routed.target is not None and run.served else "",
        slow=_slow(run, total_us),
        attempts=() if len(run.attempts) == 1 and run.attempts[0].status == "OK" else tuple(run.attempts),
        arm=run.route.arm if moved else "",
        version=run.route.version if moved else "",
        upstream=run.route.upstream if moved else "",
    )
