"""Step 6: takes every bucket and writes the record, in one step of the store.

Where the store refuses, what the policy says of that is done.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter

import msgspec

from gateway import refusal
from gateway.adapters.admission import Admission, StoreSilent
from gateway.adapters.reservation import Reservation, reserve
from gateway.callrun import CallRun, hash_of
from gateway.considering import plainly
from gateway.core import keys
from gateway.core.cells import cell_of
from gateway.core.errors import CallEnded, Reason
from gateway.core.limits import Bucket
from gateway.exceeding import decided, exceeded, on_another_channel
from gateway.holds.keeping import Keeping
from gateway.records.call_records import record_of, settlement_of


class Taking:
    """Admits calls that were decided about.

    `consider` decides about one anew, for another channel; `anew` is told of one that has become another decision.
    """

    def __init__(
        self,
        admission: Admission,
        keeping: Keeping,
        *,
        consider: Callable[[CallRun], Awaitable[None]],
        anew: Callable[[CallRun], None],
    ) -> None:
        self._admission = admission
        self._anew = anew
        self._keeping = keeping
        self._consider = consider

    async def take(self, run: CallRun) -> None:
        """Step 6: take every bucket and write the record, in one step of the store."""
        assert run.decision is not None and run.agent is not None and run.call is not None  # noqa: PT018, S101
        remaining = run.incoming.time_remaining()
        if remaining is not None and remaining <= 0:
            raise CallEnded(Reason.DEADLINE_EXCEEDED, "The deadline passed before the call was forwarded.")
        request_key = request_hash = ""
        cell = keys.cell(run.agent.tenant, run.cell)
        if run.released is not None:
            request_key = keys.hold_request(cell, run.released.id, attempt=run.released.attempt)
        elif run.call.request_id and run.repeatable:
            await self.bind(run)
            request_key = keys.idempotency(cell, run.agent.name, run.call.request_id)
        if request_key:
            request_hash = hash_of(run)
        record = record_of(run)
        reservation = reserve(record, run.decision.buckets, request_key=request_key, beside=run.beside)
        try:
            run.outcome, answer = await self._admission.admit(reservation, record, request_hash=request_hash)
        except BaseException as ended:
            run.ended = ended
            if not isinstance(ended, StoreSilent) or ended.sent:
                # The store may still carry the admission out; then what it takes is given back.
                self._admission.settle(reservation, settlement_of(run, gave_back=True))
            if not isinstance(ended, StoreSilent) or not _passes(run.decision.buckets, request_key):
                raise
            reservation, answer = await self._take_locally(run, sent=ended.sent), b""
        assert run.outcome is not None  # noqa: S101 - one of the two has set it
        if not run.outcome.granted:
            await self._exceeded(run)
            return
        run.reservation = reservation
        run.admitted = perf_counter()
        if run.outcome.first:
            run.answer = self._keeping.answer(run, answer)

    async def _exceeded(self, run: CallRun) -> None:
        """Do what the policy says of a call that the store has refused. Returns where it went through after all.

        Raises:
            CallEnded: it did not; `Kept` where it is kept for later, or for a person.
        """
        assert run.outcome is not None and run.decision is not None  # noqa: PT018, S101
        held = await self._keeping.first(run) if run.outcome.first and run.released is None else None
        why = held or self._refused_by_store(run)
        if held is not None or run.outcome.reason:
            raise why
        bucket, look, action = exceeded(run.decision.buckets, run.outcome)
        if action == "defer":
            await self._keeping.defer(
                run, wait_ms=look.wait_ms, why=why, rule=bucket.limit, max_defer_ms=bucket.max_defer_ms
            )
        elif action == "review":
            await self._keeping.hold(run, why=why, rule=bucket.limit)
        elif action == "downgrade":
            await self._downgrade(run, bucket.downgrade_to, why)
        else:
            raise why

    async def _downgrade(self, run: CallRun, channel: str, why: CallEnded) -> None:
        """Try a contact on another channel. Where the rules do not let it go there either, the first refusal stands."""
        refused = decided(run)
        if not on_another_channel(run, channel):
            raise why
        try:
            await self._consider(run)
        except CallEnded as ended:
            if ended.reason is Reason.STORE_UNAVAILABLE:
                raise
            for name, value in refused.items():  # which is recorded already
                setattr(run, name, value)
            raise why from ended
        await self.take(run)

    async def _take_locally(self, run: CallRun, *, sent: bool) -> Reservation:
        """Step 6 without the store; a decision of its own where the store may have got the first attempt."""
        assert run.decision is not None  # noqa: S101 - for the type checker
        if sent:
            self._admission.write_soon(record_of(run), beside=run.beside)
            run.begin_anew()
            self._anew(run)
        run.ended = None
        record = record_of(run)
        reservation = msgspec.structs.replace(reserve(record, run.decision.buckets), local=True)
        run.outcome = await self._admission.admit_locally(reservation, record)
        return reservation

    async def bind(self, run: CallRun) -> None:
        """Make sure that an idempotency key stands for one request, where another may belong to another cell."""
        assert run.revision is not None and run.agent is not None and run.call is not None  # noqa: PT018, S101
        cells = run.revision.cells.get(run.agent.tenant)
        if cells is None:  # one cell: admission itself sees every call with the key
            return
        agent, key = run.agent.name, run.call.request_id
        own = keys.cell(run.agent.tenant, cell_of(cells, agent, key))
        if not await self._admission.bind(keys.bound(own, agent, key), hash_of(run)):
            raise plainly(Reason.IDEMPOTENCY_KEY_REUSED, run)

    def _refused_by_store(self, run: CallRun) -> CallEnded:
        assert run.decision is not None and run.agent is not None and run.outcome is not None  # noqa: PT018, S101
        outcome = run.outcome
        if outcome.reason:
            return plainly(Reason(outcome.reason), run, rule=outcome.stop)
        return refusal.by_bucket(
            run.decision.buckets[outcome.refused],
            outcome.looks[outcome.refused],
            agent=run.agent.name,
            method=run.incoming.method,
            language=run.incoming.language,
        )


def _passes(buckets: tuple[Bucket, ...], request_key: str) -> bool:
    """Whether the policy lets a call through without the store. One that may be a repeat never passes."""
    return bool(buckets) and not request_key and all(bucket.on_store_error != "closed" for bucket in buckets)
