"""Copies of calls: after its answer, a call is decided about once more for another arm, and may be sent there.

Nothing here delays the call: a copy begins when the caller's answer is on its way, and where too many wait it is
dropped, which is recorded. A copy takes from no limit and no cap. A stop halts it like a call. What writes, contacts or
deletes is never sent by a shadow, and by a mirror only to a sandbox.
"""

import asyncio
import functools
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

import grpc
import msgspec

from gateway.adapters.admission import Admission
from gateway.adapters.failures import RuleFailures
from gateway.adapters.reservation import reserve
from gateway.adapters.upstreams import UpstreamRefused, pairs_of
from gateway.attempts import outgoing
from gateway.callrun import CallRun, forwarded, learn, record_of, status_name, takes_of, timeout_s
from gateway.core import keys
from gateway.core.decide import Decision, decide
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import Verdict, subject_ref
from gateway.core.routing import ArmTarget, routed
from gateway.core.shadows import (
    HARMLESS,
    SAME,
    Comparison,
    CopyEnd,
    CopyRule,
    Difference,
    ShadowResult,
    applied_otherwise,
)
from gateway.guards import places_of
from gateway.rpc.status import Fate, fate_of
from gateway.telemetry import CallTrace, begin
from gateway.upstream_kinds import UpstreamKinds

MOST_RUNNING: Final = 16
"""Copies under way at a time, for each upstream they go to: one that hangs leaves the others alone."""
MOST_WAITING: Final = 64
"""Copies that wait behind them."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Requests and replies that copies keep in memory, all together."""
MARK: Final = ("pilote-shadow", "1")
"""By this metadata an upstream knows that it is asked for a copy."""

_SAY_NOTHING: Final = frozenset({"RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNIMPLEMENTED"})
"""Refusals that are about the candidate's upstream, and not about what was asked."""

_log: Final = logging.getLogger(__name__)


class Copied(NamedTuple):
    """A copy that has ended, for those who watch. Times are nanoseconds since the epoch."""

    result: ShadowResult
    method: str
    tenant: str
    call: CallTrace
    """Where the call itself stands in its trace."""
    trace: CallTrace
    """Where the copy stands, in one of its own."""
    started_ns: int
    ended_ns: int


