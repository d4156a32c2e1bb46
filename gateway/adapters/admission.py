"""Admission: every bucket taken and the decision recorded in one atomic step of the store, and settled afterwards.

No record, no call: where the store does not answer, a call that would need it is refused, and what there is to say
about it goes to the spool.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import msgspec

from gateway.adapters.recent import Recent
from gateway.adapters.redis_connection import CommandRefused, StoreConnection, StoreDown, key_of
from gateway.adapters.reservation import NOTHING, Reservation, packed, settling
from gateway.adapters.spool import Command, Spool
from gateway.core import keys
from gateway.core.cells import event_home
from gateway.core.errors import CallEnded, Reason
from gateway.core.keys import Cell
from gateway.core.local import LocalCounts
from gateway.core.record import CustomerOutcome, Outcome, Record, SealedInputs, Settlement
from gateway.core.shadows import ShadowResult
from gateway.core.spending import Told
from gateway.core.stops import stops_of
from gateway.watching.histogram import Histogram

_log = logging.getLogger(__name__)

_ENCODER: Final = msgspec.json.Encoder()
_OUTCOME: Final = msgspec.json.Decoder(Outcome)
SOURCES: Final = ("stops.lua", "appending.lua", "buckets.lua", "admit.lua")
KEPT_ANSWER_BYTES: Final = 1024 * 1024
"""Largest answer kept for a repeat with the same idempotency key."""
SETTLE_EVERY_SECONDS: Final = 0.005
"""Settlements gather for so long, to share a write. A gateway that dies in between leaves its last calls in doubt."""
RETRY_SECONDS: Final = 1.0
BOUND_MS: Final = 2 * 86_400_000
"""How long after its last use an idempotency key of a tenant with several cells stands for the same request."""
STORE_SECONDS: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the buckets that admissions' times are counted in."""
_UNAVAILABLE: Final = "The store of limits and records does not answer; retry."
TOLD_AT_ONCE: Final = 100
"""Most outcomes on their way to the store: a call that comes behind thousands of them would wait too long."""
EVENT_DAYS: Final = 30
"""How long the same outcome, told again, is known for the same."""
_MEANINGS: Final = {
    **dict.fromkeys(
        ("delivered", "opened", "clicked", "replied", "converted", "unsubscribed", "complained"), "confirm"
    ),
    "bounced": "free",
}
"""What an outcome means for a contact whose delivery is waited for: whoever opens a message has got it."""


