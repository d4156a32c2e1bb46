"""The way of one call: identify, describe, route, facts, decide, admit, forward, settle.

Each step is pure or one adapter; this file only puts them in order and remembers how the call ended. Every call leaves
one record: a refusal writes it before the caller hears of it, an admission writes it before the upstream does, and what
happens afterwards is settled in `finally`, whether the call was answered, failed, cancelled or out of time.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Mapping
from typing import Final

import grpc
import msgspec

from gateway import refusal
from gateway.adapters.admission import Admission, Reservation, reserve
from gateway.adapters.facts import FactStore
from gateway.adapters.identity import Identity
from gateway.adapters.upstreams import InDoubt, Metadata, UpstreamRefused, Upstreams, failed, passed_on, upstream_metadata
from gateway.core import keys
from gateway.core.call import NO_ROUTE, UNKNOWN_SUBJECT, Agent, Call, Facts, Operation, Route
from gateway.core.decide import Decision, decide
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import BucketAsk, Outcome, Record, Settlement, Verdict, decision_id, subject_ref
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.routing import route
from gateway.describe import describe
from gateway.rpc.status import code_of
from gateway.telemetry import CallTrace

RESERVATION_SLACK_MS: Final = 60_000
"""How long after its deadline an unsettled call counts as in doubt."""

_random: Final = random.Random()  # noqa: S311 - arms are drawn and ids made with it, no secrets


class Incoming(msgspec.Struct, frozen=True):
    """A call as it came in, before anything is known of it."""

    method: str
    metadata: Mapping[str, str | bytes]
    time_remaining: Callable[[], float | None]
    """Seconds left of the caller's deadline; `None` without one."""
    trace: CallTrace
    language: str = "en"


class CallRun:
    """What becomes of one call (of one message, in a stream), filled in step by step."""

    __slots__ = (
        "agent", "answer", "call", "decision", "ended", "facts", "id", "incoming", "messages_in", "messages_out",
        "outcome", "parent", "policy", "received_ms", "request", "reservation", "response_bytes", "revision", "route",
        "started", "trailers", "upstream_us",
    )  # fmt: skip

    def __init__(self, incoming: Incoming, *, parent: str = "") -> None:
        self.incoming = incoming
        self.parent = parent
        self.started = time.perf_counter()
        self.received_ms = time.time_ns() // 1_000_000
        self.id = decision_id(now_ms=self.received_ms, random=_random.randbytes(10))
        self.revision: Revision | None = None
        self.policy: MethodPolicy | None = None
        self.agent: Agent | None = None
        self.call: Call | None = None
        self.route: Route = NO_ROUTE
        self.facts: Facts = UNKNOWN_SUBJECT
        self.decision: Decision | None = None
        self.outcome: Outcome | None = None
        self.reservation: Reservation | None = None
        self.answer: bytes | None = None
        self.request: bytes = b""
        self.ended: BaseException | None = None
        self.trailers: Metadata = ()
        self.upstream_us = 0
        self.messages_in = 0
        self.messages_out = 0
        self.response_bytes = 0

    @property
    def harmless(self) -> bool:
        """Whether the call can change nothing, however often it is carried out."""
        return self.policy is not None and self.policy.contract.idempotent


