"""Admission: every bucket taken and the decision recorded in one atomic step of the store, and settled afterwards.

No record, no call: where the store does not answer, a call that would need it is refused, and what there is to say
about it goes to the spool.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

import msgspec

from gateway.adapters.redis_connection import CommandRefused, RedisConnection, StoreDown
from gateway.adapters.spool import Command, Spool
from gateway.core import keys
from gateway.core.errors import CallEnded, Reason
from gateway.core.limits import Bucket
from gateway.core.record import Outcome, Record, Settlement
from gateway.core.stops import stops_of

_log = logging.getLogger(__name__)

_ENCODER: Final = msgspec.json.Encoder()
_OUTCOME: Final = msgspec.json.Decoder(Outcome)
KEPT_ANSWER_BYTES: Final = 1024 * 1024
"""Largest answer kept for a repeat with the same idempotency key."""
SETTLE_EVERY_SECONDS: Final = 0.005
"""Settlements gather for so long, to share a write. A gateway that dies in between leaves its last calls in doubt."""
RETRY_SECONDS: Final = 1.0


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What a call asks to hold until it is settled."""

    id: str
    stream: str
    bucket_keys: tuple[str, ...] = ()
    cap_keys: tuple[str, ...] = ()
    """Those of the buckets that can be given back."""
    request_key: str = ""
    """Key of the call's idempotency key; empty where it has none."""


def reserve(record: Record, buckets: Sequence[Bucket], *, request_key: str = "") -> Reservation:
    """The reservation that `Admission.admit` makes for these buckets."""
    bucket_keys = tuple([keys.bucket(record.tenant, b.kind, limit=b.limit, by=b.by) for b in buckets])
    return Reservation(
        id=record.id,
        stream=keys.decisions(record.tenant),
        bucket_keys=bucket_keys,
        cap_keys=tuple([key for key, bucket in zip(bucket_keys, buckets, strict=True) if bucket.kind == "cap"]),
        request_key=request_key,
    )


