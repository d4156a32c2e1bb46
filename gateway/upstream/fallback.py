"""Lets a call go to another arm of its route, where the one that was chosen cannot serve it.

What was decided was decided about the chosen arm. So another arm is decided about anew, by the same rules, and admitted
as a decision of its own that follows on the call's: stops of its version hold, and the buckets are taken that count by
what has changed. Those of the arm that has not served are given back. What the two have in common is taken once.
"""

import msgspec

from gateway.adapters.admission import Admission, StoreSilent
from gateway.adapters.failures import RuleFailures
from gateway.adapters.reservation import reserve
from gateway.call_records import asks, obligations, record_of
from gateway.callrun import CallRun, Substitute, elapsed_us, forward_rule_of, new_id
from gateway.core.decide import Decision
from gateway.core.errors import Reason
from gateway.core.forwarding import PLAIN
from gateway.core.limits import Bucket, bucket_reason
from gateway.core.record import Attempt, Record, Settlement, Verdict
from gateway.core.routing import ArmTarget, Routed, routed
from gateway.deciding import decided


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
    """Decides about and admits the arms that take over."""

    def __init__(self, admission: Admission, failures: RuleFailures, *, pseudonym_key: bytes) -> None:
        self._admission = admission
        self._failures = failures
        self._pseudonym_key = pseudonym_key

    async def move(self, run: CallRun, name: str, *, worked: bool) -> Moved:
        """Let the call go to the arm of that name, if the policy allows it.

        `worked`: a model may have worked for nothing at the arm before, which somebody pays for all the same.
        """
        way = _way_to(run, name)
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
            way = _way_to(run, name)
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
        common = {_bucket(bucket) for bucket in run.decision.buckets}
        buckets = tuple([bucket for bucket in decision.buckets if _bucket(bucket) not in common])
        record = _record(run, decision, buckets)
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
        kept = {_bucket(bucket) for bucket in decision.buckets}
        left = [
            index
            for index, bucket in enumerate(run.reservation.buckets)
            if _bucket(bucket) not in kept and not (worked and bucket.kind == "budget")
        ]
        run.reservation = msgspec.structs.replace(run.reservation, left=frozenset(left))
        return ""


def _way_to(run: CallRun, name: str) -> Routed | None:
    """The way to an arm of the call's route; `None` where the route has none for it, or the call was there already.

    Who asks for a version is never answered by another one.
    """
    rule, call = run.routed.rule, run.call
    target = rule.arms.get(call.model, {}).get(name) if rule is not None and call is not None else None
    if rule is None or call is None or target is None:
        return None
    chosen = run.assigned or run.routed
    if name == chosen.route.arm or (call.model_version and target.version != chosen.route.version):
        return None
    rollout = rule.rollout.name if rule.rollout is not None and rule.rollout.arm == name else ""
    return routed(rule, target, exposures=chosen.exposures, unit_ref=chosen.unit_ref, rollout=rollout)


def _record(run: CallRun, decision: Decision, buckets: tuple[Bucket, ...]) -> Record:
    """The record of the arm that takes over. Whom it exposed and who approved it is in the call's own."""
    return msgspec.structs.replace(
        record_of(run),
        id=new_id(run.received_ms),
        parent=run.id,
        standby=True,
        rule=decision.rule,
        rules=decision.looks,
        obligations=obligations(run, decision),
        buckets=asks(buckets),
        exposures=(),
        hold="",
        decider="",
        hold_decided_ms=0,
        hold_comment="",
        values=None,
    )


def _nothing(run: CallRun, id_: str, *, status: str, reason: Reason) -> Settlement:
    """How an arm ended that has not served."""
    total_us = elapsed_us(run)
    settled_ms = run.received_ms + total_us // 1000
    return Settlement(id=id_, settled_ms=settled_ms, status=status, reason=reason.value, gave_back=True)


def _bucket(bucket: Bucket) -> tuple[str, str, str]:
    return bucket.kind, bucket.limit, bucket.by