class Shadowing:
    """Makes the copies of one gateway. `watched` is told of each when it has ended."""

    def __init__(
        self,
        upstreams: UpstreamKinds,
        admission: Admission,
        *,
        failures: RuleFailures,
        pseudonym_key: bytes,
        watched: Callable[[Copied], None],
    ) -> None:
        self._failures = failures
        self._upstreams = upstreams
        self._admission = admission
        self._pseudonym_key = pseudonym_key
        self._watched = watched
        self._lanes: dict[str, _Lane] = {}
        self._bytes = 0
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def offer(self, run: CallRun, reply: bytes, *, draw: float) -> None:
        """Copy a call that was answered, as its route says. Never waits. `draw` is a random number in [0, 1)."""
        rule = run.routed.rule
        if rule is None or run.call is None or run.policy is None:
            return
        for copying in rule.copies:
            target = rule.arms.get(run.call.model, {}).get(copying.arm)
            if target is None or copying.arm == run.route.arm or not copying.takes(run.call, run.facts, draw=draw):
                continue
            self._queue(_Copy(run, reply, copying, target))

    def stop(self) -> None:
        """Begin no further copy, and drop those that wait."""
        self._stopping = True
        for lane in self._lanes.values():
            while lane.waiting:
                self._drop(lane.waiting.popleft(), waited=True)

    async def close(self) -> None:
        """End all copies, at once."""
        self.stop()
        await asyncio.sleep(0)  # whatever was created has begun, and will say how it ended
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _queue(self, copy: "_Copy") -> None:
        lane = self._lanes.setdefault(copy.target.upstream, _Lane())
        full = len(lane.waiting) >= MOST_WAITING or self._bytes + copy.size > MOST_BYTES
        if self._stopping or full:
            self._drop(copy, waited=False)
            return
        self._bytes += copy.size
        lane.waiting.append(copy)
        self._go_on(lane)

    def _go_on(self, lane: "_Lane") -> None:
        while lane.waiting and lane.running < MOST_RUNNING:
            lane.running += 1
            task = asyncio.get_running_loop().create_task(self._attend(lane.waiting.popleft()))
            self._tasks.add(task)
            task.add_done_callback(functools.partial(self._over, lane))

    def _over(self, lane: "_Lane", task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        lane.running -= 1
        self._go_on(lane)

    def _drop(self, copy: "_Copy", *, waited: bool) -> None:
        if waited:
            self._bytes -= copy.size
        self._end(copy, copy.result(CopyEnd.DROPPED), started_ns=time.time_ns())

    async def _attend(self, copy: "_Copy") -> None:
        """Make one copy, and see that something is remembered of it, however it ends."""
        started_ns, result = time.time_ns(), None
        try:
            result = await self._make(copy)
        except CallEnded as ended:  # without the store nobody can say whether it was stopped
            if ended.reason is not Reason.STORE_UNAVAILABLE:
                _log.exception("a copy failed")
        except Exception:
            _log.exception("a copy failed")
        finally:
            self._bytes -= copy.size
            result = result or copy.result(CopyEnd.DROPPED, sent=copy.asked)
            self._end(copy, result, started_ns=started_ns)

    def _end(self, copy: "_Copy", result: ShadowResult, *, started_ns: int) -> None:
        run = copy.run
        assert run.agent is not None  # noqa: S101 - the call was admitted
        self._admission.note_copy(keys.cell(run.agent.tenant, run.cell), result)
        self._watched(
            Copied(
                result=result,
                method=run.incoming.method,
                tenant=run.agent.tenant,
                call=run.incoming.trace,
                trace=copy.trace,
                started_ns=started_ns,
                ended_ns=time.time_ns(),
            )
        )

    async def _make(self, copy: "_Copy") -> ShadowResult:
        """Decide about the call on the copy's arm, and send it there if that may be."""
        own = copy.own_run()
        if stop := await self._stopped(own):
            return copy.result(CopyEnd.STOPPED, stop=stop)
        decision = own.decision = self._decided(own)
        served = copy.run.decision
        added, missing = applied_otherwise(served.looks if served is not None else (), decision.looks)
        self._note_failures(own, added)
        found = copy.result(
            _by_rules(copy.rule, decision),
            verdict=decision.verdict.value,
            reason="" if decision.reason is None else decision.reason.value,
            rule=decision.rule,
            rules_added=added,
            rules_missing=missing,
        )
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

    def _decided(self, own: CallRun) -> Decision:
        assert own.revision is not None and own.policy is not None  # noqa: PT018, S101 - the call was admitted
        assert own.agent is not None and own.call is not None  # noqa: PT018, S101
        return decide(
            own.revision,
            own.policy,
            agent=own.agent,
            call=own.call,
            facts=own.facts,
            route=own.route,
            ref=functools.partial(_ref, self._pseudonym_key, own.agent.tenant),
            now_ms=own.received_ms,
            approved=own.released is not None and own.released.decider != "",
        )

    def _note_failures(self, own: CallRun, rules: Collection[str]) -> None:
        """Note which of these rules failed: those that failed for the call too were noted with it."""
        assert own.decision is not None and own.agent is not None and own.revision is not None  # noqa: PT018, S101
        looks = tuple([look for look in own.decision.looks if look.error and look.rule in rules])
        if looks:
            number, tenant = own.revision.number, own.agent.tenant
            self._failures.note(tenant, looks, revision=number, decision=own.id, at_ms=own.received_ms)

    async def _sent(self, copy: "_Copy", own: CallRun, found: ShadowResult) -> ShadowResult:
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
        return found if copy.rule.compare is None else _compared(copy, found, reply)


class _Lane:
    """The copies that go to one upstream."""

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[_Copy] = deque()


class _Copy:
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


def _by_rules(rule: CopyRule, decision: Decision) -> CopyEnd:
    """What became of a copy, as far as the rules go: the call itself was allowed."""
    allowed = decision.verdict is Verdict.ALLOW
    if rule.kind == "mirror":
        return CopyEnd.SENT if allowed else CopyEnd.REFUSED
    return CopyEnd.AGREED if allowed else CopyEnd.DIFFERED


def _compared(copy: _Copy, found: ShadowResult, reply: bytes) -> ShadowResult:
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


def _ref(key: bytes, tenant: str, text: str) -> str:
    return subject_ref(key, tenant=tenant, subject=text)


def _no_deadline() -> float | None:
    return None
