"""Calls that are not made now but kept: for a person to look at, or until a time."""

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from gateway import refusal
from gateway.adapters.holds import HoldStore, KeptRequest
from gateway.adapters.redis_connection import CommandRefused, StoreDown
from gateway.adapters.reservation import pending_in
from gateway.adapters.sealing import Damaged, KeyMissing
from gateway.callrun import CallRun, hash_of, new_id
from gateway.core import holds, keys
from gateway.core.errors import CallEnded, Reason
from gateway.core.holds import Hold, HoldState
from gateway.core.inputs import Part
from gateway.core.record import Record, Verdict
from gateway.messages.describe import CONVERSATION_HEADER, IDEMPOTENCY_HEADER, INFERENCE_HEADER, SESSION_HEADER
from gateway.records.call_records import record_of
from gateway.refusal import Plan

KEPT_METADATA: Final = (IDEMPOTENCY_HEADER, INFERENCE_HEADER, SESSION_HEADER, CONVERSATION_HEADER, "accept-language")
"""What the call is decided by later. Nothing else is kept: it might be a credential."""


class Keeping:
    """Puts calls away, with their record, in one step of the store.

    `note` keeps what a call was decided by, for a record of it that is not its own.
    """

    def __init__(self, store: HoldStore, *, note: Callable[[CallRun, Part], None]) -> None:
        self.store: Final = store
        self._note: Final = note
        self.unsure: Final[set[tuple[keys.Cell, str]]] = set()
        """(cell, id) of calls that may have been kept although their callers were told that it does not answer."""

    async def keep(self, run: CallRun, plan: Plan) -> None:
        """Keep a call that was decided and not admitted. Returns only where it repeats one that was made since.

        Then that one's answer is in `run`. A refusal that the store has recorded already stays what it was: the hold
        gets a decision of its own then, whose parent is the refused one.

        Raises:
            Kept: it is kept, under the name in the metadata; a repeat gets the name of the first.
            CallEnded: STORE_UNAVAILABLE; or the first call with the same idempotency key ended so.
        """
        assert run.agent is not None and run.call is not None and run.revision is not None  # noqa: PT018, S101
        recorded = run.outcome is not None
        hold_id = new_id(run.received_ms) if recorded else run.id
        request_key = ""
        if run.call.request_id and run.repeatable:
            request_key = keys.idempotency(_cell(run), run.agent.name, run.call.request_id)
        hold = _hold(run, plan, hold_id=hold_id, request_key=request_key)
        as_repeat = record_of(run)
        run.ended = self._kept(run, plan, hold_id)
        record = msgspec.structs.replace(record_of(run), rule=plan.rule, hold=hold_id)
        if recorded:  # its values are bound to the decision before
            record = msgspec.structs.replace(record, id=hold_id, parent=run.id, values=None)
            self._note(run, Part(hold_id, kept=True))
        try:
            outcome, answer = await self.store.keep(
                hold,
                KeptRequest(run.request, _metadata(run)),
                record=record,
                as_repeat=msgspec.structs.replace(
                    as_repeat,
                    id=record.id,
                    parent=record.parent,
                    expires_ms=0,
                    exposures=(),
                    values=record.values,
                ),
                request_hash=hash_of(run) if request_key else "",
                max_open=run.revision.holds_of(run.agent.tenant),
                pending=_pending(run, record, hold_id),
                beside=b"" if recorded else run.beside,
            )
        except (StoreDown, CommandRefused) as error:
            if not request_key:  # with one, the next sending finds what was kept
                self.unsure.add((_cell(run), hold.id))
            text = "The store does not answer, so the call cannot be kept; retry."
            raise CallEnded(Reason.STORE_UNAVAILABLE, text) from error
        run.outcome = outcome
        if outcome.granted:
            run.ended = None
            run.answer = self.answer(run, answer)
            return
        said = {"agent": run.agent.name, "method": run.incoming.method, "language": run.incoming.language}
        if outcome.reason == Reason.LIMIT_EXCEEDED:
            raise refusal.holds_full(run.revision.holds_of(run.agent.tenant), **said)
        if outcome.reason:
            raise refusal.plain(Reason(outcome.reason), rule=outcome.stop, **said)
        raise self._kept(run, plan, outcome.first or hold_id)

    async def hold(self, run: CallRun, *, why: CallEnded, rule: str) -> None:
        """Keep a refused call for a person; `rule` is what refused it, a cap say. Returns like `keep`.

        Raises:
            CallEnded: `why` where the call cannot be kept, a stream for instance; STORE_UNAVAILABLE.
            Kept: the call is kept.
        """
        assert run.revision is not None  # noqa: S101 - the call was decided
        plan = Plan(verdict=Verdict.HOLD, why=why.reason, rule=rule, level="approve", kept_ms=run.revision.hold_ms)
        await self._keep_refused(run, plan, why)

    async def defer(self, run: CallRun, *, wait_ms: int, why: CallEnded, rule: str, max_defer_ms: int) -> None:
        """Keep a refused call for `wait_ms` from now, if it is kept for so long. Returns and raises like `hold`."""
        if wait_ms >= max_defer_ms:
            raise why
        plan = Plan(verdict=Verdict.DEFER, why=why.reason, rule=rule, wait_ms=wait_ms, kept_ms=max_defer_ms)
        await self._keep_refused(run, plan, why)

    async def _keep_refused(self, run: CallRun, plan: Plan, why: CallEnded) -> None:
        # Who makes held calls knows what to do with one that must wait.
        if not run.keepable or run.released is not None:
            raise why
        await self.keep(run, plan)

    async def first(self, run: CallRun) -> CallEnded | None:
        """How a call ends that repeats a held one by its idempotency key, though it would not be held itself.

        `None` where the first call was not held, or has come so far that admission knows what to say.

        Raises:
            CallEnded: STORE_UNAVAILABLE.
        """
        assert run.agent is not None and run.outcome is not None and run.revision is not None  # noqa: PT018, S101
        try:
            hold = await self.store.read(_cell(run), run.outcome.first)
        except (StoreDown, CommandRefused) as error:
            raise CallEnded(Reason.STORE_UNAVAILABLE, "The store of holds does not answer; retry.") from error
        except Damaged:
            return None
        if hold is None or hold.agent != run.agent.name:
            return None
        if hold.state is HoldState.REFUSED:
            said = {"agent": run.agent.name, "method": run.incoming.method, "language": run.incoming.language}
            return refusal.plain(Reason.HOLD_REFUSED, **said)
        if hold.state in holds.OVER and hold.state is not HoldState.ACCEPTED:
            return None
        scheduled = hold.state is HoldState.SCHEDULED
        plan = Plan(
            verdict=Verdict.DEFER if scheduled else Verdict.HOLD,
            why=Reason(hold.why),
            rule=hold.rule,
            wait_ms=max(0, hold.release_ms - run.received_ms) if scheduled else 0,
            kept_ms=hold.expires_ms - run.received_ms,
        )
        return self._kept(run, plan, hold.id)

    def sealed(self, run: CallRun, answer: bytes) -> bytes | None:
        """The answer to a call as it is kept for repeats of it; `None` for one that is too large.

        It may say anything of a customer, and lies in the store for a day.
        """
        assert run.agent is not None  # noqa: S101 - the call was admitted
        if not answer:
            return b""
        return self.store.seal_answer(answer, tenant=run.agent.tenant, agent=run.agent.name, first=run.id) or None

    def answer(self, run: CallRun, kept: bytes) -> bytes:
        """The answer that was kept of the call that this one repeats.

        Raises:
            CallEnded: HOLD_DAMAGED when it cannot be opened.
        """
        assert run.agent is not None and run.outcome is not None  # noqa: PT018, S101
        try:
            return self.store.answer(kept, tenant=run.agent.tenant, agent=run.agent.name, hold_id=run.outcome.first)
        except (Damaged, KeyMissing) as error:
            raise refusal.plain(
                Reason.HOLD_DAMAGED,
                agent=run.agent.name,
                method=run.incoming.method,
                language=run.incoming.language,
            ) from error

    def _kept(self, run: CallRun, plan: Plan, hold_id: str) -> refusal.Kept:
        assert run.agent is not None and run.revision is not None  # noqa: PT018, S101
        return refusal.kept(
            plan,
            agent=run.agent.name,
            method=run.incoming.method,
            revision=run.revision.number,
            language=run.incoming.language,
            hold=holds.name(hold_id),
        )


