"""Keeps what a share of the calls was decided by, sealed, so that they can be decided once more."""

from typing import Final

from gateway.adapters.admission import Admission
from gateway.adapters.sealing import Sealer
from gateway.callrun import CallRun
from gateway.core import keys
from gateway.core.call import UNREADABLE_SUBJECT, Call
from gateway.core.inputs import LARGEST_REQUEST, OWN, First, Inputs, Part, bound_to, packed, sampled
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.progress import Progress
from gateway.core.record import SealedInputs
from gateway.core.revision.compiled import Revision
from gateway.core.routing import Routed, goes_along
from gateway.holds.keeping import KEPT_METADATA


class Recorder:
    """Hands sealed inputs to the store. Without a sealer nothing is kept."""

    def __init__(self, admission: Admission, sealer: Sealer | None) -> None:
        self._admission: Final = admission
        self._sealer: Final = sealer

    def note(self, run: CallRun, part: Part = OWN) -> None:
        """Keep what the call was decided by, if it is among the share that the revision wants. Never waits."""
        if run.revision is None or not run.revision.replay_share:  # all that most calls pay
            return
        decision = part.id or run.id
        if self._sealer is None or run.agent is None or not sampled(decision, run.revision.replay_share):
            return
        unread = run.decision is None and run.policy is not None
        if unread or _mistaken(run, run.revision) or len(run.request) > LARGEST_REQUEST:
            return  # it ended before it was decided upon: malformed, or something could not be read
        inputs = inputs_of(run, part)
        sealed = self._sealer.seal(packed(inputs), bound_to=bound_to(inputs.tenant, inputs.id))
        keep_ms = duration_ms(run.revision.document.replay.keep)
        cell = keys.cell(run.agent.tenant, run.cell)
        ref = run.call.subject_ref if run.call is not None else ""
        said = SealedInputs(inputs.id, run.received_ms, run.received_ms + keep_ms, ref)
        self._admission.note_inputs(cell, said, sealed)


def _mistaken(run: CallRun, revision: Revision) -> bool:
    """Whether it came by a way on which there is no such method, or by one that can be read as several."""
    described = revision.methods.get(run.incoming.method)
    other_way = described is not None and described.contract.http is not run.incoming.http
    return other_way or run.incoming.unclear is not None


def inputs_of(run: CallRun, part: Part) -> Inputs:
    """What a call was decided by, for its own record or another one that it has."""
    assert run.revision is not None and run.agent is not None  # noqa: PT018, S101 - it was decided upon
    policy, call = run.policy, run.call
    read = call is not None and policy is not None and call.subject != "" and policy.reads_facts
    unreadable = run.facts is UNREADABLE_SUBJECT
    found = ((name, run.incoming.metadata.get(name)) for name in KEPT_METADATA)
    return Inputs(
        id=part.id or run.id,
        revision=run.revision.number,
        tenant=run.agent.tenant,
        agent=run.agent.name,
        method=run.incoming.method,
        received_ms=run.received_ms,
        request=run.request,
        metadata=tuple((name, value) for name, value in found if isinstance(value, str)),
        cell=run.cell,
        draw=run.draw,
        facts=run.facts if read and not unreadable else None,
        unreadable=unreadable,
        pressure_read=read and policy is not None and policy.reads_pressure,
        progress=_stood(run),
        progress_read=policy is not None and policy.reads_objective,
        lineage=None if call is None else call.lineage,
        lineage_read=call is not None and call.inference != "" and run.revision.lineage.keep_ms > 0,
        approved=run.approved,
        asked_channel=run.asked_channel,
        first=None if run.first_routed is None else _first(run.first_routed, call),
        standby=part.standby,
        kept=part.kept,
        again=part.again,
    )


def _stood(run: CallRun) -> dict[str, Progress]:
    """How the objectives stood that the call might have served, where anybody looked."""
    if run.policy is None or not run.policy.reads_objective:
        return {}
    names = [rule.name for rule in run.policy.objectives]
    return {name: run.progress[name] for name in names if name in run.progress}


def _first(first: Routed, call: Call | None) -> First:
    along = call is None or goes_along(first, call)
    return First(first.route, first.target, first.unit_ref, along)
