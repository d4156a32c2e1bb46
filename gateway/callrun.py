"""One call on its way through the pipeline: what is known of it so far, and what will be remembered of it."""

import asyncio
import hashlib
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.adapters.reservation import Reservation
from gateway.adapters.upstreams import Metadata, UpstreamRefused, Withheld, longest_s
from gateway.core import keys
from gateway.core.call import NO_ROUTE, UNKNOWN_SUBJECT, Agent, Call, Facts, Operation, Route
from gateway.core.contract import Take
from gateway.core.decide import Decision, values_of
from gateway.core.errors import CallEnded, Reason
from gateway.core.forwarding import ForwardRule
from gateway.core.holds import Hold
from gateway.core.limits import Bucket
from gateway.core.policy.upstreams import Upstream
from gateway.core.record import Acted, Attempt, BucketAsk, Outcome, Record, Settlement, Verdict, decision_id
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.routing import NOWHERE, Routed
from gateway.core.spending import Told, costs, told
from gateway.core.texts import language_of
from gateway.refusal import Kept
from gateway.rpc.status import code_of
from gateway.telemetry import TRACEPARENT, TRACESTATE, CallTrace, begin

RESERVATION_SLACK_MS: Final = 60_000
"""How long after its deadline an unsettled call counts as in doubt."""

LONGEST_VERSION: Final = 200
"""Characters of an upstream's own name for a version that are recorded."""

_UNPRINTABLE: Final = re.compile(r"[^ -~]")
_random: Final = random.Random()  # noqa: S311 - ids must be distinct, not secret


class Incoming(msgspec.Struct, frozen=True):
    """A call as it came in, before anything is known of it."""

    method: str
    metadata: Mapping[str, str | bytes]
    time_remaining: Callable[[], float | None]
    """Seconds left of the caller's deadline; `None` without one."""
    trace: CallTrace
    language: str = "en"
    pairs: Metadata = ()
    """The metadata as it came: a key may come more than once; `metadata` holds the last."""

    @staticmethod
    def of(
        method: str, pairs: Metadata, *, time_remaining: Callable[[], float | None], trace_ratio: float
    ) -> "Incoming":
        """The call with this metadata; `trace_ratio` is the share of new traces that are exported."""
        metadata = dict(pairs)
        trace = begin(metadata.get(TRACEPARENT), metadata.get(TRACESTATE), ratio=trace_ratio)
        language = language_of(metadata.get("accept-language"))
        return Incoming(method, metadata, time_remaining, trace, language, pairs)


class Substitute(msgspec.Struct, frozen=True):
    """That another arm than the chosen one serves a call: what was decided of it, and what it has taken."""

    reservation: Reservation
    decision: Decision


