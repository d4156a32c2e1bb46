"""Step 7: how an admitted call reaches an upstream, with what is left of the caller's deadline.

Most routes say nothing of it: then the call is made once. What may be tried more than once, is guarded by a breaker or
spread over several addresses goes the way of `gateway.upstream.trying`.
"""

import time
from collections.abc import Callable

import grpc

from gateway.adapters.upstreams import failed
from gateway.callrun import CallRun, elapsed_us, forward_rule_of, timeout_s
from gateway.core.forwarding import PLAIN
from gateway.core.policy.upstreams import Upstream
from gateway.core.revision.compiled import Revision
from gateway.passing import forwarded, takes_of
from gateway.upstream.attempts import answered, attempt, failed_with, outgoing
from gateway.upstream.fallback import Fallbacks
from gateway.upstream.guards import Guards, places_of
from gateway.upstream.kinds import UpstreamKinds
from gateway.upstream.making import Tried
from gateway.upstream.opening import Opened, Opening
from gateway.upstream.trying import Tries


class Forwarding:
    """Every unary call passes `unary` once, every stream `stream`, after it was admitted and before it is settled.

    `clock` gives milliseconds and never steps back.
    """

    def __init__(self, upstreams: UpstreamKinds, fallbacks: Fallbacks, *, clock: Callable[[], int]) -> None:
        self.guards = Guards(clock)
        self._upstreams = upstreams
        self._fallbacks = fallbacks

    def use(self, revision: Revision) -> None:
        """Connect to the upstreams of this revision, and guard them."""
        rules = [rule.forward for policy in revision.methods.values() for rule in policy.routes]
        longest_s = max([rule.timeout_ms / 1000 for rule in rules if rule is not None], default=0.0)
        self.guards.use(revision)
        self._upstreams.use(
            [place for each in revision.upstreams.values() for place in places_of(each, least_s=longest_s)]
        )

    def count(self, run: CallRun) -> None:
        """Count a call for its route's budget of further tries, whose first try is made elsewhere."""
        rule = forward_rule_of(run)
        if rule is not None and rule.budget is not None:
            self.guards.budget(run.route.name, rule.budget).called(now_ms=self.guards.clock())

    async def unary(self, run: CallRun, *, tried: Tried | None = None) -> bytes:
        """The upstream's reply; `tried`: its first try was made elsewhere, and the call counted then.

        Raises:
            UpstreamRefused: the upstream said no, in its own words.
            CallEnded: it failed; `InDoubt` where it may have acted.
        """
        assert run.upstream is not None  # noqa: S101 - an admitted call has a route
        asked, rule = time.perf_counter() if tried is None else run.admitted, forward_rule_of(run)
        try:
            if tried is None and (rule is None or not rule.several) and self.guards.of(run.upstream) is None:
                return await self._plainly(run, run.upstream)
            tries = Tries(
                *(self._upstreams, self.guards),
                fallbacks=self._fallbacks,
                run=run,
                rule=rule or PLAIN,
                since_s=0.0 if tried is None else time.perf_counter() - asked,
            )
            found = await (tries.served() if tried is None else tries.resumed(tried))
            await answered(run, found.going.call, found.response)
            return found.response
        finally:
            run.upstream_us = int((time.perf_counter() - asked) * 1e6)

    async def stream(self, run: CallRun, *, empty: bool) -> Opened:
        """Begin a stream to an upstream; its messages are still to be sent, but for the first where it says so.

        `empty`: it has no message at all.

        Raises:
            CallEnded: it can be begun nowhere.
        """
        assert run.upstream is not None  # noqa: S101 - an admitted call has a route
        rule = forward_rule_of(run)
        if (rule is None or not rule.several) and self.guards.of(run.upstream) is None:
            begin = self._upstreams.stream(run.upstream, run.incoming.method)
            return Opened(begin(timeout=timeout_s(run, run.upstream), metadata=outgoing(run)))
        opening = Opening(self._upstreams, self.guards, fallbacks=self._fallbacks, run=run, rule=rule or PLAIN)
        return await opening.open(empty=empty)

    async def _plainly(self, run: CallRun, upstream: Upstream) -> bytes:
        at_us = elapsed_us(run)
        call = self._upstreams.unary(upstream, run.incoming.method)(
            forwarded(run, takes_of(run, "request")), timeout=timeout_s(run, upstream), metadata=outgoing(run)
        )
        try:
            response = await call
            await answered(run, call, response)
        except grpc.aio.AioRpcError as error:
            failed_with(run, error)
            run.attempts.append(attempt(run, status=error.code().name, at_us=at_us))
            raise failed(error, harmless=run.harmless) from error
        return response