class Admission:
    """The store's functions `admit` and `settle`."""

    def __init__(self, connection: RedisConnection, spool: Spool) -> None:
        source = resources.files("gateway.adapters").joinpath("admit.lua").read_text(encoding="utf-8")
        # Named after their content, so that gateways of two versions can share a store during an upgrade.
        library = f"pilote_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
        self._source = source.replace("@LIBRARY@", library)
        self._admit = f"{library}_admit"
        self._settle = f"{library}_settle"
        self._connection = connection
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._streams: tuple[str, ...] = ()
        self._due: list[Command] = []
        self._flushing: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        connection.on_up(self._replay_soon)

    async def prepare(self, tenants: Sequence[str]) -> None:
        """Load the functions and announce the tenants' streams to the audit writer.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """
        await self._send_or_end("FUNCTION", "LOAD", "REPLACE", self._source)
        self._streams = tuple(keys.decisions(tenant) for tenant in (*tenants, keys.NOBODY))
        await self._send_or_end("SADD", keys.STREAMS, *self._streams)
        if self._spool.waiting or self._spool.inherited():
            self._replay_soon()

    async def admit(
        self,
        reservation: Reservation,
        record: Record,
        *,
        buckets: Sequence[Bucket],
        request_hash: str = "",
        only_look: bool = False,
    ) -> tuple[Outcome, bytes]:
        """Take every bucket and write the record, or take none and write the refusal; one round trip.

        `request_hash` stands for the request's bytes where the call carries an idempotency key. The bytes returned are
        the first call's answer, when this one repeats it. `only_look` asks what would be said, and changes nothing.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer in time. The command may still be carried out,
                so the caller settles the reservation all the same.
        """
        stream = reservation.stream
        command: list[str | bytes | int] = [
            *("FCALL", self._admit, 3 + len(buckets), stream, reservation.request_key or stream),
            keys.stops(record.tenant),
            *reservation.bucket_keys,
            *(record.decided_ms, b"" if only_look else _ENCODER.encode(record), record.id),
            *(request_hash, record.expires_ms),
            *stops_of(record),
        ]
        for bucket in buckets:
            command += (bucket.kind, bucket.capacity, bucket.period_ms, bucket.interval_us, bucket.mode)
        try:
            outcome, answer = await self._send_loading(tuple(command))
        except StoreDown as error:
            raise _store_unavailable() from error
        return _OUTCOME.decode(outcome), answer

    async def write(self, record: Record) -> None:
        """Record a call that was refused before admission. Where the store is down the record waits on disk."""
        command = _refusal(record)
        try:
            await self._connection.send(*command)
        except (StoreDown, CommandRefused):
            await self._keep(command)

    def write_soon(self, record: Record) -> None:
        """Like `write`, for a caller that has gone away: never waits."""
        self._queue(_refusal(record))

    def settle(self, reservation: Reservation, settlement: Settlement, *, answer: bytes | None = b"") -> None:
        """Confirm what the call took, or give it back; never waits.

        `answer` is what the caller gets, kept for repeats where the call carries an idempotency key; `None` where the
        upstream's was withheld.
        """
        state = ""
        if reservation.request_key:
            # An answer that is not kept cannot be given again, so the repeat is told to find out.
            unclear = settlement.in_doubt or answer is None or len(answer) > KEPT_ANSWER_BYTES
            state = "free" if settlement.gave_back else "doubt" if unclear else "done"
        blob = _ENCODER.encode(settlement)
        if state or (settlement.gave_back and reservation.cap_keys):
            back = reservation.cap_keys if settlement.gave_back else ()
            names = (reservation.stream, reservation.request_key or reservation.stream, *back)
            kept = b"" if answer is None or len(answer) > KEPT_ANSWER_BYTES else answer
            self._queue(("FCALL", self._settle, len(names), *names, blob, reservation.id, state, kept))
            if state:  # whoever has the answer may repeat the call at once, and must get the same one
                self._flush()
        else:
            self._queue(("XADD", reservation.stream, "*", "k", "settle", "r", blob))

    async def close(self) -> None:
        """Write what is still due."""
        if self._retry is not None:
            self._retry.cancel()
        self._flush()
        while self._flushing:
            await asyncio.wait(self._flushing)

    def _queue(self, command: Command) -> None:
        if not self._due:
            self._loop.call_later(SETTLE_EVERY_SECONDS, self._flush)
        self._due.append(command)

    def _flush(self) -> None:
        due, self._due = self._due, []
        if due:
            self._own(self._write_all(due))

    async def _write_all(self, due: list[Command]) -> None:
        """Send all at once, then look at the replies; what fails goes to the spool, in order."""
        replies = [self._sent(command) for command in due]
        for command, reply in zip(due, replies, strict=True):
            if reply is not None:
                try:
                    await reply
                    continue
                except (StoreDown, CommandRefused):
                    pass
            await self._keep(command)

    def _sent(self, command: Command) -> asyncio.Future[Any] | None:
        try:
            return self._connection.send(*command)
        except StoreDown:
            return None

    async def _keep(self, command: Command) -> None:
        """Keep a command on disk, and try again later: the store may refuse writes without ever going away."""
        await self._spool.put(command)
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY_SECONDS, self._replay_soon)

    async def _send_loading(self, command: Command) -> Any:
        """Send a function call; load the functions first where a fresh server does not know them."""
        try:
            return await self._connection.send(*command)
        except CommandRefused as error:
            if "unction not found" not in str(error):
                _log.exception("the store refuses an admission")
                raise StoreDown("the store refuses") from error
        try:
            await self._connection.send("FUNCTION", "LOAD", "REPLACE", self._source)
            return await self._connection.send(*command)
        except CommandRefused as error:
            _log.exception("the store refuses our functions")
            raise StoreDown("the store refuses") from error

    async def _send_or_end(self, *command: str) -> None:
        try:
            await self._connection.send(*command)
        except (StoreDown, CommandRefused) as error:
            raise _store_unavailable() from error

    def _replay_soon(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._own(self._replay())

    async def _replay(self) -> None:
        try:
            if self._streams:  # a store that comes back may have come back empty
                await self._send_loading(("SADD", keys.STREAMS, *self._streams))
            sent = await self._spool.replay(self._send_loading)
        except StoreDown:
            self._retry = self._retry or self._loop.call_later(RETRY_SECONDS, self._replay_soon)
            return
        if sent:
            _log.info("replayed what had waited for the store", extra={"records": sent})

    def _own(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)


def _refusal(record: Record) -> Command:
    """Writes the record of a call that never came to admission."""
    blob = _ENCODER.encode(record)
    return ("XADD", keys.decisions(record.tenant), "*", "k", "admit", "r", blob, "o", b'{"granted":false}')


def _store_unavailable() -> CallEnded:
    return CallEnded(Reason.STORE_UNAVAILABLE, "The store of limits and records does not answer; retry.")