class StoreSilent(CallEnded):
    """The store does not answer. `sent`: it may have got the command all the same, and carry it out."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__(Reason.STORE_UNAVAILABLE, _UNAVAILABLE)
        self.sent = sent


def library() -> tuple[str, str]:
    """The name of the library of functions that this version loads, and its source.

    Named after its content, so that gateways of two versions can share a store during an upgrade.
    """
    files = resources.files("gateway.adapters")
    source = "\n".join([files.joinpath(name).read_text(encoding="utf-8") for name in SOURCES])
    name = f"pilote_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    return name, source.replace("@LIBRARY@", name)


class Admission:
    """The store's functions `admit` and `settle`."""

    def __init__(self, connection: StoreConnection, spool: Spool) -> None:
        name, self._source = library()
        self._admit = f"{name}_admit"
        self._settle = f"{name}_settle"
        self._again = f"{name}_again"
        self._recount = f"{name}_recount"
        self._report = f"{name}_report"
        self._connection = connection
        self._spool = spool
        self._local = LocalCounts()
        self._recent = Recent(
            lambda command: connection.place_of(key_of(command)),
            takes=lambda command: connection.takes(key_of(command)),
        )
        self._loop = asyncio.get_running_loop()
        self._streams: tuple[str, ...] = ()
        self._due: list[Command] = []
        self._flushing: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._telling = asyncio.Semaphore(TOLD_AT_ONCE)
        self.latency: Final[Histogram[tuple[str]]] = Histogram(
            "pilote.store.duration",
            unit="s",
            description="How long the store took for admissions.",
            bounds=STORE_SECONDS,
            labels=("pilote.store.end",),
        )
        """How long admissions took: those that were "answered", and those that the store was "silent" about."""
        for end in ("answered", "silent"):  # there from the start: what appears with its first value never rises
            self.latency.of((end,))
        connection.on_made(self._tell_again)
        connection.on_up(self._replay_soon)
        connection.on_move(self._tell_again)

    async def prepare(self, cells: Sequence[Cell]) -> None:
        """Load the functions and announce the cells' streams to the audit writer.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """
        try:
            await self._connection.everywhere("FUNCTION", "LOAD", "REPLACE", self._source)
        except (StoreDown, CommandRefused) as error:
            raise _store_unavailable() from error
        decided = [keys.decisions(cell) for cell in (*cells, keys.cell(keys.NOBODY))]
        self._streams = (*decided, *(keys.outcomes(cell) for cell in cells))
        await self._send_or_end("SADD", keys.STREAMS, *self._streams)
        if self._spool.waiting or self._spool.inherited():
            self._replay_soon()

    async def admit(
        self,
        reservation: Reservation,
        record: Record,
        *,
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
        names = [name for its in reservation.bucket_keys for name in its]
        command: tuple[str | bytes | int, ...] = (
            *("FCALL", self._admit, 3 + len(names), stream, reservation.request_key or stream),
            keys.stops(reservation.cell),
            *names,
            *(record.decided_ms, b"" if only_look else written(record, reservation.beside), record.id),
            *(request_hash, record.expires_ms, record.agent, record.hold, packed(reservation)),
            *stops_of(record),
        )
        sent, began = self._connection.takes(stream), time.perf_counter()
        try:
            outcome, answer = await self._send_loading(command)
        except StoreDown as error:
            self.latency.of(("silent",)).add(time.perf_counter() - began)
            raise StoreSilent(sent=sent) from error
        self.latency.of(("answered",)).add(time.perf_counter() - began)
        found = _OUTCOME.decode(outcome)
        if not only_look:
            self._recent.admitted(command, outcome, took=found.granted and not found.first, at_s=self._loop.time())
        return found, answer

    async def bind(self, key: str, request_hash: str) -> bool:
        """Bind an idempotency key to a request for good; says whether it stands for this one.

        Only for tenants with several cells, where another request with the key may be admitted in another cell.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer in time.
        """
        try:
            before = self._connection.send("SET", key, request_hash, "NX", "GET", "PX", BOUND_MS)
            kept = self._connection.send("PEXPIRE", key, BOUND_MS)  # longer than admission keeps what it binds
            first, _ = await asyncio.gather(before, kept)
        except (StoreDown, CommandRefused) as error:
            raise _store_unavailable() from error
        if first is None:
            self._recent.sent((("SET", key, request_hash, "NX", "PX", BOUND_MS),), at_s=self._loop.time())
        return first is None or first == request_hash.encode()

    async def admit_locally(self, reservation: Reservation, record: Record) -> Outcome:
        """Admit without the store, where the policy says so: counted in this gateway, recorded on disk.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the disk does not take the record either.
        """
        buckets, now_ms = reservation.buckets, record.decided_ms
        outcome = self._local.take(
            buckets, cell=reservation.cell, call=record.id, now_ms=now_ms, expires_ms=record.expires_ms
        )
        names = [name for its in reservation.bucket_keys for name in its] if outcome.granted else []
        safe = await self._keep(
            (
                *("FCALL", self._recount, 2 + len(names), reservation.stream),
                *(keys.recounted(reservation.cell, record.id), *names),
                *(now_ms, written(record, reservation.beside), record.id, _ENCODER.encode(outcome), record.expires_ms),
                *(record.agent, packed(reservation) if outcome.granted else NOTHING),
            )
        )
        if not safe:
            self._local.settle(record.id, gave_back=True)
            raise _store_unavailable()
        return outcome

    async def write(self, record: Record, *, beside: bytes = b"") -> None:
        """Record a call that was refused before admission. Where the store is down the record waits on disk.

        `beside` is what goes beside the record, see `gateway.core.used.WrappedKey`.
        """
        command = _refusal(record, beside)
        self._recent.sent((command,), at_s=self._loop.time())
        try:
            await self._connection.send(*command)
        except (StoreDown, CommandRefused):
            await self._keep(command)

    def write_soon(self, record: Record, *, beside: bytes = b"") -> None:
        """Like `write`, for a caller that has gone away: never waits."""
        self._queue(_refusal(record, beside))

    def settle(
        self,
        reservation: Reservation,
        settlement: Settlement,
        *,
        answer: bytes | None = b"",
        told: Mapping[str, Told] = MappingProxyType({}),
    ) -> None:
        """Confirm what the call took, or give it back; never waits.

        `answer` is what the caller gets, kept for repeats where the call carries an idempotency key; `None` where the
        upstream's was withheld. `told` is what the upstream said of its quotas, by limit.
        """
        if reservation.local:
            self._local.settle(reservation.id, gave_back=settlement.gave_back)
        state = ""
        if reservation.request_key:
            # An answer that is not kept cannot be given again, so the repeat is told to find out.
            unclear = settlement.in_doubt or answer is None or len(answer) > KEPT_ANSWER_BYTES
            state = "free" if settlement.gave_back else "doubt" if unclear else "done"
        blob = _ENCODER.encode(settlement)
        names: tuple[str, ...] = ()
        steps = NOTHING
        if settlement.gave_back or reservation.settles or reservation.left:
            names, steps = settling(reservation, settlement, told=told)
        if not state and not names:
            self._queue(("XADD", reservation.stream, "*", "k", "settle", "r", blob), local=reservation.local)
            return
        names = (reservation.stream, reservation.request_key or reservation.stream, *names)
        kept = b"" if answer is None or len(answer) > KEPT_ANSWER_BYTES else answer
        command: Command = ("FCALL", self._settle, len(names), *names, blob, reservation.id, state, kept, steps)
        self._queue(command, local=reservation.local)
        if state:  # whoever has the answer may repeat the call at once, and must get the same one
            self._flush()

    def note_inputs(self, cell: Cell, said: SealedInputs, sealed: bytes) -> None:
        """Keep what a call was decided by, sealed; never waits. What the store does not take waits on disk."""
        self._queue(("XADD", keys.decisions(cell), "*", "k", "inputs", "r", _ENCODER.encode(said), "i", sealed))

    def note_copy(self, cell: Cell, result: ShadowResult) -> None:
        """Keep what came of a copy of a call; never waits. What the store does not take waits on disk."""
        self._queue(("XADD", keys.decisions(cell), "*", "k", "copy", "r", _ENCODER.encode(result)))

    async def report(self, cells: Sequence[Cell], outcome: CustomerOutcome) -> bool:
        """Keep what a customer did; says whether it was new. Caps that wait for a delivery count or free the contact.

        `cells` are all of the tenant's. In which of them the contact was counted only the store knows, and it may not
        be settled yet: so every cell is told, and last the one that keeps the outcome and says whether it was new.

        Raises:
            CallEnded: STORE_UNAVAILABLE when a part of the store does not answer; then it may be told again.
        """
        home = cells[event_home(len(cells), outcome.decision)]
        others = [cell for cell in cells if cell != home] if outcome.type in _MEANINGS else []
        try:
            await asyncio.gather(*(self._tell(cell, outcome, keep=False) for cell in others))
            return await self._tell(home, outcome, keep=True)
        except (StoreDown, CommandRefused) as error:
            raise _store_unavailable() from error

    async def _tell(self, cell: Cell, outcome: CustomerOutcome, *, keep: bool) -> bool:
        """Let the caps of one cell know; with `keep` the outcome is kept there. Says whether it was new to the cell."""
        async with self._telling:
            while (new := await self._try_to_tell(cell, outcome, keep=keep)) < 0:
                pass  # the contact was settled in between, and waits now
        return new > 0

    async def _try_to_tell(self, cell: Cell, outcome: CustomerOutcome, *, keep: bool) -> int:
        waiting = keys.awaited(cell, outcome.decision)
        meaning = _MEANINGS.get(outcome.type, "")
        flat = await self._connection.send("HGETALL", waiting) if meaning else []
        caps = [(log, *entry.split(b" ")) for log, entry in zip(flat[::2], flat[1::2], strict=True) if log]
        # The tenant may have been moved to other cells since the contact.
        names = [keys.within(cell, name.decode()) for log, reserved, _, _ in caps for name in (log, reserved)]
        numbers = [number for _, _, most, kept in caps for number in (most, kept)]
        event = keys.event(cell, outcome.decision, f"{outcome.type}:{outcome.event}")
        command = (
            *("FCALL", self._report, 3 + len(names), keys.outcomes(cell), event, waiting, *names),
            *(_ENCODER.encode(outcome) if keep else b"", outcome.decision, meaning),
            *(outcome.reported_ms, EVENT_DAYS, *numbers),
        )
        return int(await self._send_loading(command))

    async def close(self) -> None:
        """Write what is still due."""
        if self._retry is not None:
            self._retry.cancel()
        self._flush()
        while self._flushing:
            await asyncio.wait(self._flushing)

    def _queue(self, command: Command, *, local: bool = False) -> None:
        if local and self._spool.waiting:  # behind its admission, which waits on disk
            self._own(self._keep(command))
            return
        if not self._due:
            self._loop.call_later(SETTLE_EVERY_SECONDS, self._flush)
        self._due.append(command)

    def _flush(self) -> None:
        due, self._due = self._due, []
        if due:
            self._own(self._write_all(due))

    async def _write_all(self, due: list[Command]) -> None:
        """Send all at once, then look at the replies; what fails goes to the spool, in order."""
        self._recent.sent(due, at_s=self._loop.time())
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

    async def _keep(self, command: Command) -> bool:
        """Keep a command on disk, and try again later: the store may refuse writes without ever going away."""
        safe = await self._spool.put(command)
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY_SECONDS, self._replay_soon)
        return safe

    async def _send_loading(self, command: Command) -> Any:
        """Send a function call; load the functions first where a fresh server does not know them."""
        try:
            return await self._connection.send(*command)
        except CommandRefused as error:
            if "unction not found" not in str(error):
                _log.exception("the store refuses an admission")
                raise StoreDown("the store refuses") from error
        try:
            await self._connection.beside(key_of(command), "FUNCTION", "LOAD", "REPLACE", self._source)
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

    def _tell_again(self) -> None:
        """Tell servers that may have lost the last moments what they were, ahead of any call that comes after."""
        replies: list[asyncio.Future[Any]] = []
        loaded = set()
        for said in self._recent.elsewhere(at_s=self._loop.time()):
            key = key_of(said.command)
            if (place := self._connection.place_of(key)) not in loaded:
                loaded.add(place)
                replies.append(self._connection.insist(key, "FUNCTION", "LOAD", "REPLACE", self._source))
            replies.append(self._connection.insist(key, *said.again(self._again)))
        if replies:
            self._own(self._heard(replies))

    async def _heard(self, replies: Sequence[asyncio.Future[Any]]) -> None:
        for reply in await asyncio.gather(*replies, return_exceptions=True):
            if isinstance(reply, CommandRefused):
                _log.error("the store does not take again what it may have lost", exc_info=reply)
                return

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


def written(record: Record, beside: bytes) -> bytes:
    """A record as the store's functions take it, see `appending.lua`."""
    return _ENCODER.encode(record) + b"\n" + beside if beside else _ENCODER.encode(record)


def _refusal(record: Record, beside: bytes) -> Command:
    """Writes the record of a call that never came to admission."""
    blob = _ENCODER.encode(record)
    stream = keys.decisions(keys.cell(record.tenant, record.cell))
    command: Command = ("XADD", stream, "*", "k", "admit", "r", blob, "o", b'{"granted":false}')
    return (*command, "w", beside) if beside else command


def _store_unavailable() -> CallEnded:
    return CallEnded(Reason.STORE_UNAVAILABLE, _UNAVAILABLE)
