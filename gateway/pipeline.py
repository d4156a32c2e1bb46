"""The way of one call: identify, describe, route, facts, decide, admit, forward, settle.

Each step is pure or one adapter; this file only puts them in order and remembers how the call ended. Every call leaves
one record: a refusal writes it before the caller hears of it, an admission writes it before the upstream does, and what
happens afterwards is settled in `finally`, whether the call was answered, failed, cancelled or out of time.
"""

import contextlib
import random
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Final

import msgspec

from gateway.adapters.admission import Admission
from gateway.adapters.facts import FactStore
from gateway.adapters.failures import RuleFailures
from gateway.adapters.identity import Identity
from gateway.adapters.lineages import Inferred, Lineages
from gateway.adapters.reservation import reserve
from gateway.adapters.upstreams import InDoubt, UpstreamRefused, Withheld
from gateway.callrun import CallRun
from gateway.considering import AGENT_GONE, considered, described, plainly, pseudonymous
from gateway.copies.shadowing import Shadowing
from gateway.core import keys
from gateway.core.call import UNREADABLE_SUBJECT, Agent, Call, Facts, Operation
from gateway.core.cells import cell_of
from gateway.core.contract import MethodContract
from gateway.core.errors import CallEnded, Reason
from gateway.core.inputs import Part
from gateway.core.limits import bucket_reason
from gateway.core.record import Acted, CustomerOutcome, Outcome, Verdict
from gateway.core.revision.compiled import Revision
from gateway.core.routing import goes_along
from gateway.gathering import Gathering
from gateway.holds.keeping import Keeping
from gateway.messages.describe import describe
from gateway.passing import redacted_reply
from gateway.progressing import ProgressBook, tenants_of
from gateway.records.call_records import record_of, settlement_of
from gateway.records.recording import Recorder
from gateway.records.recording_values import Values
from gateway.refusal import Kept
from gateway.remembering import Remembering
from gateway.taking import Taking
from gateway.upstream.fallback import Fallbacks, Way
from gateway.upstream.forwarding import Forwarding
from gateway.upstream.guards import monotonic_ms
from gateway.upstream.kinds import UpstreamKinds
from gateway.upstream.making import Tried

_random: Final = random.Random()  # noqa: S311 - calls without a subject are spread over the arms with it
HOUR_MS: Final = 3_600_000


Fits = Callable[[CallRun], bool]
"""Whether a call that was decided about can go the way it would; asked before it takes anything."""


class HandedOver(Exception):
    """The call goes another way, and is decided about there: nothing was taken, and nothing is recorded."""


def _fit(_run: CallRun) -> bool:
    return True


