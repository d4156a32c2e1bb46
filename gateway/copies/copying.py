"""One copy of a call: decided about for another arm, sent there if that may be, and compared with what the call got.

A copy takes from no limit and no cap. A stop halts it like a call. What writes, contacts or deletes is never sent by a
shadow, and by a mirror only to a sandbox.
"""

import time
from collections.abc import Collection, Mapping
from typing import Final

import grpc
import msgspec

from gateway.adapters.admission import Admission
from gateway.adapters.failures import RuleFailures
from gateway.adapters.reservation import reserve
from gateway.adapters.upstreams import UpstreamRefused, pairs_of
from gateway.callrun import CallRun, timeout_s
from gateway.copies.saying import said
from gateway.core.decide import Decision
from gateway.core.record import Verdict
from gateway.core.routing import ArmTarget, routed
from gateway.core.shadows import (
    HARMLESS,
    SAME,
    Comparison,
    CopyEnd,
    CopyRule,
    Difference,
    ShadowResult,
)
from gateway.deciding import decided
from gateway.passing import forwarded, learn, takes_of
from gateway.records.call_records import record_of, status_name
from gateway.rpc.status import Fate, fate_of
from gateway.upstream.attempts import outgoing
from gateway.upstream.guards import places_of
from gateway.upstream.kinds import UpstreamKinds
from gateway.watching.trace_context import begin

MARK: Final = ("pilote-shadow", "1")
"""By this metadata an upstream knows that it is asked for a copy."""

_SAY_NOTHING: Final = frozenset({"RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNIMPLEMENTED"})
"""Refusals that are about the candidate's upstream, and not about what was asked."""


class Copy:
    """One copy that is to be made. `reply` is what the upstream said to the call, before anything was redacted."""

    __slots__ = ("asked", "reply", "rule", "run", "size", "target", "trace")

    def __init__(self, run: CallRun, reply: bytes, rule: CopyRule, target: ArmTarget) -> None:
        self.run = run
        self.reply = reply if rule.compare is not None else b""
        self.rule = rule
        self.target = target
        self.asked = False
        """Whether its upstream was asked."""
        self.size = len(run.request) + len(self.reply)
        self.trace = begin(None, None, ratio=1.0 if run.incoming.trace.sampled else 0.0)

    def own_run(self) -> CallRun:
        """The call as if the copy's arm had been chosen, by the revision that decided it."""
        run = self.run
        assert run.routed.rule is not None and run.revision is not None  # noqa: PT018, S101 - `offer` has looked
        incoming = msgspec.structs.replace(run.incoming, time_remaining=_no_deadline, trace=self.trace)
        own = CallRun(incoming, parent=run.parent, received_ms=run.received_ms)
        for name in ("id", "revision", "policy", "agent", "call", "cell", "facts", "request", "released"):
            setattr(own, name, getattr(run, name))
        own.routed = routed(run.routed.rule, self.target)
        own.route = own.routed.route
        own.upstream = run.revision.upstreams.get(self.target.upstream)
        return own

    def may_be_sent(self, own: CallRun) -> bool:
        """Whether any upstream may get the copy: what changes something only a mirror sends, and only to a sandbox."""
        if own.upstream is None or own.policy is None:
            return False
        if own.policy.contract.operation in HARMLESS:
            return True
        return self.rule.kind == "mirror" and own.upstream.sandbox

    def result(self, end: CopyEnd, **known: object) -> ShadowResult:
        """What is remembered of it."""
        run = self.run
        wanted: dict[str, object] = {
            "id": run.id,
            "kind": self.rule.kind,
            "end": end,
            "route": run.route.name,
            "arm": self.target.arm,
            "upstream": self.target.upstream,
            "version": self.target.version,
            "received_ms": run.received_ms,
            "revision": run.revision.number if run.revision is not None else 0,
            "operation": run.policy.contract.operation.value if run.policy is not None else "",
            "served_status": status_name(run.ended if isinstance(run.ended, UpstreamRefused) else None),
            "served_us": run.upstream_us,
        }
        return ShadowResult(**(wanted | known))  # type: ignore[arg-type]


