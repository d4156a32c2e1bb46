"""What a new policy says of a recorded call before anything is counted, and what came of it then: for backtests."""

import hashlib
from collections.abc import Sequence

from gateway.callrun import CallRun
from gateway.considering import weighed
from gateway.core import keys
from gateway.core.agreeing import LATER
from gateway.core.call import Operation
from gateway.core.errors import CallEnded, Reason
from gateway.core.inputs import Inputs
from gateway.core.record import CustomerOutcome, Exposure, Outcome, Record, Settlement, Verdict
from gateway.core.revision.compiled import Revision
from gateway.core.routing import NOWHERE
from gateway.core.simulating.calls import ALLOWED, Call, Change, End, Follows, Forms, Told
from gateway.holds.keeping import Ending, ending
from gateway.records.conclusion import answered
from gateway.replays.replaying import again, read


def judged(
    revision: Revision,
    inputs: Inputs,
    record: Record,
    outcome: Outcome,
    *,
    settlement: Settlement | None,
    told: Sequence[CustomerOutcome],
    place: int,
    forms: Forms,
    pseudonym_key: bytes,
) -> Call:
    """The call under the new policy. `place` is its place in the order of storing; `forms` takes up its buckets.

    Raises:
        NotKnown: the policy looks at more than was read at the time.
    """
    run = again(revision, inputs)
    rules, rules_by = _said(run, inputs, pseudonym_key)
    was, was_reason, was_rule = answered(record, outcome)
    key = _key(run)
    decision = run.decision
    follows: Follows = ""
    if record.parent:
        follows = "hold" if record.hold else "channel" if record.asked_channel else "message"
    return Call(
        id=record.id,
        at_ms=record.decided_ms,
        place=place,
        cell=keys.cell(record.tenant, record.cell),
        agent=record.agent,
        method=record.method,
        subject=record.subject_ref,
        contact=record.operation == Operation.CONTACT,
        was=was.value,
        was_by="" if was is Verdict.ALLOW else f"{was_reason} {was_rule}".strip(),
        rules=rules,
        rules_by=rules_by,
        fixed=_fixed(record, outcome, inputs),
        buckets=() if decision is None or rules != ALLOWED else tuple(map(forms.asked, decision.buckets)),
        expires_ms=record.expires_ms,
        first=outcome.first,
        key=key,
        hash=_hash(inputs) if key else "",
        follows=follows,
        parent=record.parent,
        end=None if settlement is None else _end(settlement),
        told=tuple([Told(each.type, each.reported_ms, each.revenue_cents, each.currency) for each in told]),
        variations=tuple([f"{each.experiment}={each.variation}" for each in run.routed.exposures]),
        changes=_changes(record, run) if was is Verdict.ALLOW and rules == ALLOWED else (),
        version=record.version,
    )


def _said(run: CallRun, inputs: Inputs, pseudonym_key: bytes) -> tuple[str, str]:
    """The verdict of the rules, and for which reason and by which rule: as for a caller, less the words."""
    try:
        read(run, inputs, pseudonym_key=pseudonym_key)
        verdict = weighed(run, pseudonym_key=pseudonym_key, approved=inputs.approved)
    except CallEnded as ended:
        return Verdict.DENY.value, ended.reason.value
    rule = "" if run.decision is None else run.decision.rule
    if verdict is Verdict.ALLOW and run.routed is not NOWHERE:
        return ALLOWED, ""
    end = Ending(Reason.ROUTE_NOT_FOUND) if verdict is Verdict.ALLOW else ending(run)
    if end.plan is not None:
        return end.plan.verdict.value, f"{end.reason} {end.plan.rule}".strip()
    return Verdict.DENY.value, f"{end.reason} {rule}".strip()


def _fixed(record: Record, outcome: Outcome, inputs: Inputs) -> bool:
    """Whether something else than the policy ended it, which would have done so under any policy."""
    if outcome.reason:
        return True
    return record.verdict is Verdict.DENY and record.reason in LATER and not inputs.unreadable


def _key(run: CallRun) -> str:
    if run.agent is None or run.call is None or not run.call.request_id or not run.repeatable:
        return ""
    return f"{run.agent.name}:{run.call.request_id}"


def _hash(inputs: Inputs) -> str:
    return hashlib.sha256(inputs.method.encode() + inputs.request).hexdigest()


def _end(settlement: Settlement) -> End:
    return End(settlement.settled_ms, settlement.gave_back, settlement.in_doubt, settlement.costs)


def _changes(record: Record, run: CallRun) -> tuple[Change, ...]:
    """How a call that goes through on both sides would have gone otherwise."""
    redacted = ", ".join([look.rule for look in record.rules if look.effect == "redact" and look.mode == "enforce"])
    redacting = "" if run.decision is None else ", ".join(run.decision.redacting)
    found = []
    if (record.route, record.arm) != (run.route.name, run.route.arm):
        found.append(Change("arm", f"{record.route}/{record.arm}", f"{run.route.name}/{run.route.arm}"))
    if run.route.version and record.version != run.route.version:
        found.append(Change("version", record.version, run.route.version))
    if redacted != redacting:
        found.append(Change("redactions", redacted, redacting))
    if record.exposures != run.routed.exposures:
        found.append(Change("variations", _named(record.exposures), _named(run.routed.exposures)))
    return tuple(found)


def _named(exposures: Sequence[Exposure]) -> str:
    return ", ".join(f"{each.experiment}={each.variation}" for each in exposures)
