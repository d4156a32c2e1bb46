"""Tries a call until it is answered: again, at other addresses and other arms, as long as that can do no harm.

A try that fails is followed by another one only where the call reads or infers, where its contract says that repeats do
no harm, or where it is certain that nothing has reached the upstream. Whatever else changes something is never sent a
second time. No try begins beyond the deadline, and those that are neither the first nor at another arm have a budget:
an upstream that is down must not be kept there by us.
"""

import asyncio
import random
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from gateway.adapters.upstreams import failed, in_doubt, unavailable
from gateway.callrun import CallRun, elapsed_us
from gateway.core.forwarding import ForwardRule
from gateway.core.retrying import backoff_ms
from gateway.rpc.status import pushback_ms
from gateway.upstream.attempts import attempt, failed_with
from gateway.upstream.fallback import Fallbacks
from gateway.upstream.guards import Guards
from gateway.upstream.kinds import UpstreamKinds
from gateway.upstream.making import Answer, Failure, Making, Tried

_random: Final = random.Random()  # noqa: S311 - waits must differ, not be secret


class Tries(Making):
    """The tries of one call, of whatever kind."""

    def __init__(
        self,
        upstreams: UpstreamKinds,
        guards: Guards,
        *,
        fallbacks: Fallbacks,
        run: CallRun,
        rule: ForwardRule,
        since_s: float = 0.0,
    ) -> None:
        super().__init__(upstreams, guards, run=run, rule=rule, since_s=since_s)
        self._fallbacks = fallbacks
        self._budget = None if rule.budget is None else guards.budget(run.route.name, rule.budget)

    async def served(self) -> Answer:
        """The first try that is answered.

        Raises:
            UpstreamRefused: an upstream said no, in its own words.
            CallEnded: all failed; `InDoubt` where one may have acted.
        """
        if self._budget is not None:
            self._budget.called(now_ms=self._guards.clock())
        return await self._served(None)

    async def resumed(self, tried: Tried) -> Answer:
        """Like `served`, of a call that was counted before, and tried once, in vain."""
        run = self._run
        failed_with(run, tried.error)
        at_us, address = int((run.admitted - run.started) * 1e6), max(0, tried.address)
        made = attempt(run, status=tried.error.code().name, at_us=at_us, address=address)
        run.attempts.append(msgspec.structs.replace(made, took_us=tried.took_us))
        self._failed_at = tried.address
        return await self._served(self._failure(tried.error))

    async def _served(self, tried: Failure | None) -> Answer:
        found = await self._at_arm(self._rule.attempts, "", tried=tried)
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

    async def _at_arm(self, tries: int, why: str, *, tried: Failure | None = None) -> Answer | Failure:
        """Try the arm that the call goes to now, so often; where it was `tried`, that was the first of them."""
        made = 0
        while True:
            found = tried or await (self._hedged(why) if self._rule.hedge_ms and self._reads else self._once(why))
            tried = None
            if isinstance(found, Answer):
                return found
            made += 1
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
        worked = self._doubtful and self._infers
        for name in names:
            if self._left_s() <= 0:
                return False
            at_us = elapsed_us(self._run)
            moved = await self._fallbacks.move(self._run, name, worked=worked)
            if moved.served:
                self._failed_at = -1
                return True
            if moved.reason:
                self._run.attempts.append(moved.attempt(at_us=at_us, took_us=elapsed_us(self._run) - at_us))
        return False

    def _within_budget(self) -> bool:
        return self._budget is not None and self._budget.take(now_ms=self._guards.clock())

    async def _once(self, why: str) -> Answer | Failure:
        going = self._begin(why, avoid=self._failed_at)
        return going if isinstance(going, Failure) else await self._end(going)

    async def _hedged(self, why: str) -> Answer | Failure:
        """Like `_once`, with a second try beside the first where that takes long. The first answer counts."""
        first = self._begin(why, avoid=self._failed_at)
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
                if not task.done():
                    task.cancel()
                    self.over(going, "CANCELLED", failed=None)
                elif not task.cancelled():
                    task.exception()  # of the one that came second nobody asks


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