class Ending(NamedTuple):
    """How a call ends that its decision does not allow."""

    reason: Reason
    plan: Plan | None = None
    """`None` where it is refused, and not kept."""


def ending(run: CallRun) -> Ending:
    """How a call ends that its decision does not allow, before anything is said of it."""
    decision, revision = run.decision, run.revision
    assert decision is not None and revision is not None  # noqa: PT018, S101
    reason = decision.reason or Reason.POLICY_DENIED
    if decision.verdict is Verdict.HOLD and not run.keepable:  # nobody can keep a stream, say
        return Ending(Reason.APPROVAL_REQUIRED)
    if decision.verdict is Verdict.DEFER and not run.keepable:
        return Ending(Reason.QUIET_HOURS)
    if decision.verdict is Verdict.DENY:
        return Ending(reason)
    holding = decision.verdict is Verdict.HOLD
    plan = Plan(
        verdict=decision.verdict,
        why=Reason.APPROVAL_REQUIRED if holding else Reason.QUIET_HOURS,
        rule=decision.rule,
        message=decision.message,
        level=decision.level,
        wait_ms=decision.retry_after_ms or 0,
        kept_ms=revision.hold_ms if holding else decision.max_defer_ms,
    )
    return Ending(plan.reason, plan)


def refused(run: CallRun) -> CallEnded:
    """The same in words: `Kept` where it is to be kept, else a refusal."""
    decision, agent, revision = run.decision, run.agent, run.revision
    assert decision is not None and agent is not None and revision is not None  # noqa: PT018, S101
    said = {"agent": agent.name, "method": run.incoming.method, "language": run.incoming.language}
    end = ending(run)
    if end.plan is not None:
        return refusal.kept(end.plan, revision=revision.number, **said)
    if end.reason is Reason.AUTONOMY_OBSERVE:
        return refusal.plain(end.reason, **said)
    if decision.verdict is Verdict.HOLD:
        return refusal.stream_held(rule=decision.rule, **said)
    if decision.verdict is Verdict.DEFER:
        decision = msgspec.structs.replace(decision, verdict=Verdict.DENY, reason=end.reason)
    return refusal.by_rule(decision, revision=revision.number, **said)