class Pipeline:
    """Takes calls through the steps under the active revision."""

    def __init__(
        self,
        *,
        identity: Identity,
        facts: FactStore,
        admission: Admission,
        upstreams: UpstreamKinds,
        failures: RuleFailures,
        gathering: Gathering,
        keeping: Keeping,
        lineages: Lineages,
        shadowing: Shadowing,
        recorder: Recorder,
        values: Values,
        progress: ProgressBook,
        pseudonym_key: bytes,
        clock: Callable[[], int] = monotonic_ms,
    ) -> None:
        self._shadowing = shadowing
        self._recorder = recorder
        self._values = values
        self.progress: Final = progress
        self._keeping = keeping
        self._failures = failures
        self._gathering = gathering
        self._identity = identity
        self._facts = facts
        self._admission = admission
        self._pseudonym_key = pseudonym_key
        self._remembering = Remembering(lineages, facts, pseudonym_key=pseudonym_key)
        self._taking = Taking(admission, keeping, consider=self._consider, anew=self._anew)
        self._fallbacks = Fallbacks(admission, failures, note=recorder.note, pseudonym_key=pseudonym_key)
        self.forwarding: Final = Forwarding(upstreams, self._fallbacks, clock=clock)
        self.revision: Revision | None = None
        self.draining = False
        """Whether new calls are refused, because this process is about to stop. Running streams go on."""

    async def use(self, revision: Revision) -> None:
        """Answer by this revision from the next call on; running calls end under the one they began with."""
        await self._admission.prepare(revision.all_cells)
        self._identity.use(revision)
        self.forwarding.use(revision)
        self._facts.listen(revision.all_cells)
        await self.progress.look(tenants_of(revision))
        self.revision = revision

    async def admit(self, run: CallRun, request: bytes, *, fits: Fits = _fit) -> None:
        """Steps 1 to 6. Returns when the call may be forwarded, or holds the first call's answer if it is a repeat.

        Raises:
            CallEnded: refused. The record is written by then.
            HandedOver: it would have been admitted or kept, but does not fit.
        """
        run.request = request
        try:
            if self.draining and not run.parent:
                run.agent = self._who(run, self.revision)
                raise CallEnded(Reason.DRAINING, "This process is about to stop; retry.")
            # A stream's messages come one after the other: each would wait for itself only.
            if not run.parent and self._gathering.busy:
                await self._gathering.turn(self._caller(run))
            await self._admit(run, fits)
        except HandedOver:
            raise
        except CallEnded as ended:
            run.ended = ended
            if run.outcome is None:
                await self._admission.write(record_of(run), beside=run.beside)
            raise
        except BaseException as ended:  # cancelled, or a mistake of ours
            run.ended = ended
            if run.outcome is None:
                self._admission.write_soon(record_of(run), beside=run.beside)
            raise

    async def _admit(self, run: CallRun, fits: Fits) -> None:
        try:
            await self._consider(run, fits)
        except Kept as kept:
            if run.released is not None:  # who makes held calls knows what to do with one that must wait on
                raise
            if run.call is not None and run.call.request_id and run.repeatable:
                await self._taking.bind(run)
            if run.call is not None and run.call.lineage is not None:  # it must still be known when the call is made
                inferred = Inferred(run.call.lineage, run.led_by)
                await self._remembering.note(run, run.call.inference, inferred, keep_ms=kept.plan.kept_ms + HOUR_MS)
            await self._keeping.keep(run, kept.plan)
            return
        except CallEnded as ended:
            if ended.reason is Reason.AUTONOMY_OBSERVE:
                await self._observe(run, ended)
            raise
        await self._taking.take(run)

    async def _observe(self, run: CallRun, ended: CallEnded) -> None:
        """Look at what the buckets would have said too, and record all of it."""
        assert run.decision is not None  # noqa: S101 - a decision led here
        run.ended = ended
        record, would = record_of(run), run.decision.would
        if would == "OK":
            buckets = run.decision.buckets
            looked, _ = await self._admission.admit(reserve(record, buckets), record, only_look=True)
            if not looked.granted:
                would = looked.reason or bucket_reason(buckets[looked.refused].kind)
        run.outcome = Outcome(granted=False)
        await self._admission.write(msgspec.structs.replace(record, would=would), beside=run.beside)

    async def _consider(self, run: CallRun, fits: Fits = _fit) -> None:
        """Steps 1 to 5 of a call that is to be made: rules that fail meanwhile are noted, whatever comes of it."""
        fit = True
        try:
            await self.consider(run, run.request)
            fit = fits(run)
        except Kept:
            if fits(run):
                raise
            fit = False
        finally:
            if fit:
                self._note_failures(run)
                self._recorder.note(run)
                self._values.note(run)
        if not fit:
            raise HandedOver

    def _anew(self, run: CallRun) -> None:
        """Keep the same with a call that has become another decision, but is decided about as it was."""
        self._recorder.note(run, Part(again=True))
        self._values.note(run)

    def _note_failures(self, run: CallRun) -> None:
        decision, agent, revision = run.decision, run.agent, run.revision
        if decision is not None and decision.failing and agent is not None and revision is not None:
            self._failures.note(
                agent.tenant, decision.looks, revision=revision.number, decision=run.id, at_ms=run.received_ms
            )

    def never_came(self, run: CallRun, ended: BaseException) -> None:
        """Record a call that ended before its message had come. Never waits."""
        run.ended, run.revision = ended, self.revision
        run.policy = None if run.revision is None else run.revision.methods.get(run.incoming.method)
        with contextlib.suppress(CallEnded):
            run.agent = self._identity.identify(run.incoming.metadata)
        self._admission.write_soon(record_of(run))

    async def consider(self, run: CallRun, request: bytes) -> None:
        """Steps 1 to 5: everything that changes nothing. Raises like `admit`, but records nothing."""
        run.request = request
        revision = run.revision = self.revision
        run.begun = perf_counter()
        run.agent = self._who(run, revision)
        run.identified = perf_counter()
        if revision is None:
            raise CallEnded(Reason.REVISION_MISSING, "No policy is active, so every call is refused.")
        before, run.policy = run.policy, revision.methods.get(run.incoming.method)
        if run.incoming.unclear is not None:
            raise run.incoming.unclear
        if run.policy is None or run.policy.contract.http is not run.incoming.http:
            run.policy = None
            raise plainly(Reason.METHOD_UNDESCRIBED, run)
        call = _described(run, run.policy.contract, before=None if before is None else before.contract)
        by_session = run.policy.routing.by_session
        call = pseudonymous(call, run.agent.tenant, key=self._pseudonym_key, by_session=by_session)
        run.described = perf_counter()
        if call.inference and revision.lineage.keep_ms:
            call = msgspec.structs.replace(call, lineage=await self._remembering.led(run, call.inference, run.policy))
        run.call = call
        cells = revision.cells.get(run.agent.tenant) if revision.cells else None
        if cells is not None:
            run.cell = _cell(run, cells)
        if call.subject and run.policy.reads_facts:
            run.facts = await self._facts_of(run, call.subject_ref)
        if run.policy.reads_objective:
            run.progress = self.progress.of(run.agent.tenant)
        run.draw = _random.random()
        run.known = perf_counter()
        try:
            considered(run, pseudonym_key=self._pseudonym_key, approved=run.approved)
        finally:
            run.decided = perf_counter()

    def _caller(self, run: CallRun) -> str:
        """In whose line a call waits, as far as that is known without verifying anything; strangers share one."""
        return run.incoming.agent or self._identity.known(run.incoming.metadata)

    def _who(self, run: CallRun, revision: Revision | None) -> Agent:
        """Step 1: who calls."""
        if run.released is not None:
            return _named(run)
        if run.incoming.agent is not None and revision is not None:
            if run.incoming.unclear is not None:  # then it says not whose call it is either
                raise run.incoming.unclear
            return _vouched_for(run.incoming.agent, revision)
        return self._identity.identify(run.incoming.metadata)

    async def _facts_of(self, run: CallRun, ref: str) -> Facts:
        """Step 4: what is known of the subject, by the revision that decides: another may become active meanwhile."""
        assert run.agent is not None and run.revision is not None and run.policy is not None  # noqa: PT018, S101
        cell, score = keys.cell(run.agent.tenant, run.cell), run.revision.score
        try:
            facts = await self._facts.get(cell, ref)
            if run.policy.reads_pressure and score is not None:
                half_life_ms, now_ms = score.half_life_ms, run.received_ms
                pressure = await self._facts.pressure(cell, ref, half_life_ms=half_life_ms, now_ms=now_ms)
                facts = msgspec.structs.replace(facts, pressure=pressure)
        except CallEnded as ended:
            if ended.reason is Reason.STORE_UNAVAILABLE and run.policy.survives:
                return UNREADABLE_SUBJECT  # rules that need facts fail, and so count as their on_error
            raise
        return facts

    def identify(self, metadata: Mapping[str, str | bytes]) -> Agent:
        """Who asks.

        Raises:
            CallEnded: AGENT_UNAUTHENTICATED.
        """
        return self._identity.identify(metadata)

    async def report(self, tenant: str, outcome: CustomerOutcome) -> bool:
        """Keep what a customer did after a contact; says whether it was new.

        Raises:
            CallEnded: STORE_UNAVAILABLE.
        """
        return await self._admission.report(self.cells_of(tenant), outcome)

    def cells_of(self, tenant: str) -> tuple[keys.Cell, ...]:
        """All cells of a tenant, by the active policy."""
        return (keys.cell(tenant),) if self.revision is None else self.revision.cells_of(tenant)

    async def evaluate(self, run: CallRun, request: bytes) -> Outcome:
        """What `admit` would come to, with every bucket looked at and none taken; nothing is recorded.

        Raises:
            CallEnded: AGENT_UNAUTHENTICATED, REVISION_MISSING or STORE_UNAVAILABLE; other refusals are in `run.ended`.
        """
        try:
            await self.consider(run, request)
        except CallEnded as ended:
            if run.agent is None or ended.reason is Reason.STORE_UNAVAILABLE:
                raise
            run.ended = ended
        if run.ended is not None or run.decision is None:
            return Outcome(granted=False)
        record = record_of(run)
        reservation = reserve(record, run.decision.buckets)
        outcome, _ = await self._admission.admit(reservation, record, only_look=True)
        return outcome

    def ways(self, run: CallRun) -> tuple[Way, ...]:
        """Where a call that was evaluated would go, in which order; nowhere where it is refused."""
        if run.ended is not None or run.decision is None or run.decision.verdict is not Verdict.ALLOW:
            return ()
        return self._fallbacks.ways(run)

    async def call(self, run: CallRun, request: bytes, *, tried: Tried | None = None) -> bytes:
        """All steps of a unary call; `tried`: it was admitted here, and elsewhere tried once, in vain.

        Raises:
            CallEnded: refused, or the upstream failed.
            UpstreamRefused: the upstream said no, in its own words.
        """
        response, reply = b"", None
        try:
            if tried is None:
                await self.admit(run, request)
            if run.answer is None:
                response = reply = await self.forward(run, tried=tried)
                await self._remembering.answered(run, response)
            else:
                response = run.answer
            response = redacted_reply(run, response)  # a kept answer too: rules change
            run.response_bytes = len(response)
        except BaseException as ended:
            run.ended, response = ended, b""
            raise
        else:
            return response
        finally:
            self.settle(run, answer=response)
            self.copy(run, reply)

    def copy(self, run: CallRun, reply: bytes | None) -> None:
        """Copy a call to other arms, as its route says, now that it was answered. Never waits.

        `reply` is what the upstream said, before anything was redacted; `None` where it gave none.
        """
        rule = run.routed.rule
        if rule is not None and rule.copies and (reply is not None or isinstance(run.ended, UpstreamRefused)):
            self._shadowing.offer(run, reply or b"", draw=_random.random())

    async def answered(self, run: CallRun, response: bytes = b"") -> None:
        """Keep what later calls depend on, now that the upstream has answered."""
        await self._remembering.answered(run, response)

    async def forward(self, run: CallRun, *, tried: Tried | None = None) -> bytes:
        """Step 7: ask the upstream, with what is left of the caller's deadline."""
        return await self.forwarding.unary(run, tried=tried)

    async def admit_further(self, run: CallRun, request: bytes, *, first: CallRun) -> bool:
        """Admit a further message of a stream, if it names a subject; says whether it does.

        One that asks for another model or version than serves the stream is refused.

        Raises:
            CallEnded: refused. The record is written by then.
        """
        assert first.policy is not None  # noqa: S101 - the stream was admitted
        run.policy, run.route, run.routed, run.first_routed = first.policy, first.route, first.routed, first.routed
        run.upstream = first.upstream
        try:
            run.call = describe(first.policy.contract, request, metadata=run.incoming.metadata)
        except CallEnded:
            await self.admit(run, request)  # ends the same way, and leaves the record
        if run.call is not None and (run.call.subject or not goes_along(first.routed, run.call)):
            await self.admit(run, request)
            return True
        run.request = request
        return False

    def settle(self, run: CallRun, *, answer: bytes = b"") -> None:
        """Step 8: confirm or give back, however the call ended. Never waits."""
        if run.reservation is None or run.outcome is None:
            return
        acted = run.acted or _acted(run.ended)
        in_doubt = acted is Acted.MAYBE and not run.harmless
        gave_back = acted is not Acted.YES and not in_doubt and not _may_have_worked(run, acted)
        reservation = run.reservation
        if run.outcome.first:  # a repeat took nothing, and must leave the first call's answer alone
            gave_back = False
            reservation = msgspec.structs.replace(reservation, request_key="")
        settlement = settlement_of(run, gave_back=gave_back, in_doubt=in_doubt)
        kept = answer if run.ended is None else None  # what the caller has not had, no repeat of it can be given
        if kept and reservation.request_key and run.released is None:  # that of a held call is sealed by now
            kept = self._keeping.sealed(run, kept)
        self._admission.settle(reservation, settlement, answer=kept, told=run.told)
        self._fallbacks.settle(run, settlement)