class CallRun:
    """What becomes of one call (of one message, in a stream), filled in step by step."""

    __slots__ = (
        "acted", "agent", "answer", "asked", "asked_channel", "assigned", "attempts", "call", "cell", "costs",
        "decision", "draw", "ended", "facts", "first_routed", "id", "incoming", "messages_in", "messages_out",
        "outcome", "parent", "policy", "received_ms", "released", "request", "reservation", "response_bytes",
        "revision", "route", "routed", "served", "started", "substitute", "told", "trailers", "upstream",
        "upstream_us",
    )  # fmt: skip

    def __init__(self, incoming: Incoming, *, parent: str = "", received_ms: int = 0) -> None:
        self.incoming = incoming
        self.parent = parent
        self.started = time.perf_counter()
        self.received_ms = received_ms or time.time_ns() // 1_000_000
        self.id = new_id(self.received_ms)
        self.revision: Revision | None = None
        self.policy: MethodPolicy | None = None
        self.agent: Agent | None = None
        self.call: Call | None = None
        self.cell = 0
        self.routed: Routed = NOWHERE
        """Where the call goes, and by what it came to that."""
        self.assigned: Routed | None = None
        """Where it was to go by what was decided, where another arm serves it in place of that."""
        self.substitute: Substitute | None = None
        self.route: Route = NO_ROUTE
        self.upstream: Upstream | None = None
        """Where the route leads, by the revision that decided: another one may become active meanwhile."""
        self.facts: Facts = UNKNOWN_SUBJECT
        self.draw = 0.0
        """A random number in [0, 1), for calls that have nothing to be assigned by."""
        self.decision: Decision | None = None
        self.outcome: Outcome | None = None
        self.reservation: Reservation | None = None
        self.answer: bytes | None = None
        self.request: bytes = b""
        self.asked: bytes = b""
        """The request as it came, where another channel was put into `request`."""
        self.asked_channel = ""
        self.released: Hold | None = None
        """The hold that this call was kept in, now that it is made after all."""
        self.first_routed: Routed | None = None
        """Where the stream already goes, for its further messages."""
        self.ended: BaseException | None = None
        self.acted: Acted | None = None
        """Whether the upstream has acted, where that is known otherwise than from `ended`."""
        self.trailers: Metadata = ()
        self.costs: Mapping[str, int] = {}
        """What the call has really cost, by budget, where that is known."""
        self.told: Mapping[str, Told] = {}
        """What the upstream has told of its quotas, by limit."""
        self.served = ""
        """The version that has answered, as the upstream names it."""
        self.upstream_us = 0
        self.attempts: list[Attempt] = []
        """What was tried, in the order in which it began; nothing where the only try was answered."""
        self.messages_in = 0
        self.messages_out = 0
        self.response_bytes = 0

    def begin_anew(self) -> None:
        """Become another decision about the same call, which follows on the one so far."""
        self.parent = self.parent or self.id
        self.id = new_id(self.received_ms)

    @property
    def harmless(self) -> bool:
        """Whether the call can change nothing, however often it is carried out."""
        return self.policy is not None and self.policy.contract.idempotent

    @property
    def streaming(self) -> bool:
        """Whether either side may send more than one message."""
        return self.policy is not None and (
            self.policy.contract.client_streaming or self.policy.contract.server_streaming
        )

    @property
    def repeatable(self) -> bool:
        """Whether a repeat with the same idempotency key can be given the first answer: a stream's cannot be kept."""
        if self.policy is None:
            return False
        contract = self.policy.contract
        return not self.streaming and contract.operation not in (Operation.READ, Operation.INFER)

    @property
    def reason(self) -> str:
        """Why the call ended, as a `Reason`; empty for a call that the upstream answered, whatever it said."""
        if self.ended is None or isinstance(self.ended, UpstreamRefused):
            return ""
        if isinstance(self.ended, CallEnded):
            return self.ended.reason.value
        cancelled = isinstance(self.ended, asyncio.CancelledError | GeneratorExit)
        return (Reason.CANCELLED if cancelled else Reason.INTERNAL).value


def record_of(run: CallRun) -> Record:
    """The record of a call, from what is known of it by now."""
    decision, call, agent, revision = run.decision, run.call, run.agent, run.revision
    ended, released, target = run.ended, run.released, run.routed.target
    # A held call is made at a time of its worker's clock, which tests own.
    now_ms = time.time_ns() // 1_000_000 if released is None else run.received_ms
    limit_ms = 0
    if ended is None and run.upstream is not None:
        limit_ms = int(1000 * timeout_s(run, run.upstream)) + RESERVATION_SLACK_MS
    return Record(
        id=run.id,
        received_ms=run.received_ms,
        decided_ms=now_ms,
        verdict=Verdict.ALLOW if ended is None else ended.plan.verdict if isinstance(ended, Kept) else Verdict.DENY,
        reason=run.reason,
        message=ended.message if isinstance(ended, CallEnded) else "",
        rule=decision.rule if decision is not None else "",
        citation=decision.citation if decision is not None else "",
        rules=decision.looks if decision is not None else (),
        buckets=asks(decision.buckets) if decision is not None else (),
        tenant=agent.tenant if agent is not None else keys.NOBODY,
        cell=run.cell,
        agent=agent.name if agent is not None else "",
        agent_version=agent.version if agent is not None else "",
        method=run.incoming.method[:256],
        operation=run.policy.contract.operation.value if run.policy is not None else "",
        subject_ref=call.subject_ref if call is not None else "",
        channel=call.channel if call is not None else "",
        asked_channel=run.asked_channel,
        category=call.category if call is not None else "",
        purpose=call.purpose if call is not None else "",
        contact_ref=call.contact_ref if call is not None else "",
        brand=call.brand if call is not None else "",
        topics=call.topics if call is not None else (),
        model=call.model[:256] if call is not None else "",
        version=_version(run),
        route=run.route.name,
        arm=run.route.arm,
        upstream=run.route.upstream,
        revision=revision.number if revision is not None else 0,
        revision_sha256=revision.sha256 if revision is not None else "",
        trace_id=run.incoming.trace.trace_id,
        span_id=run.incoming.trace.span_id,
        prompt=target.prompt if target is not None else "",
        connector_version=target.connector_version if target is not None else "",
        unit_ref=_unit_ref(run),
        exposures=run.routed.exposures,
        rollout=run.route.rollout,
        named=call is not None and call.model_version != "" and run.route.version != "",
        inference=call.inference if call is not None else "",
        lineage=call.lineage if call is not None else None,
        parent=run.parent,
        request_bytes=len(run.request),
        expires_ms=now_ms + limit_ms if limit_ms else 0,
        would=decision.would if decision is not None else "",
        hold="" if released is None else released.id,
        decider="" if released is None else released.decider,
        hold_decided_ms=0 if released is None else released.decided_ms,
        hold_comment="" if released is None else released.comment,
    )