class Pipeline:
    """Takes calls through the steps under the active revision."""

    def __init__(
        self, *, identity: Identity, facts: FactStore, admission: Admission, upstreams: Upstreams, pseudonym_key: bytes
    ) -> None:
        self._identity = identity
        self._facts = facts
        self._admission = admission
        self._pseudonym_key = pseudonym_key
        self.upstreams: Final = upstreams
        self.revision: Revision | None = None

    async def use(self, revision: Revision) -> None:
        """Answer by this revision from the next call on; running calls end under the one they began with."""
        await self._admission.prepare(revision.tenants)
        self._identity.use(revision)
        self.upstreams.use(revision.upstreams)
        self._facts.listen(revision.tenants)
        self.revision = revision

    async def admit(self, run: CallRun, request: bytes) -> None:
        """Steps 1 to 6. Returns when the call may be forwarded, or holds the first call's answer if it is a repeat.

        Raises:
            CallEnded: refused. The record is written by then.
        """
        try:
            await self.consider(run, request)
            await self._take(run)
        except CallEnded as ended:
            run.ended = ended
            if run.outcome is None:
                await self._admission.write(self._record(run))
            raise
        except asyncio.CancelledError as cancelled:
            run.ended = cancelled
            self._admission.write_soon(self._record(run))
            raise

    async def consider(self, run: CallRun, request: bytes) -> None:
        """Steps 1 to 5: everything that changes nothing. Raises like `admit`, but records nothing."""
        run.request = request
        revision = run.revision = self.revision
        run.agent = self._identity.identify(run.incoming.metadata)
        if revision is None:
            raise CallEnded(Reason.REVISION_MISSING, "No policy is active, so every call is refused.")
        run.policy = revision.methods.get(run.incoming.method)
        if run.policy is None:
            raise self._plainly(Reason.METHOD_UNDESCRIBED, run)
        call = describe(run.policy.contract, request, metadata=run.incoming.metadata)
        if call.subject:
            ref = subject_ref(self._pseudonym_key, tenant=run.agent.tenant, subject=call.subject)
            call = msgspec.structs.replace(call, subject_ref=ref)
            run.facts = await self._facts.get(run.agent.tenant, ref)
        run.call = call
        found = route(run.policy.routes, call, draw=_random.random())
        run.route = found or NO_ROUTE
        run.decision = decide(
            revision,
            run.policy,
            agent=run.agent,
            call=call,
            facts=run.facts,
            route=run.route,
            now_ms=run.received_ms,
        )
        if run.decision.verdict is not Verdict.ALLOW:
            raise refusal.by_rule(
                run.decision,
                agent=run.agent.name,
                method=run.incoming.method,
                revision=revision.number,
                language=run.incoming.language,
            )
        if found is None:  # permission before existence (AIP-193)
            raise self._plainly(Reason.ROUTE_NOT_FOUND, run)

    async def _take(self, run: CallRun) -> None:
        """Step 6: take every bucket and write the record, in one step of the store."""
        assert run.decision is not None and run.agent is not None and run.call is not None  # noqa: PT018, S101
        remaining = run.incoming.time_remaining()
        if remaining is not None and remaining <= 0:
            raise CallEnded(Reason.DEADLINE_EXCEEDED, "The deadline passed before the call was forwarded.")
        request_key = request_hash = ""
        if run.call.request_id and run.call.operation not in (Operation.READ, Operation.INFER):
            request_key = keys.idempotency(run.agent.tenant, run.agent.name, run.call.request_id)
            request_hash = hashlib.sha256(run.incoming.method.encode() + run.request).hexdigest()
        record = self._record(run)
        reservation = reserve(record, run.decision.buckets, request_key=request_key)
        try:
            run.outcome, answer = await self._admission.admit(
                reservation, record, buckets=run.decision.buckets, request_hash=request_hash
            )
        except (CallEnded, asyncio.CancelledError) as ended:
            # The store may still carry the admission out; then what it takes is given back.
            run.ended = ended
            self._admission.settle(reservation, _settlement(run, gave_back=True))
            raise
        if not run.outcome.granted:
            raise self._refused_by_store(run)
        run.reservation = reservation
        if run.outcome.first:
            run.answer = answer

    async def call(self, run: CallRun, request: bytes) -> bytes:
        """All steps of a unary call.

        Raises:
            CallEnded: refused, or the upstream failed.
            UpstreamRefused: the upstream said no, in its own words.
        """
        response = b""
        try:
            await self.admit(run, request)
            response = run.answer if run.answer is not None else await self._forward(run)
            run.response_bytes = len(response)
        except BaseException as ended:
            run.ended = ended
            raise
        else:
            return response
        finally:
            self.settle(run, answer=response)

    async def _forward(self, run: CallRun) -> bytes:
        """Step 7: ask the upstream, with what is left of the caller's deadline."""
        assert run.policy is not None and run.call is not None and run.agent is not None  # noqa: PT018, S101
        request = run.request
        if run.route.version and run.policy.contract.pin is not None:
            request = run.policy.contract.pin(run.call.request, run.route.version)
        asked = time.perf_counter()
        call = self.upstreams.unary(run.route.upstream, run.incoming.method)(
            request, timeout=self.timeout_s(run), metadata=upstream_metadata(run.incoming.metadata, decision=run.id, agent=run.agent.name, traceparent=run.incoming.trace.traceparent)
        )
        try:
            response = await call
            run.trailers = passed_on(await call.trailing_metadata())
        except grpc.aio.AioRpcError as error:
            raise failed(error, harmless=run.harmless) from error
        else:
            run.messages_in = run.messages_out = 1
            return response
        finally:
            run.upstream_us = int((time.perf_counter() - asked) * 1e6)

    def timeout_s(self, run: CallRun) -> float:
        """Seconds the upstream has: what is left of the caller's deadline, at most the upstream's own limit."""
        longest = self.upstreams.timeout_s(run.route.upstream)
        remaining = run.incoming.time_remaining()
        return longest if remaining is None else min(longest, remaining)

    def settle(self, run: CallRun, *, answer: bytes = b"") -> None:
        """Step 8: confirm or give back, however the call ended. Never waits."""
        if run.reservation is None or run.outcome is None or not run.outcome.granted:
            return
        ended = run.ended
        untouched = isinstance(ended, UpstreamRefused) or (
            isinstance(ended, CallEnded) and not isinstance(ended, InDoubt)
        )
        in_doubt = ended is not None and not untouched and not run.harmless
        gave_back = ended is not None and not in_doubt and not run.outcome.first
        reservation = run.reservation
        if run.outcome.first:  # a repeat took nothing, and must leave the first call's answer alone
            reservation = msgspec.structs.replace(reservation, cap_keys=(), request_key="")
        self._admission.settle(reservation, _settlement(run, gave_back=gave_back, in_doubt=in_doubt), answer=answer)

    def _refused_by_store(self, run: CallRun) -> CallEnded:
        assert run.decision is not None and run.agent is not None and run.outcome is not None  # noqa: PT018, S101
        outcome = run.outcome
        if outcome.reason:
            return self._plainly(Reason(outcome.reason), run)
        return refusal.by_bucket(
            run.decision.buckets[outcome.refused],
            outcome.looks[outcome.refused],
            agent=run.agent.name,
            method=run.incoming.method,
            language=run.incoming.language,
        )

    def _plainly(self, reason: Reason, run: CallRun) -> CallEnded:
        agent = run.agent.name if run.agent is not None else ""
        return refusal.plain(reason, agent=agent, method=run.incoming.method, language=run.incoming.language)

    def _record(self, run: CallRun) -> Record:
        """The record of a call, from what is known of it by now."""
        decision, call, agent, revision = run.decision, run.call, run.agent, run.revision
        ended = run.ended
        reason = ended.reason.value if isinstance(ended, CallEnded) else "CANCELLED" if ended is not None else ""
        remaining = run.incoming.time_remaining()
        now_ms = time.time_ns() // 1_000_000
        limit_ms = 0
        if ended is None and run.route.upstream:
            longest = self.upstreams.timeout_s(run.route.upstream)
            limit_ms = int(1000 * min(longest, longest if remaining is None else remaining)) + RESERVATION_SLACK_MS
        return Record(
            id=run.id,
            received_ms=run.received_ms,
            decided_ms=now_ms,
            verdict=Verdict.ALLOW if ended is None else Verdict.DENY,
            reason=reason,
            message=ended.message if isinstance(ended, CallEnded) else "",
            rule=decision.rule if decision is not None else "",
            rules=decision.looks if decision is not None else (),
            buckets=_asks(decision),
            tenant=agent.tenant if agent is not None else keys.NOBODY,
            agent=agent.name if agent is not None else "",
            agent_version=agent.version if agent is not None else "",
            method=run.incoming.method[:256],
            operation=run.policy.contract.operation.value if run.policy is not None else "",
            subject_ref=call.subject_ref if call is not None else "",
            channel=call.channel if call is not None else "",
            category=call.category if call is not None else "",
            model=call.model if call is not None else "",
            version=run.route.version or (agent.version if agent is not None else ""),
            route=run.route.name,
            arm=run.route.arm,
            upstream=run.route.upstream,
            revision=revision.number if revision is not None else 0,
            revision_sha256=revision.sha256 if revision is not None else "",
            trace_id=run.incoming.trace.trace_id,
            span_id=run.incoming.trace.span_id,
            inference=call.inference if call is not None else "",
            parent=run.parent,
            request_bytes=len(run.request),
            expires_ms=now_ms + limit_ms if limit_ms else 0,
        )


