"""Tries a call until it is answered: again, at other addresses and other arms, as long as that can do no harm.

A try that fails is followed by another one only where the call reads or infers, where its contract says that repeats do
no harm, or where it is certain that nothing has reached the upstream. Whatever else changes something is never sent a
second time. No try begins beyond the deadline, and those that are neither the first nor at another arm have a budget:
an upstream that is down must not be kept there by us.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import grpc
import msgspec

from gateway.adapters.upstreams import UpstreamRefused, failed, in_doubt, longest_s, unavailable
from gateway.attempts import attempt, failed_with, outgoing
from gateway.callrun import CallRun, elapsed_us, forwarded, takes_of, timeout_s
from gateway.core.breaking import OPEN
from gateway.core.call import Operation
from gateway.core.forwarding import ForwardRule
from gateway.core.guarding import Entry
from gateway.core.policy.upstreams import Upstream
from gateway.core.retrying import backoff_ms
from gateway.fallback import Fallbacks
from gateway.guards import Guarded, Guards
from gateway.rpc.status import Fate, fate_of, pushback_ms
from gateway.upstream_kinds import UpstreamKinds

SHORT_SECONDS: Final = 1.0
"""A caller who gives an upstream less time than this, and less than the policy does, says nothing of it by going."""
_random: Final = random.Random()  # noqa: S311 - waits must differ, not be secret
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


class Tries:
    """The tries of one call, of whatever kind."""

    def __init__(
        self, upstreams: UpstreamKinds, guards: Guards, *, fallbacks: Fallbacks, run: CallRun, rule: ForwardRule
    ) -> None:
        assert run.upstream is not None and run.policy is not None  # noqa: PT018, S101 - the call was admitted
        self._upstreams = upstreams
        self._guards = guards
        self._fallbacks = fallbacks
        self._run = run
        self._rule = rule
        total_s, remaining_s = timeout_s(run, run.upstream), run.incoming.time_remaining()
        self._ends = time.perf_counter() + total_s
        self._hurried = remaining_s is not None and remaining_s <= total_s
        """Whether it is the caller who wants it over then."""
        self._reads = run.policy.contract.operation in _REPEATABLE
        self._again = self._reads or run.harmless
        """Whether it may be made again though it may have been carried out."""
        self._doubtful = False
        """Whether a try may have reached an upstream."""
        self._budget = None if rule.budget is None else guards.budget(run.route.name, rule.budget)

    async def served(self) -> Answer:
        """The first try that is answered.

        Raises:
            UpstreamRefused: an upstream said no, in its own words.
            CallEnded: all failed; `InDoubt` where one may have acted.
        """
        if self._budget is not None:
            self._budget.called(now_ms=self._guards.clock())
        found = await self._at_arm(self._rule.attempts, "")
        fallback = iter(self._rule.fallback)
        while isinstance(found, Failure) and await self._fall_back(fallback):
            found = await self._at_arm(1, "fallback")
        if isinstance(found, Failure):
            raise self._ended(found)
        return found

    def _ended(self, failure: Failure) -> Exception:
        if self._doubtful and not self._run.harmless:
            return in_doubt()
        if failure.error is None:
            return unavailable(failure.wait_ms)
        return failed(failure.error, harmless=self._run.harmless)

    async def _at_arm(self, tries: int, why: str) -> Answer | Failure:
        """Try the arm that the call goes to now, so often."""
        made = 0
        while True:
            found = await self._hedged(why) if self._rule.hedge_ms and self._reads else await self._once(why)
            if isinstance(found, Answer):
                return found
            made += 1
            self._doubtful = self._doubtful or not found.untouched
            if made >= tries or not await self._may_go_on(found, made):
                return found
            why = "retry"

    async def _may_go_on(self, failure: Failure, made: int) -> bool:
        """Wait until the same arm may be tried again; says whether it may at all."""
        if failure.error is None or not (failure.untouched or self._again):
            return False
        asked_ms = pushback_ms(failure.error)
        wait_ms = backoff_ms(made, base_ms=self._rule.backoff_ms, draw=_random.random())
        wait_ms = wait_ms if asked_ms is None else asked_ms
        if wait_ms < 0 or wait_ms / 1000 >= self._left_s() or not self._within_budget():
            return False
        await asyncio.sleep(wait_ms / 1000)
        return True

    async def _fall_back(self, names: Iterator[str]) -> bool:
        """Let the call go to the next arm that may serve it; says whether there is one.

        What changes something stays where it may have been carried out: a repeat elsewhere is not the same call.
        """
        if self._doubtful and not self._reads:
            return False
        for name in names:
            if self._left_s() <= 0:
                return False
            at_us = elapsed_us(self._run)
            moved = await self._fallbacks.move(self._run, name)
            if moved.served:
                return True
            if moved.reason:
                self._run.attempts.append(moved.attempt(at_us=at_us, took_us=elapsed_us(self._run) - at_us))
        return False

    def _within_budget(self) -> bool:
        return self._budget is not None and self._budget.take(now_ms=self._guards.clock())

    def _left_s(self) -> float:
        return self._ends - time.perf_counter()

    async def _once(self, why: str) -> Answer | Failure:
        going = self._begin(why)
        return going if isinstance(going, Failure) else await self._end(going)

    async def _hedged(self, why: str) -> Answer | Failure:
        """Like `_once`, with a second try beside the first where that takes long. The first answer counts."""
        first = self._begin(why)
        if isinstance(first, Failure):
            return first
        both = {asyncio.ensure_future(self._end(first)): first}
        try:
            done, _ = await asyncio.wait(both, timeout=self._rule.hedge_ms / 1000)
            if not done and self._within_budget():
                second = self._begin("hedge", avoid=first.entry.address)
                if not isinstance(second, Failure):
                    both[asyncio.ensure_future(self._end(second))] = second
            return await _first_answer(both.keys())
        finally:
            for task, going in both.items():
                if task.done():
                    task.exception()  # of the one that came second nobody asks
                else:
                    task.cancel()
                    self.over(going, "CANCELLED", failed=None)

    def _begin(self, why: str, *, avoid: int = -1) -> Going | Failure:
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
        given_s = self._given_s(min(left_s, longest_s(upstream)))
        call = self._start(place, given_s)
        run.attempts.append(attempt(run, status="", at_us=at_us, why=why, address=entry.address))
        late_counts = given_s >= SHORT_SECONDS or given_s < left_s or not self._hurried
        return Going(call, len(run.attempts) - 1, late_counts, guarded, entry)

    def _given_s(self, longest: float) -> float:
        """Seconds that a try has; where it could not be repeated anyway it need not be over early."""
        return min(longest, self._rule.per_try_ms / 1000) if self._rule.per_try_ms and self._again else longest

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
            return Failure(error)
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
        made = self._run.attempts[going.place]
        took_us = elapsed_us(self._run) - made.at_us
        self._run.attempts[going.place] = msgspec.structs.replace(made, status=status, took_us=took_us)
        if going.guarded is not None:
            going.guarded.guard.left(going.entry, now_ms=self._guards.clock(), failed=failed)


async def _first_answer(tasks: Iterable[asyncio.Future[Answer | Failure]]) -> Answer | Failure:
    """What the first of them gives that is answered; the last failure where none is."""
    pending = set(tasks)
    found: Answer | Failure = Failure()
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            found = task.result()
            if isinstance(found, Answer):
                return found
    return found
