"""Decides about a call once more, from what it was decided by: under its own revision, or under another one."""

from typing import Final

import msgspec

from gateway.callrun import CallRun, Incoming
from gateway.considering import AGENT_GONE, considered, described, plainly, pseudonymous
from gateway.copies.saying import Said, said
from gateway.core.call import Agent
from gateway.core.decide import Decision
from gateway.core.errors import CallEnded, Reason
from gateway.core.inputs import First, Inputs
from gateway.core.policy.serving import Route
from gateway.core.record import Record
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.routing import Routed, RouteRule, routed
from gateway.core.texts import language_of
from gateway.deciding import decided
from gateway.records.call_records import record_of
from gateway.upstream.standing_in import own_buckets, standby_record, way_to
from gateway.watching.trace_context import CallTrace

_ASTRAY: Final = RouteRule(name="", document=Route(name="", methods=(), arms=()), arms={})
"""A route that no message goes along with."""
_NO_TRACE: Final = CallTrace("0" * 32, "0" * 16, sampled=False)


class Replayed(msgspec.Struct, frozen=True):
    """What a call came to under a revision."""

    record: Record
    """As it would be written; identifiers, times and traces in it mean nothing."""
    decision: Decision | None
    """`None` where the call ended before it was decided upon."""


class NotKnown(Exception):
    """The revision decides by something that was not read at the time, so nobody can say what it would have said."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        """"facts", "pressure", "progress" or "lineage"."""


def replayed(revision: Revision, inputs: Inputs, *, pseudonym_key: bytes) -> Replayed:
    """Decide about the call under the revision. The same inputs, revision and key always give the same.

    Raises:
        NotKnown: the revision looks at more than was read at the time.
    """
    run = _considered(revision, inputs, pseudonym_key=pseudonym_key)
    if inputs.standby and run.ended is None:
        return _standing_in(run, inputs, pseudonym_key=pseudonym_key)
    return Replayed(record_of(run), run.decision)


def replayed_copy(revision: Revision, inputs: Inputs, arm: str, *, pseudonym_key: bytes) -> Said | None:
    """What the rules say of a copy of the call to this arm; `None` where there is no such way, or no call.

    Raises:
        NotKnown: like `replayed`.
    """
    run = _considered(revision, inputs, pseudonym_key=pseudonym_key)
    served, rule, call = run.decision, run.routed.rule, run.call
    target = rule.arms.get(call.model, {}).get(arm) if rule is not None and call is not None else None
    if served is None or rule is None or target is None or run.ended is not None:
        return None
    way = routed(rule, target).route
    return said(served, decided(run, way, pseudonym_key=pseudonym_key, approved=inputs.approved))


def again(revision: Revision, inputs: Inputs) -> CallRun:
    """The call once more, as it came in."""
    metadata = dict(inputs.metadata)
    language = language_of(metadata.get("accept-language"))
    incoming = Incoming(inputs.method, metadata, _no_deadline, _NO_TRACE, language)
    run = CallRun(incoming, received_ms=inputs.received_ms, decision=inputs.id)
    run.revision, run.request, run.draw = revision, inputs.request, inputs.draw
    run.cell, run.facts, run.asked_channel = inputs.cell, inputs.known, inputs.asked_channel
    run.progress = inputs.progress
    return run


def read(run: CallRun, inputs: Inputs, *, pseudonym_key: bytes) -> None:
    """Fill in who calls and what is asked, as the run's revision takes it: all that deciding needs.

    Raises:
        CallEnded: it ends before it is decided upon.
        NotKnown: the revision looks at more than was read at the time.
    """
    revision = run.revision
    assert revision is not None  # noqa: S101 - `again` has set it
    agent = revision.agent(inputs.agent)
    if agent is None or agent.tenant != inputs.tenant:
        run.agent = Agent(name=inputs.agent, tenant=inputs.tenant)
        raise CallEnded(Reason.AGENT_UNAUTHENTICATED, AGENT_GONE)
    run.agent = agent
    policy = run.policy = revision.methods.get(inputs.method)
    if policy is None:
        raise plainly(Reason.METHOD_UNDESCRIBED, run)
    call = described(run, policy.contract)
    call = pseudonymous(call, agent.tenant, key=pseudonym_key, by_session=policy.routing.by_session)
    if call.inference and revision.lineage.keep_ms:
        if not inputs.lineage_read:
            raise NotKnown("lineage")
        call = msgspec.structs.replace(call, lineage=inputs.lineage)
    run.call = call
    if call.subject and policy.reads_facts and inputs.facts is None and not inputs.unreadable:
        raise NotKnown("facts")
    if call.subject and policy.reads_pressure and not inputs.pressure_read and not inputs.unreadable:
        raise NotKnown("pressure")
    if policy.reads_objective and policy.objectives and not inputs.progress_read:
        raise NotKnown("progress")
    if inputs.first is not None:
        run.first_routed = _first_routed(inputs.first, policy, own=revision.number == inputs.revision)


def _considered(revision: Revision, inputs: Inputs, *, pseudonym_key: bytes) -> CallRun:
    """The call itself, as far as deciding about it goes; `ended` says how it ends where it is not let through."""
    run = again(revision, inputs)
    try:
        read(run, inputs, pseudonym_key=pseudonym_key)
        considered(run, pseudonym_key=pseudonym_key, approved=inputs.approved)
    except CallEnded as ended:
        run.ended = ended
    return run


def _first_routed(first: First, policy: MethodPolicy, *, own: bool) -> Routed:
    """Where a stream went: by what was found then, and by another policy as far as its route of that name goes."""
    rule = next((rule for rule in policy.routes if rule.name == first.route.name), None)
    if own and first.along is not None:
        rule = None if first.along else _ASTRAY
    return Routed(route=first.route, rule=rule, target=first.target, unit_ref=first.unit_ref)


def _standing_in(run: CallRun, inputs: Inputs, *, pseudonym_key: bytes) -> Replayed:
    """What the arm came to that took over; where there is no such way, the call as it was."""
    way = way_to(run, inputs.standby)
    if way is None:
        return Replayed(record_of(run), run.decision)
    decision = decided(run, way.route, pseudonym_key=pseudonym_key, approved=inputs.approved)
    run.routed, run.route = way, way.route
    return Replayed(standby_record(run, decision, own_buckets(run, decision), decision_id=run.id), decision)


def _no_deadline() -> None:
    return None