def _asks(decision: Decision | None) -> tuple[BucketAsk, ...]:
    if decision is None:
        return ()
    return tuple(
        BucketAsk(limit=b.limit, kind=b.kind, capacity=b.capacity, period_ms=b.period_ms, mode=b.mode, by=b.by)
        for b in decision.buckets
    )


def status_name(ended: BaseException | None) -> str:
    """Canonical name of the status that the caller gets."""
    if ended is None:
        return "OK"
    if isinstance(ended, CallEnded):
        return code_of(ended.reason).name
    if isinstance(ended, UpstreamRefused):
        return ended.error.code().name
    return "CANCELLED" if isinstance(ended, asyncio.CancelledError) else "INTERNAL"


def _settlement(run: CallRun, *, gave_back: bool = False, in_doubt: bool = False) -> Settlement:
    total_us = int((time.perf_counter() - run.started) * 1e6)
    return Settlement(
        id=run.id,
        settled_ms=run.received_ms + total_us // 1000,
        status=status_name(run.ended),
        reason=run.ended.reason.value if isinstance(run.ended, CallEnded) else "",
        in_doubt=in_doubt,
        gave_back=gave_back,
        total_us=total_us,
        upstream_us=run.upstream_us,
        overhead_us=total_us - run.upstream_us,
        messages_in=run.messages_in,
        messages_out=run.messages_out,
        response_bytes=run.response_bytes,
    )