def _cell(run: CallRun) -> keys.Cell:
    assert run.agent is not None  # noqa: S101 - the call was decided
    return keys.cell(run.agent.tenant, run.cell)


def _hold(run: CallRun, plan: Plan, *, hold_id: str, request_key: str) -> Hold:
    assert run.agent is not None and run.call is not None  # noqa: PT018, S101
    return Hold(
        id=hold_id,
        tenant=run.agent.tenant,
        cell=run.cell,
        agent=run.agent.name,
        person=run.agent.person,
        method=run.incoming.method,
        operation=run.call.operation.value,
        subject_ref=run.call.subject_ref,
        rule=plan.rule,
        why=plan.why.value,
        level=plan.level,
        sha256=hashlib.sha256(run.request).hexdigest(),
        request_key=request_key,
        created_ms=run.received_ms,
        expires_ms=run.received_ms + plan.kept_ms,
        release_ms=run.received_ms + plan.wait_ms if plan.verdict is Verdict.DEFER else 0,
        state=HoldState.PENDING if plan.verdict is Verdict.HOLD else HoldState.SCHEDULED,
    )


def _pending(run: CallRun, record: Record, hold_id: str) -> tuple[tuple[str, str], ...]:
    decision = run.decision
    return () if decision is None else pending_in(record, decision.claims or decision.buckets, hold=hold_id)


def _metadata(run: CallRun) -> tuple[tuple[str, str], ...]:
    found = ((name, run.incoming.metadata.get(name)) for name in KEPT_METADATA)
    return tuple((name, value) for name, value in found if isinstance(value, str))
