"""One call on its way through the pipeline: what is known of it so far, and what will be remembered of it."""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from gateway.adapters.lines import longest_s
from gateway.adapters.reservation import Reservation
from gateway.adapters.upstreams import Metadata, UpstreamRefused
from gateway.clock import clock_ms
from gateway.core.call import NO_ROUTE, UNKNOWN_SUBJECT, Agent, Call, Facts, Operation, Route
from gateway.core.contract import TokenUsage
from gateway.core.decide import Decision
from gateway.core.errors import CallEnded, Reason
from gateway.core.forwarding import ForwardRule
from gateway.core.holds import Hold
from gateway.core.policy.upstreams import Upstream
from gateway.core.progress import NOBODY_KNOWS, Progress
from gateway.core.record import Acted, Attempt, Outcome, decision_id
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.routing import NOWHERE, Routed
from gateway.core.spending import Told
from gateway.core.texts import language_of
from gateway.core.used import SealedValues
from gateway.watching.trace_context import TRACEPARENT, TRACESTATE, CallTrace, begin

_random: Final = random.Random()  # noqa: S311 - ids must be distinct, not secret


class Incoming(msgspec.Struct, frozen=True):
    """A call as it came in, before anything is known of it.

    Of a plain HTTP request (`http`) the method is the one that describes it, and the metadata are its headers.
    """

    method: str
    metadata: Mapping[str, str | bytes]
    time_remaining: Callable[[], float | None]
    """Seconds left of the caller's deadline; `None` without one."""
    trace: CallTrace
    language: str = "en"
    pairs: Metadata = ()
    """The metadata as it came: a key may come more than once; `metadata` holds the last."""
    http: bool = False
    agent: str | None = None
    """Whose call it is, where Envoy says so in place of a credential; empty where it was to, and says nothing."""
    unclear: CallEnded | None = None
    """Why nobody can say which method it is, where it can be read in more than one way."""

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
        "acted", "admitted", "agent", "answer", "asked", "asked_channel", "assigned", "attempts", "begun", "beside",
        "call", "cell", "costs", "decided", "decision", "described", "draw", "ended", "facts", "first_routed", "id",
        "identified", "incoming", "known", "led_by", "messages_in", "messages_out", "outcome", "over", "parent",
        "policy", "progress", "received_ms", "released", "request", "reservation", "response_bytes", "revision",
        "route", "routed", "served", "started", "substitute", "told", "trailers", "upstream", "upstream_us", "usage",
        "values",
    )  # fmt: skip

    def __init__(self, incoming: Incoming, *, parent: str = "", received_ms: int = 0, decision: str = "") -> None:
        self.incoming, self.parent = incoming, parent
        self.started = time.perf_counter()
        self.begun = self.identified = self.described = self.known = self.decided = self.admitted = self.over = 0.0
        """When each step was over, like `started` in seconds of a clock of its own; 0 for one that was not reached. Of
        the call as a whole (`over`) only where that is told afterwards."""
        self.received_ms = received_ms or clock_ms()
        self.id = decision or new_id(self.received_ms)
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
        self.progress: Mapping[str, Progress] = NOBODY_KNOWS  # of the objectives of its tenant, by their names
        self.draw = 0.0
        """A random number in [0, 1), for calls that have nothing to be assigned by."""
        self.decision: Decision | None = None
        self.outcome: Outcome | None = None
        self.reservation: Reservation | None = None
        self.answer: bytes | None = None
        self.request = self.asked = self.beside = b""
        """The request; as it came, where another channel was put into it; and what goes beside the record."""
        self.values: SealedValues | None = None
        """What it was decided by, for the record."""
        self.asked_channel = self.served = self.led_by = ""
        """The channel of the request as it came. The version that has answered, as the upstream names it. The span of
        the inference that led to this action, as the W3C header has it; empty where none is known."""
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
        self.usage: TokenUsage | None = None
        """What a model says it has used; `None` where it says nothing."""
        self.attempts: list[Attempt] = []
        """What was tried, in the order in which it began; nothing where the only try was answered."""
        self.upstream_us = self.messages_in = self.messages_out = self.response_bytes = 0

    def begin_anew(self) -> None:
        """Become another decision about the same call, which follows on the one so far."""
        self.parent = self.parent or self.id
        self.id = new_id(self.received_ms)
        self.values, self.beside = None, b""  # they are those of the decision before

    @property
    def known_method(self) -> str:
        """The method where a contract describes it, also before anybody knows who calls; else empty."""
        if self.policy is not None:
            return self.policy.contract.method
        known = self.revision is not None and self.incoming.method in self.revision.methods
        return self.incoming.method if known else ""

    @property
    def harmless(self) -> bool:
        """Whether the call can change nothing, however often it is carried out."""
        return self.policy is not None and self.policy.contract.idempotent

    @property
    def approved(self) -> bool:
        """Whether a person has let it through."""
        return self.released is not None and self.released.decider != ""

    @property
    def streaming(self) -> bool:
        """Whether either side may send more than one message."""
        return self.policy is not None and (
            self.policy.contract.client_streaming or self.policy.contract.server_streaming
        )

    @property
    def keepable(self) -> bool:
        """Whether the call can be kept, and made later."""
        return self.policy is None or self.policy.contract.whole

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


def new_id(now_ms: int) -> str:
    """A decision id that nobody else has."""
    return decision_id(now_ms=now_ms, random=_random.randbytes(10))


def hash_of(run: CallRun) -> str:
    """What stands for a request beside its idempotency key: 64 hexadecimal digits."""
    return hashlib.sha256(run.incoming.method.encode() + (run.asked or run.request)).hexdigest()


def forward_rule_of(run: CallRun) -> ForwardRule | None:
    """What the call's route says of how it is tried; `None` where it says nothing."""
    return run.routed.rule.forward if run.routed.rule is not None else None


def timeout_s(run: CallRun, upstream: Upstream, *, since_s: float = 0.0) -> float:
    """Seconds for the whole call: what is left of the caller's deadline, at most what route and upstream allow.

    Where a call may be tried more than once the upstream's limit is that of a try, if the route has one for all.
    `since_s`: how long ago its first try began.
    """
    longest, remaining, rule = longest_s(upstream), run.incoming.time_remaining(), forward_rule_of(run)
    if rule is not None and rule.timeout_ms:
        limit = rule.timeout_ms / 1000
        longest = limit if rule.several else min(longest, limit)
    return longest - since_s if remaining is None else min(longest - since_s, remaining)


def elapsed_us(run: CallRun) -> int:
    """Microseconds since the call came in, until it had ended."""
    return int(((run.over or time.perf_counter()) - run.started) * 1e6)
