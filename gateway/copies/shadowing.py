"""Copies of calls to other arms of their routes: which are made when, and who is told of them.

Nothing here delays the call: a copy begins when the caller's answer is on its way, and where too many wait it is
dropped, which is recorded.
"""

import asyncio
import functools
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.adapters.admission import Admission
from gateway.adapters.failures import RuleFailures
from gateway.callrun import CallRun
from gateway.copies.copying import Copy, Copying
from gateway.core import keys
from gateway.core.errors import CallEnded, Reason
from gateway.core.shadows import CopyEnd, ShadowResult
from gateway.upstream.kinds import UpstreamKinds
from gateway.watching.trace_context import CallTrace, handling

MOST_RUNNING: Final = 16
"""Copies under way at a time, for each upstream they go to: one that hangs leaves the others alone."""
MOST_WAITING: Final = 64
"""Copies that wait behind them."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Requests and replies that copies keep in memory, all together."""

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
        self._copying = Copying(upstreams, admission, failures=failures, pseudonym_key=pseudonym_key)
        self._admission = admission
        self._watched = watched
        self._lanes: dict[str, _Lane] = {}
        self._bytes = 0
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
            self._queue(Copy(run, reply, copying, target))

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

    def _queue(self, copy: Copy) -> None:
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

    def _drop(self, copy: Copy, *, waited: bool) -> None:
        if waited:
            self._bytes -= copy.size
        self._end(copy, copy.result(CopyEnd.DROPPED), started_ns=time.time_ns())

    async def _attend(self, copy: Copy) -> None:
        """Make one copy, and see that something is remembered of it, however it ends."""
        started_ns, result = time.time_ns(), None
        now = handling(copy.trace)
        try:
            result = await self._copying.make(copy)
        except CallEnded as ended:  # without the store nobody can say whether it was stopped
            if ended.reason is not Reason.STORE_UNAVAILABLE:
                _log.exception("a copy failed")
        except Exception:
            _log.exception("a copy failed")
        finally:
            self._bytes -= copy.size
            result = result or copy.result(CopyEnd.DROPPED, sent=copy.asked)
            self._end(copy, result, started_ns=started_ns)
            now.trace = None

    def _end(self, copy: Copy, result: ShadowResult, *, started_ns: int) -> None:
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


class _Lane:
    """The copies that go to one upstream."""

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[Copy] = deque()