def _described(run: CallRun, contract: MethodContract, *, before: MethodContract | None) -> Call:
    """The call, by the contract of the revision that decides.

    A stream's further message was described already, to see whether it names a subject, and so was a contact that goes
    another way. By what another revision's contract has made of the request, this one's can take nothing out of it.
    """
    if run.call is not None and contract is before:
        return run.call
    return described(run, contract)


def _cell(run: CallRun, cells: int) -> int:
    """The cell of a call of a tenant that has so many."""
    assert run.call is not None and run.agent is not None  # noqa: PT018, S101
    if run.call.subject_ref:
        return cell_of(cells, run.call.subject_ref)
    if run.released is not None:  # with what it was kept with
        return run.released.cell
    if run.call.request_id:  # a repeat must find the first call
        return cell_of(cells, run.agent.name, run.call.request_id)
    return cell_of(cells, run.id)


def _named(run: CallRun) -> Agent:
    """The agent of a held call, as the active revision has it: its credential is not kept.

    Raises:
        CallEnded: AGENT_UNAUTHENTICATED when the revision does not know it any more.
    """
    assert run.released is not None  # noqa: S101 - only held calls come here
    person = run.released.person
    run.agent = Agent(
        name=run.released.agent, tenant=run.released.tenant, person=person
    )  # so that its record is among its tenant's
    known = None if run.revision is None else run.revision.agent(run.released.agent)
    if run.revision is not None and (known is None or known.tenant != run.released.tenant):
        raise CallEnded(Reason.AGENT_UNAUTHENTICATED, AGENT_GONE)
    return run.agent if known is None else msgspec.structs.replace(known, person=person) if person else known


def _vouched_for(name: str, revision: Revision) -> Agent:
    """The agent that Envoy names.

    Raises:
        CallEnded: AGENT_UNAUTHENTICATED where the revision does not know it.
    """
    known = revision.agent(name)
    if known is None:
        text = "The descriptor names no agent of the active policy: let Envoy send an agent's name."
        raise CallEnded(Reason.AGENT_UNAUTHENTICATED, text, metadata={"problem": "AGENT_UNKNOWN"})
    return known


def _may_have_worked(run: CallRun, acted: Acted) -> bool:
    """Whether a model may have worked for nothing: it has changed nothing, but somebody pays for it."""
    if run.policy is None or run.policy.contract.operation is not Operation.INFER:
        return False
    late = isinstance(run.ended, CallEnded) and run.ended.reason is Reason.DEADLINE_EXCEEDED
    return late or acted is Acted.MAYBE


def _acted(ended: BaseException | None) -> Acted:
    """Whether the upstream has acted, judged by how an admitted call ended."""
    if ended is None or isinstance(ended, Withheld):
        return Acted.YES
    untouched = isinstance(ended, UpstreamRefused) or (isinstance(ended, CallEnded) and not isinstance(ended, InDoubt))
    return Acted.NO if untouched else Acted.MAYBE