def _unit_ref(run: CallRun) -> str:
    """What the call is assigned by, where that is not its subject."""
    if run.routed.unit_ref or run.call is None or not run.facts.unit:
        return run.routed.unit_ref
    return run.facts.unit if run.facts.unit != run.call.subject_ref else ""


def _version(run: CallRun) -> str:
    """The version that serves the call, or led to it; else the agent's own."""
    led = run.call.lineage if run.call is not None else None
    return run.route.version or (led.version if led is not None else run.agent.version if run.agent is not None else "")


def new_id(now_ms: int) -> str:
    """A decision id that nobody else has."""
    return decision_id(now_ms=now_ms, random=_random.randbytes(10))


def hash_of(run: CallRun) -> str:
    """What stands for a request beside its idempotency key: 64 hexadecimal digits."""
    return hashlib.sha256(run.incoming.method.encode() + (run.asked or run.request)).hexdigest()


def learns(run: CallRun) -> bool:
    """Whether an answer tells something that is to be remembered: costs, quotas, or which version has answered."""
    assert run.policy is not None  # noqa: S101 - an admitted call has a policy
    return run.policy.contract.served is not None or (run.reservation is not None and run.reservation.settles)


def learn(run: CallRun, metadata: Metadata, response: bytes | None, *, whole: bool = True) -> None:
    """Remember what an answer says of the call's costs, the upstream's quotas and the version; `None`: it failed.

    What is not `whole`, the last message of a stream that broke off, says what it has cost only if it says so plainly.
    """
    assert run.policy is not None and run.revision is not None and run.agent is not None  # noqa: PT018, S101
    contract, texts = run.policy.contract, {key: value for key, value in metadata if isinstance(value, str)}
    run.told = told(run.policy.limits, texts)
    if response is None or contract.decode_reply is None or run.call is None:
        return
    try:
        reply = contract.decode_reply(response)
    except ValueError:  # its estimate stands
        return
    if contract.served is not None:
        run.served = _UNPRINTABLE.sub("?", contract.served(reply)[:LONGEST_VERSION])
    if not whole if contract.metered is None else not contract.metered(reply):
        return
    values = values_of(run.revision, agent=run.agent, call=run.call, facts=run.facts, route=run.route)
    run.costs = costs(run.policy.limits, {**values, "response": reply, "trailers": texts}, now_ms=run.received_ms)


def forward_rule_of(run: CallRun) -> ForwardRule | None:
    """What the call's route says of how it is tried; `None` where it says nothing."""
    return run.routed.rule.forward if run.routed.rule is not None else None


def timeout_s(run: CallRun, upstream: Upstream) -> float:
    """Seconds for the whole call: what is left of the caller's deadline, at most what route and upstream allow.

    Where a call may be tried more than once the upstream's limit is that of a try, if the route has one for all.
    """
    longest, remaining, rule = longest_s(upstream), run.incoming.time_remaining(), forward_rule_of(run)
    if rule is not None and rule.timeout_ms:
        limit = rule.timeout_ms / 1000
        longest = limit if rule.several else min(longest, limit)
    return longest if remaining is None else min(longest, remaining)


