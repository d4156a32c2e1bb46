"""Makes the calls that were kept, once they may be made, and tells who waits for them. Every gateway runs one.

A hold is claimed in one step of the store, so one gateway makes the call. It goes the way of any other call under the
revision that is active by then; an approval waives what wanted it and nothing else. What the policy refuses for now is
put off, what it refuses for good has failed. Right before the request is sent the store is told so, and from then on no
other gateway sends it: where this one dies, another says what became of the call, as far as the store knows.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from typing import Final

from gateway.adapters.holds import KeptRequest
from gateway.adapters.redis_connection import CommandRefused, StoreDown
from gateway.adapters.sealing import Damaged, KeyMissing
from gateway.adapters.upstreams import InDoubt, UpstreamRefused
from gateway.callrun import CallRun, Incoming, new_id, timeout_s
from gateway.core import holds
from gateway.core.errors import CallEnded, Reason
from gateway.core.holds import Hold, HoldState
from gateway.core.keys import Cell
from gateway.core.record import Verdict
from gateway.holds.keeping import Keeping
from gateway.holds.waiting import Waiting
from gateway.pipeline import Pipeline
from gateway.records.call_records import RESERVATION_SLACK_MS, status_name
from gateway.refusal import Kept
from gateway.watching.trace_context import handling

_log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.25
"""How often a gateway looks for holds that are due. A look is one read a cell, whatever there is."""
AT_ONCE: Final = 32
"""Most held calls that one gateway makes at a time."""
_WAITS: Final = frozenset({Reason.QUIET_HOURS, Reason.LIMIT_EXCEEDED, Reason.CAP_EXCEEDED})
"""What passes by itself, at a time that is known."""
_PASSES: Final = frozenset(
    {Reason.UPSTREAM_UNAVAILABLE, Reason.STORE_UNAVAILABLE, Reason.REVISION_MISSING, Reason.DRAINING}
)
"""What passes by itself at some time, and has changed nothing."""


class Holding:
    """The holds of one gateway process. `clock` gives milliseconds since the epoch, `ended` hears of each call made."""

    def __init__(
        self,
        pipeline: Pipeline,
        keeping: Keeping,
        waiting: Waiting,
        *,
        ended: Callable[[CallRun], None],
        clock: Callable[[], int],
    ) -> None:
        self._waiting = waiting
        self._pipeline = pipeline
        self._store = keeping.store
        self._unsure = keeping.unsure
        self._ended = ended
        self._clock = clock
        self._running: dict[str, asyncio.Task[None]] = {}
        self._closing_at = 0.0
        self._room = asyncio.Event()
        """Set when there is room again for some of the holds that are due already."""
        self._crowded = False
        self._seen: dict[Cell, int] = {}

    async def run(self) -> None:
        """Look for holds that are due until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # whatever is wrong with one hold must not end this, or no other would be made
                _log.exception("holds cannot be looked for")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._room.wait()

    def stop(self, *, within_s: float) -> None:
        """Begin with no other hold, and let those that wait go. What is being made has so long to end, see `close`."""
        self._closing_at = asyncio.get_running_loop().time() + within_s
        self._waiting.stop()

    async def close(self) -> None:
        """Wait for the calls that are being made; those that take too long are in doubt, like with any other call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._closing_at):
                while self._running:
                    await asyncio.wait(self._running.values())
        left = tuple(self._running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def look(self) -> None:
        """Begin with what is due, and wake who waits for a hold that has changed."""
        revision = self._pipeline.revision
        if revision is None:
            return
        self._room.clear()
        self._crowded = False
        places = [(tenant, cell) for tenant in revision.tenants for cell in revision.cells_of(tenant)]
        await asyncio.gather(*(self._look(*place) for place in places), self._withdraw())

    async def _look(self, tenant: str, cell: Cell) -> None:
        try:
            due, changes = await self._store.due(cell, now_ms=self._clock())
            if self._seen.get(cell) != changes:
                await self._waiting.look(tenant, cell)
                self._seen[cell] = changes
        except (StoreDown, CommandRefused):
            return  # the next look comes soon, and calls are told what they need to know
        for hold_id in due:
            if self._pipeline.draining or self._closing_at:
                return
            if len(self._running) >= AT_ONCE:
                self._crowded = True
                return
            if hold_id not in self._running:
                self._running[hold_id] = asyncio.get_running_loop().create_task(self._attend(cell, hold_id))

    async def _withdraw(self) -> None:
        """Give up calls that were kept although their callers were told otherwise: they may make them again."""
        for cell, hold_id in tuple(self._unsure):
            with contextlib.suppress(StoreDown, CommandRefused):
                hold, now_ms = await self._store.read(cell, hold_id), self._clock()
                given_up = None if hold is None else holds.withdraw(hold, now_ms=now_ms)
                if hold is not None and given_up is not None:
                    record = holds.ended_record(given_up, decision=new_id(now_ms), now_ms=now_ms)
                    await self._store.move(hold, given_up, record=record)
                self._unsure.discard((cell, hold_id))

    async def _attend(self, cell: Cell, hold_id: str) -> None:
        """Do what is to be done about a hold now. Whatever goes wrong is tried again when its claim has run out."""
        try:
            await self._read_and_step(cell, hold_id)
        except (StoreDown, CommandRefused):
            _log.warning("a hold waits for the store", extra={"hold": hold_id})
        except Exception:
            _log.exception("a hold cannot be dealt with", extra={"hold": hold_id})
        finally:
            del self._running[hold_id]
            if self._crowded:
                self._room.set()

    async def _read_and_step(self, cell: Cell, hold_id: str) -> None:
        try:
            hold = await self._store.read(cell, hold_id)
        except Damaged:
            _log.error("what was kept of a hold has been changed: it is left alone", extra={"hold": hold_id})
            await self._store.set_aside(cell, hold_id)
            return
        if hold is None:
            await self._store.forget_lost(cell, hold_id)
            return
        await self._next_step(hold)

    async def _next_step(self, hold: Hold) -> None:
        now_ms = self._clock()
        if holds.due_ms(hold) > now_ms:
            return
        if hold.state in holds.OVER:
            await self._store.forget(hold)
        elif (expired := holds.expire(hold, now_ms=now_ms)) is not None:
            record = holds.ended_record(expired, decision=new_id(now_ms), now_ms=now_ms)
            await self._store.move(hold, expired, record=record)
        elif hold.state is HoldState.EXECUTING:
            await self._find_out(hold)
        else:
            claimed = holds.claim(hold, by=uuid.uuid4().hex, now_ms=now_ms)
            if claimed is not None and await self._store.move(hold, claimed):
                await self._make(claimed)

    async def _find_out(self, hold: Hold) -> None:
        """Say what became of a call whose gateway has not come back: what was settled, else that nobody knows."""
        state, answer = await self._store.attempt(hold)
        if state == "done":
            await self._finish(hold, HoldState.EXECUTED, status="OK", answer=answer)
            return
        await self._finish(hold, HoldState.IN_DOUBT, status="UNKNOWN", reason=Reason.UPSTREAM_IN_DOUBT)

    async def _make(self, hold: Hold) -> None:
        """Make a call that was claimed, and say what came of it."""
        try:
            kept = await self._store.request(hold)
        except Damaged:
            _log.error("what was kept of a hold has been changed: it is not executed", extra={"hold": hold.id})
            now_ms = self._clock()
            failed = holds.finish(
                hold,
                by=hold.claim,
                state=HoldState.FAILED,
                now_ms=now_ms,
                status="DATA_LOSS",
                reason=Reason.HOLD_DAMAGED,
            )
            assert failed is not None  # noqa: S101 - we have the claim
            record = holds.ended_record(failed, decision=new_id(now_ms), now_ms=now_ms)
            await self._store.move(hold, failed, record=record)
            return
        except KeyMissing:
            _log.error("a hold was sealed with a key that this gateway lacks", extra={"hold": hold.id})
            return  # who has the key takes it over when our claim has run out
        run = self._run_of(hold, kept)
        now = handling(run.incoming.trace)
        begun, answer = hold, b""
        try:
            begun, answer = await self._call(run, hold, kept.request)
        except Exception as ended:
            begun = run.released or hold
            await self._not_made(begun, run, ended)
        else:
            await asyncio.sleep(0)  # the settlement is on its way first: it is what the truth is found out from
            await self._finish(begun, HoldState.EXECUTED, status="OK", result=run.id, answer=answer)
        finally:
            self._ended(run)
            now.trace = None

    def _run_of(self, hold: Hold, kept: KeptRequest) -> CallRun:
        incoming = Incoming.of(hold.method, kept.metadata, time_remaining=lambda: None, trace_ratio=1)
        run = CallRun(incoming, parent=hold.id, received_ms=self._clock())
        run.released = hold
        return run

    async def _call(self, run: CallRun, hold: Hold, request: bytes) -> tuple[Hold, bytes]:
        """The way of one call, and the step before it is forwarded. Gives the hold as begun, and the answer, sealed."""
        sealed, reply = b"", None
        try:
            await self._pipeline.admit(run, request)
            run.released = begun = await self._begin(run, hold)
            response = reply = await self._pipeline.forward(run)
            run.response_bytes = len(response)
            sealed = self._store.seal_answer(response, tenant=hold.tenant, agent=hold.agent, first=hold.id)
        except BaseException as ended:
            run.ended = ended
            raise
        else:
            return begun, sealed
        finally:
            self._pipeline.settle(run, answer=sealed)
            self._pipeline.copy(run, reply)

    async def _begin(self, run: CallRun, hold: Hold) -> Hold:
        assert run.upstream is not None  # noqa: S101 - an admitted call has a route
        overdue_ms = self._clock() + int(1000 * timeout_s(run, run.upstream)) + RESERVATION_SLACK_MS
        begun = holds.begin(hold, by=hold.claim, until_ms=overdue_ms)
        try:
            if begun is not None and await self._store.move(hold, begun):
                return begun
        except (StoreDown, CommandRefused) as error:
            # It may have been told all the same. Then nobody sends it any more, which is said once it is overdue.
            raise CallEnded(Reason.STORE_UNAVAILABLE, "The store of holds does not answer.") from error
        raise CallEnded(Reason.CANCELLED, "Somebody else has the hold by now.")

    async def _not_made(self, hold: Hold, run: CallRun, ended: Exception) -> None:
        """Put the call off, ask a person again, or say that it has failed."""
        if isinstance(ended, Kept) and ended.plan.verdict is Verdict.HOLD:
            asking = holds.ask(hold, by=hold.claim, level=ended.plan.level)
            if asking is not None:
                await self._store.move(hold, asking)
            return
        if not isinstance(ended, CallEnded | UpstreamRefused):
            _log.error("a held call failed", exc_info=ended, extra={"hold": hold.id})
        wait_ms = _wait_ms(hold, ended)
        if wait_ms is not None:
            off = holds.put_off(hold, by=hold.claim, release_ms=self._clock() + wait_ms)
            if off is not None:
                await self._store.move(hold, off)
                return
        doubtful = isinstance(ended, InDoubt) or not isinstance(ended, CallEnded | UpstreamRefused)
        begun = hold.state is HoldState.EXECUTING
        state = HoldState.IN_DOUBT if doubtful and begun and not run.harmless else HoldState.FAILED
        result = run.id if run.outcome is not None else ""
        reason = ended.plan.why.value if isinstance(ended, Kept) else run.reason
        await self._finish(hold, state, status=status_name(ended), reason=reason, result=result)

    async def _finish(
        self, hold: Hold, state: HoldState, *, status: str, reason: str = "", result: str = "", answer: bytes = b""
    ) -> None:
        now_ms = self._clock()
        over = holds.finish(
            hold, by=hold.claim, state=state, now_ms=now_ms, status=status, reason=reason, result=result
        )
        if over is not None:
            await self._store.move(hold, over, answer=answer)


def _wait_ms(hold: Hold, ended: Exception) -> int | None:
    """Milliseconds until the call is worth another attempt; `None` where it is not, or may have acted."""
    if not isinstance(ended, CallEnded) or isinstance(ended, InDoubt):
        return None
    if isinstance(ended, Kept):
        return ended.plan.wait_ms
    if ended.reason in _WAITS:
        return ended.retry_after_ms
    return holds.retry_ms(hold) if ended.reason in _PASSES else None
