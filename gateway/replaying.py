"""Decides about a call once more, from what it was decided by: under its own revision, or under another one."""

from typing import Final

import msgspec

from gateway.call_records import record_of
from gateway.callrun import CallRun, Incoming
from gateway.considering import AGENT_GONE, considered, plainly, pseudonymous
from gateway.core.call import Agent
from gateway.core.decide import Decision
from gateway.core.errors import CallEnded, Reason
from gateway.core.inputs import Inputs
from gateway.core.record import Record
from gateway.core.revision.compiled import Revision
from gateway.core.routing import Routed
from gateway.core.texts import language_of
from gateway.describe import describe
from gateway.watching.trace_context import CallTrace

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
        """"facts", "pressure" or "lineage"."""


def replayed(revision: Revision, inputs: Inputs, *, pseudonym_key: bytes) -> Replayed:
    """Decide about the call under the revision. The same inputs, revision and key always give the same.

    Raises:
        NotKnown: the revision looks at more than was read at the time.
    """
    run = again(revision, inputs)
    try:
        read(run, inputs, pseudonym_key=pseudonym_key)
        considered(run, pseudonym_key=pseudonym_key, approved=inputs.approved)
    except CallEnded as ended:
        run.ended = ended
    return Replayed(record_of(run), run.decision)


def again(revision: Revision, inputs: Inputs) -> CallRun:
    """The call once more, as it came in."""
    metadata = dict(inputs.metadata)
    language = language_of(metadata.get("accept-language"))
    incoming = Incoming(inputs.method, metadata, _no_deadline, _NO_TRACE, language)
    run = CallRun(incoming, received_ms=inputs.received_ms, decision=inputs.id)
    run.revision, run.request, run.draw = revision, inputs.request, inputs.draw
    run.cell, run.facts, run.asked_channel = inputs.cell, inputs.known, inputs.asked_channel
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
    call = describe(policy.contract, inputs.request, metadata=run.incoming.metadata)
    if inputs.asked_channel:  # where the contact went on the channel before was taken out
        call = msgspec.structs.replace(call, contact_point="")
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
    if inputs.first is not None:
        rule = next((rule for rule in policy.routes if rule.name == inputs.first.route.name), None)
        first = inputs.first
        run.first_routed = Routed(route=first.route, rule=rule, target=first.target, unit_ref=first.unit_ref)


def _no_deadline() -> None:
    return None