def asks(buckets: Sequence[Bucket]) -> tuple[BucketAsk, ...]:
    """The buckets as a record has them."""
    return tuple(  # by place: names cost as much again, in every call
        [BucketAsk(b.limit, b.kind, b.capacity, b.period_ms, b.mode, b.by, b.citation, b.cost, b.says) for b in buckets]
    )


def pinned(run: CallRun) -> bytes:
    """The caller's request, with the routed version written into it by the name that the upstream knows it by."""
    if run.route.version and run.policy is not None and run.policy.contract.pin is not None and run.call is not None:
        return run.policy.contract.pin(run.call.request, known_as(run))
    return run.request


def known_as(run: CallRun) -> str:
    """What the upstream calls the version that serves the call."""
    target = run.routed.target
    return target.served_as if target is not None and target.served_as else run.route.version


def takes_of(run: CallRun, side: str) -> tuple[Take, ...]:
    """What the rules that decided take out of one side of the call, "request" or "reply"."""
    decision = run.decision if run.substitute is None else run.substitute.decision
    if decision is None or run.policy is None or not decision.redacting:
        return ()
    planned = run.policy.takes[side]
    return tuple([planned[rule] for rule in decision.redacting if rule in planned])


def forwarded(run: CallRun, takes: Sequence[Take]) -> bytes:
    """The request as the upstream gets it. What was decided was decided about all of it."""
    request = pinned(run)
    if run.policy is None:
        return request
    contract = run.policy.contract
    if takes:
        request = contract.redactors["request"].apply(request, takes)  # it was decoded before, so it can be again
    if contract.instruct is None:
        return request
    # After the redaction: what the policy itself says is about nobody.
    return contract.instruct(request, run.routed.target.instructions if run.routed.target is not None else "")


def redacted_reply(run: CallRun, reply: bytes) -> bytes:
    """A reply as the caller gets it, by what was decided of `run` under the policy that decided it.

    Raises:
        Withheld: it is not what the contract says.
    """
    takes = takes_of(run, "reply")
    if not takes or run.policy is None:
        return reply
    try:
        return run.policy.contract.redactors["reply"].apply(reply, takes)
    except ValueError as error:
        raise Withheld from error


def status_name(ended: BaseException | None) -> str:
    """Canonical name of the status that the caller gets."""
    if ended is None:
        return "OK"
    if isinstance(ended, CallEnded):
        return code_of(ended.reason).name
    if isinstance(ended, UpstreamRefused):
        return ended.error.code().name
    return "CANCELLED" if isinstance(ended, asyncio.CancelledError | GeneratorExit) else "INTERNAL"


def elapsed_us(run: CallRun) -> int:
    """Microseconds since the call came in."""
    return int((time.perf_counter() - run.started) * 1e6)


def _slow(run: CallRun, total_us: int) -> bool:
    """Whether a call took longer than its route's objective allows. A stream lasts as long as its ends wish."""
    rule = run.routed.rule
    if rule is None or rule.slow_us == 0 or run.streaming:
        return False
    return total_us > rule.slow_us


def settlement_of(run: CallRun, *, gave_back: bool = False, in_doubt: bool = False) -> Settlement:
    """How an admitted call ended."""
    total_us = elapsed_us(run)
    moved = run.assigned is not None
    return Settlement(
        id=run.id,
        settled_ms=run.received_ms + total_us // 1000,
        status=status_name(run.ended),
        reason=run.reason,
        in_doubt=in_doubt,
        gave_back=gave_back,
        total_us=total_us,
        upstream_us=run.upstream_us,
        overhead_us=max(0, total_us - run.upstream_us),
        costs=run.costs,
        messages_in=run.messages_in,
        messages_out=run.messages_out,
        response_bytes=run.response_bytes,
        served=run.served,
        pinned=run.routed.target.served_as if run.routed.target is not None and run.served else "",
        slow=_slow(run, total_us),
        attempts=() if len(run.attempts) == 1 and run.attempts[0].status == "OK" else tuple(run.attempts),
        arm=run.route.arm if moved else "",
        version=run.route.version if moved else "",
        upstream=run.route.upstream if moved else "",
    )
