"""Lets a call go to another arm of its route, where the one that was chosen cannot serve it.

What was decided was decided about the chosen arm. So another arm is decided about anew, by the same rules, and admitted
as a decision of its own that follows on the call's: stops of its version hold, and the buckets are taken that count by
what has changed. Those of the arm that has not served are given back. What the two have in common is taken once.
"""

from collections.abc import Callable

import msgspec

from gateway.adapters.admission import Admission, StoreSilent
from gateway.adapters.failures import RuleFailures
from gateway.adapters.reservation import reserve
from gateway.callrun import CallRun, Substitute, elapsed_us, forward_rule_of
from gateway.core.decide import Decision
from gateway.core.errors import Reason
from gateway.core.forwarding import PLAIN
from gateway.core.inputs import Part
from gateway.core.limits import bucket_reason
from gateway.core.record import Attempt, Settlement, Verdict
from gateway.core.routing import ArmTarget, Routed
from gateway.deciding import decided
from gateway.upstream.standing_in import own_buckets, place_of, standby_record, way_to


class Moved(msgspec.Struct, frozen=True):
    """What came of letting a call go to another arm. Neither served nor with a reason: there is no such way."""

    served: bool = False
    arm: ArmTarget | None = None
    reason: str = ""
    """Why the policy does not let it go there."""

    def attempt(self, *, at_us: int, took_us: int) -> Attempt:
        """The record of an arm that was passed over."""
        assert self.arm is not None  # noqa: S101 - who has a reason has an arm
        arm = self.arm
        return Attempt(arm.arm, arm.upstream, "DENIED", at_us, took_us, "fallback", arm.version, 0, self.reason)


class Way(msgspec.Struct, frozen=True):
    """An arm that a call may go to."""

    arm: ArmTarget
    attempts: int = 1
    """Most tries there."""
    reason: str = ""
    """Why the rules would not let it go there."""


class Fallbacks:
    """Decides about and admits the arms that take over. `note` keeps what it was decided by."""

    def __init__(
        self,
        admission: Admission,
        failures: RuleFailures,
        *,
        note: Callable[[CallRun, Part], None],
        pseudonym_key: bytes,
    ) -> None:
        self._admission = admission
        self._note = note
        self._failures = failures
        self._pseudonym_key = pseudonym_key

    async def move(self, run: CallRun, name: str, *, worked: bool) -> Moved:
        """Let the call go to the arm of that name, if the policy allows it.

        `worked`: a model may have worked for nothing at the arm before, which somebody pays for all the same.
        """
        way = way_to(run, name)
        if way is None or way.target is None:
            return Moved()
        decision = self._decide(run, way)
        if decision.failing and run.revision is not None and run.agent is not None:
            number, tenant = run.revision.number, run.agent.tenant
            self._failures.note(tenant, decision.looks, revision=number, decision=run.id, at_ms=run.received_ms)
        if decision.verdict is not Verdict.ALLOW:
            reason = Reason.POLICY_DENIED if decision.reason is None else decision.reason
            return Moved(arm=way.target, reason=reason.value)
        before = run.routed, run.route, run.upstream
        run.routed, run.route = way, way.route
        run.upstream = run.revision.upstreams[way.route.upstream] if run.revision is not None else None
        refused = await self._admit(run, decision, worked=worked)
        if refused:
            run.routed, run.route, run.upstream = before
        else:
            run.assigned = run.assigned or before[0]
        return Moved(served=not refused, arm=way.target, reason=refused)

    def ways(self, run: CallRun) -> tuple[Way, ...]:
        """Where a call that is let through would go, in this order. Changes nothing."""
        rule = forward_rule_of(run) or PLAIN
        if run.routed.target is None:
            return ()
        ways = [Way(run.routed.target, attempts=rule.attempts)]
        for name in rule.fallback:
            way = way_to(run, name)
            if way is not None and way.target is not None:
                decision = self._decide(run, way)
                refused = decision.verdict is not Verdict.ALLOW
                ways.append(Way(way.target, reason=(decision.reason or Reason.POLICY_DENIED) if refused else ""))
        return tuple(ways)

    def settle(self, run: CallRun, settlement: Settlement) -> None:
        """Settle what the arm took that the call goes to in place of the chosen one, like the call itself."""
        taken, run.substitute = run.substitute, None
        if taken is not None:
            own = msgspec.structs.replace(
                settlement, id=taken.reservation.id, attempts=(), arm="", version="", upstream="", slow=False
            )
            self._admission.settle(taken.reservation, own, told=run.told)

    def _decide(self, run: CallRun, way: Routed) -> Decision:
        return decided(run, way.route, pseudonym_key=self._pseudonym_key, approved=run.approved)

    async def _admit(self, run: CallRun, decision: Decision, *, worked: bool) -> str:
        """Admit the arm; why it is refused, empty where it is not."""
        assert run.decision is not None and run.reservation is not None  # noqa: PT018, S101 - the call was admitted
        buckets = own_buckets(run, decision)
        record = standby_record(run, decision, buckets)
        self._note(run, Part(record.id, standby=run.route.arm))
        reservation = reserve(record, buckets)
        try:
            outcome, _ = await self._admission.admit(reservation, record)
        except BaseException as ended:
            if not isinstance(ended, StoreSilent) or ended.sent:
                # The store may still carry the admission out; then what it takes is given back.
                nothing = _nothing(run, reservation.id, status="CANCELLED", reason=Reason.CANCELLED)
                self._admission.settle(reservation, nothing)
            if isinstance(ended, StoreSilent):
                return Reason.STORE_UNAVAILABLE.value
            raise
        if not outcome.granted:
            return outcome.reason or bucket_reason(buckets[outcome.refused].kind).value
        if run.substitute is not None:  # the arm before has not served either
            before = run.substitute.reservation
            nothing = _nothing(run, before.id, status="UNAVAILABLE", reason=Reason.UPSTREAM_UNAVAILABLE)
            self._admission.settle(before, msgspec.structs.replace(nothing, gave_back=not worked))
        run.substitute = Substitute(reservation, decision)
        kept = {place_of(bucket) for bucket in decision.buckets}
        left = [
            index
            for index, bucket in enumerate(run.reservation.buckets)
            if place_of(bucket) not in kept and not (worked and bucket.kind == "budget")
        ]
        run.reservation = msgspec.structs.replace(run.reservation, left=frozenset(left))
        return ""


def _nothing(run: CallRun, id_: str, *, status: str, reason: Reason) -> Settlement:
    """How an arm ended that has not served."""
    total_us = elapsed_us(run)
    settled_ms = run.received_ms + total_us // 1000
    return Settlement(id=id_, settled_ms=settled_ms, status=status, reason=reason.value, gave_back=True)
