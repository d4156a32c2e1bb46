"""One try of a call: where it goes, how long it has, and what is remembered of how it ended."""

import time
from typing import Any, Final

import grpc
import msgspec

from gateway.adapters.lines import longest_s
from gateway.adapters.upstreams import UpstreamRefused
from gateway.callrun import CallRun, elapsed_us, timeout_s
from gateway.core.breaking import OPEN
from gateway.core.call import Operation
from gateway.core.forwarding import ForwardRule
from gateway.core.guarding import Entry
from gateway.core.policy.upstreams import Upstream
from gateway.passing import forwarded, takes_of
from gateway.rpc.status import Fate, fate_of
from gateway.upstream.attempts import attempt, failed_with, outgoing
from gateway.upstream.guards import Guarded, Guards
from gateway.upstream.kinds import UpstreamKinds

SHORT_SECONDS: Final = 1.0
"""A caller who gives an upstream less time than this, and less than the policy does, says nothing of it by going."""
_REPEATABLE: Final = frozenset({Operation.READ, Operation.INFER})


class Failure(msgspec.Struct, frozen=True):
    """A try that was not answered; `error` is `None` for one that was not made."""

    error: grpc.aio.AioRpcError | None = None
    wait_ms: int = 0
    """Of one that was not made: when it is worth coming back."""

    @property
    def untouched(self) -> bool:
        """Whether it is certain that nothing has reached the upstream."""
        return self.error is None or fate_of(self.error) is Fate.UNTOUCHED


class Tried(msgspec.Struct, frozen=True):
    """A call's first try, which somebody else has made, and which has failed."""

    error: grpc.aio.AioRpcError
    took_us: int
    address: int = -1
    """Its place in the upstream's list; -1: nobody knows."""


class Answer(msgspec.Struct, frozen=True):
    """A try that was answered."""

    going: "Going"
    response: bytes


class Going(msgspec.Struct):
    """A try that has begun."""

    call: Any
    place: int
    """Among the attempts of the call."""
    late_counts: bool
    """Whether it is the upstream's fault if it takes too long."""
    guarded: Guarded | None
    entry: Entry
    over: bool = False


def again(run: CallRun) -> bool:
    """Whether a call may be made again though it may have been carried out."""
    reads = run.policy is not None and run.policy.contract.operation in _REPEATABLE
    return reads or run.harmless


def try_s(rule: ForwardRule, longest: float, *, again: bool) -> float:
    """Seconds that a try has; one that could not be repeated anyway need not be over early."""
    return min(longest, rule.per_try_ms / 1000) if rule.per_try_ms and again else longest


class Making:
    """Makes single tries of one call, at the upstream that it goes to now."""

    def __init__(
        self, upstreams: UpstreamKinds, guards: Guards, *, run: CallRun, rule: ForwardRule, since_s: float = 0.0
    ) -> None:
        """`since_s`: how long ago its first try began."""
        assert run.upstream is not None and run.policy is not None  # noqa: PT018, S101 - the call was admitted
        self._upstreams = upstreams
        self._guards = guards
        self._run = run
        self._rule = rule
        total_s, remaining_s = timeout_s(run, run.upstream, since_s=since_s), run.incoming.time_remaining()
        self._ends = time.perf_counter() + total_s
        self._hurried = remaining_s is not None and remaining_s <= total_s
        """Whether it is the caller who wants it over then."""
        self._infers = run.policy.contract.operation is Operation.INFER
        self._reads = run.policy.contract.operation in _REPEATABLE
        self._again = again(run)
        """Whether it may be made again though it may have been carried out."""
        self._doubtful = False
        """Whether a try may have reached an upstream."""
        self._failed_at = -1
        """The address of this arm that has failed last; -1 for none."""

    def _left_s(self) -> float:
        return self._ends - time.perf_counter()

    def _begin(self, why: str, *, avoid: int) -> Going | Failure:
        run, at_us = self._run, elapsed_us(self._run)
        upstream = run.upstream
        assert upstream is not None  # noqa: S101 - the call was admitted
        guarded = self._guards.of(upstream)
        entry, place = Entry(0), upstream
        if guarded is not None:
            now_ms = self._guards.clock()
            entry = guarded.guard.enter(now_ms=now_ms, avoid=avoid)
            if entry.refused:
                run.attempts.append(
                    attempt(run, status="OPEN" if entry.stage == OPEN else "FULL", at_us=at_us, why=why)
                )
                return Failure(wait_ms=guarded.guard.wait_ms(now_ms=now_ms))
            place = guarded.places[entry.address]
        left_s = max(0.001, self._left_s())
        given_s = try_s(self._rule, min(left_s, longest_s(upstream)), again=self._again)
        try:
            call = self._start(place, given_s)
        except BaseException:  # a mistake of ours, and no reason to count it as running for ever
            if guarded is not None:
                guarded.guard.left(entry, now_ms=self._guards.clock(), failed=None)
            raise
        run.attempts.append(attempt(run, status="", at_us=at_us, why=why, address=entry.address))
        late_counts = given_s >= SHORT_SECONDS or given_s < left_s or not self._hurried
        return Going(call, len(run.attempts) - 1, late_counts, guarded, entry)

    def _start(self, place: Upstream, given_s: float) -> Any:
        """Begin a call there, which has so many seconds."""
        run = self._run
        begin = self._upstreams.unary(place, run.incoming.method)
        return begin(forwarded(run, takes_of(run, "request")), timeout=given_s, metadata=outgoing(run))

    async def _end(self, going: Going) -> Answer | Failure:
        """Await a try.

        Raises:
            UpstreamRefused: which is an answer.
        """
        try:
            response = await going.call
        except grpc.aio.AioRpcError as error:
            failed_with(self._run, error)
            self.over(going, error.code().name, failed=self.is_failure(error, going))
            if fate_of(error) is Fate.REFUSED:
                raise UpstreamRefused(error) from error
            return self._failure(error)
        except BaseException:
            self.over(going, "CANCELLED", failed=None)
            raise
        self.over(going, "OK", failed=False)
        return Answer(going, response)

    def is_failure(self, error: grpc.aio.AioRpcError, going: Going) -> bool | None:
        """Whether the upstream has failed; `None` where nobody can say. What it says in its own words is an answer."""
        if fate_of(error) is Fate.REFUSED:
            return False
        late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        return None if late and not going.late_counts else True

    def over(self, going: Going, status: str, *, failed: bool | None) -> None:
        """Remember how a try has ended, once."""
        if going.over:
            return
        going.over = True
        self._failed_at = going.entry.address if failed else -1
        made = self._run.attempts[going.place]
        took_us = elapsed_us(self._run) - made.at_us
        self._run.attempts[going.place] = msgspec.structs.replace(made, status=status, took_us=took_us)
        if going.guarded is not None:
            going.guarded.guard.left(going.entry, now_ms=self._guards.clock(), failed=failed)

    def _failure(self, error: grpc.aio.AioRpcError) -> Failure:
        failure = Failure(error)
        self._doubtful = self._doubtful or not failure.untouched
        return failure