class Copying:
    """Makes copies, one at a time for whoever asks."""

    def __init__(
        self, upstreams: UpstreamKinds, admission: Admission, *, failures: RuleFailures, pseudonym_key: bytes
    ) -> None:
        self._upstreams = upstreams
        self._admission = admission
        self._failures = failures
        self._pseudonym_key = pseudonym_key
        self._turn = 0

    async def make(self, copy: Copy) -> ShadowResult:
        """Decide about the call on the copy's arm, and send it there if that may be.

        Raises:
            CallEnded: STORE_UNAVAILABLE, where nobody can say whether it was stopped.
        """
        own = copy.own_run()
        if stop := await self._stopped(own):
            return copy.result(CopyEnd.STOPPED, stop=stop)
        decision = own.decision = decided(own, own.route, pseudonym_key=self._pseudonym_key, approved=own.approved)
        found_out = said(copy.run.decision, decision)
        self._note_failures(own, found_out.rules_added)
        found = copy.result(_unsent(copy.rule, decision), **msgspec.structs.asdict(found_out))
        if decision.verdict is not Verdict.ALLOW or not copy.may_be_sent(own):
            return found
        return await self._sent(copy, own, found)

    async def _stopped(self, own: CallRun) -> str:
        """The stop that halts calls of this arm; empty for none.

        Raises:
            CallEnded: STORE_UNAVAILABLE.
        """
        record = record_of(own)
        outcome, _ = await self._admission.admit(reserve(record, ()), record, only_look=True)
        return outcome.stop

    def _note_failures(self, own: CallRun, rules: Collection[str]) -> None:
        """Note which of these rules failed: those that failed for the call too were noted with it."""
        assert own.decision is not None and own.agent is not None and own.revision is not None  # noqa: PT018, S101
        looks = tuple([look for look in own.decision.looks if look.error and look.rule in rules])
        if looks:
            number, tenant = own.revision.number, own.agent.tenant
            self._failures.note(tenant, looks, revision=number, decision=own.id, at_ms=own.received_ms)

    async def _sent(self, copy: Copy, own: CallRun, found: ShadowResult) -> ShadowResult:
        """Ask the copy's upstream, and compare what it says."""
        assert own.upstream is not None  # noqa: S101 - `may_be_sent` has looked
        asked, reply, refused, copy.asked = time.perf_counter(), b"", False, True
        places = places_of(own.upstream)
        self._turn += 1  # of several addresses each in its turn: breakers and ejection are about calls
        call = self._upstreams.unary(places[self._turn % len(places)], own.incoming.method)(
            forwarded(own, takes_of(own, "request")),
            timeout=timeout_s(own, own.upstream),
            metadata=(*outgoing(own), MARK),
        )
        try:
            reply, status = await call, "OK"
            took_us = _since_us(asked)
            if _budgets(own) or (own.policy is not None and own.policy.contract.served is not None):
                learn(own, pairs_of(await call.initial_metadata(), await call.trailing_metadata()), reply)
        except grpc.aio.AioRpcError as error:
            status, refused, took_us = error.code().name, fate_of(error) is Fate.REFUSED, _since_us(asked)
        found = msgspec.structs.replace(
            found,
            sent=True,
            status=status,
            answered=own.served,
            took_us=took_us,
            costs=_costs(own),
            served_costs=_costs(copy.run),
        )
        if status != "OK" and (not refused or (status in _SAY_NOTHING and status != found.served_status)):
            return msgspec.structs.replace(found, end=CopyEnd.FAILED)
        if copy.rule.compare is None:
            return msgspec.structs.replace(found, end=CopyEnd.SENT)
        return _compared(copy, found, reply)


def _unsent(rule: CopyRule, decision: Decision) -> CopyEnd:
    """What became of a copy that is not sent: the call itself was allowed."""
    if rule.kind == "mirror":
        return CopyEnd.REFUSED
    return CopyEnd.AGREED if decision.verdict is Verdict.ALLOW else CopyEnd.DIFFERED


def _compared(copy: Copy, found: ShadowResult, reply: bytes) -> ShadowResult:
    """The result with what the candidate's reply has otherwise. That both refuse alike is agreement too."""
    assert copy.rule.compare is not None  # noqa: S101 - the caller has looked
    if found.status == "OK" == found.served_status:
        comparison = copy.rule.compare(copy.reply, reply)
    elif found.status == found.served_status:
        comparison = SAME
    else:
        kind = "added" if found.status == "OK" else "missing" if found.served_status == "OK" else "changed"
        comparison = Comparison((Difference("", kind),))  # type: ignore[arg-type]
    return msgspec.structs.replace(
        found,
        end=CopyEnd.DIFFERED if comparison.differences else CopyEnd.AGREED,
        compared=True,
        differences=comparison.differences,
        more=comparison.more,
    )


def _since_us(began: float) -> int:
    return int((time.perf_counter() - began) * 1e6)


def _budgets(run: CallRun) -> Mapping[str, int]:
    """The estimates of what a call costs, by budget."""
    if run.decision is None:
        return {}
    return {bucket.limit: bucket.cost for bucket in run.decision.buckets if bucket.kind == "budget"}


def _costs(run: CallRun) -> Mapping[str, int]:
    """What a call has cost, by budget: as its answer told it, else as it was estimated."""
    return {budget: run.costs.get(budget, estimate) for budget, estimate in _budgets(run).items()}


def _no_deadline() -> float | None:
    return None
