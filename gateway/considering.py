"""Steps 3 and 5 of a call once everything is read: where it goes, and what the rules say. The same for a replay."""

from typing import Final

import msgspec

from gateway import refusal
from gateway.callrun import CallRun
from gateway.core.call import Call
from gateway.core.contract import MethodContract
from gateway.core.decide import unrouted
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import Verdict, contact_ref, session_ref, subject_ref
from gateway.core.routing import NOWHERE, route
from gateway.deciding import decided
from gateway.holds.keeping import refused
from gateway.messages.describe import describe

AGENT_GONE: Final = "The agent is not in the active policy any more."


def considered(run: CallRun, *, pseudonym_key: bytes, approved: bool) -> None:
    """Route the call and decide about it, by what `run` holds: revision, policy, agent, call, facts, time and draw.

    Raises:
        CallEnded: refused; `Kept` where it is to be kept.
    """
    if weighed(run, pseudonym_key=pseudonym_key, approved=approved) is not Verdict.ALLOW:
        raise refused(run)
    if run.routed is NOWHERE and not _only_asks(run):  # permission before existence (AIP-193)
        raise plainly(Reason.ROUTE_NOT_FOUND, run)


def _only_asks(run: CallRun) -> bool:
    return run.policy is not None and run.policy.contract.unrouted


def weighed(run: CallRun, *, pseudonym_key: bytes, approved: bool) -> Verdict:
    """The same, without any words: what the rules say of the call is in `run.decision`, and where it goes in `run`."""
    revision, policy, agent, call = run.revision, run.policy, run.agent, run.call
    assert revision is not None and policy is not None and agent is not None and call is not None  # noqa: PT018, S101
    values = unrouted(
        revision,
        policy,
        agent=agent,
        call=call,
        facts=run.facts,
        now_ms=run.received_ms,
        progress=run.progress,
    )
    run.routed = route(
        policy.routing,
        call,
        facts=run.facts,
        values=values,
        now_ms=run.received_ms,
        draw=run.draw,
        first=run.first_routed,
    )
    run.route = run.routed.route
    if run.first_routed is None:  # a stream's further message goes where the stream goes, whatever is active now
        run.upstream = revision.upstreams.get(run.route.upstream)
    run.decision = decided(run, run.route, pseudonym_key=pseudonym_key, approved=approved, values=values)
    return run.decision.verdict


def described(run: CallRun, contract: MethodContract) -> Call:
    """The call as its contract reads the request. Of one on another channel, where it went before is taken out."""
    call = describe(contract, run.request, metadata=run.incoming.metadata)
    return msgspec.structs.replace(call, contact_point="") if run.asked_channel else call


def pseudonymous(call: Call, tenant: str, *, key: bytes, by_session: bool) -> Call:
    """The call with the pseudonyms of whom and what it names; of a session where anything is assigned by it."""
    found = {}
    if call.subject:
        found["subject_ref"] = subject_ref(key, tenant=tenant, subject=call.subject)
    if call.contact_point:
        found["contact_ref"] = contact_ref(key, tenant=tenant, contact_point=call.contact_point)
    if call.session and by_session:
        found["session_ref"] = session_ref(key, tenant=tenant, session=call.session)
    return msgspec.structs.replace(call, **found) if found else call


def plainly(reason: Reason, run: CallRun, *, rule: str = "") -> CallEnded:
    """A refusal in the words of its reason."""
    agent, method = run.agent.name if run.agent is not None else "", run.incoming.method
    return refusal.plain(reason, agent=agent, method=method, rule=rule, language=run.incoming.language)
