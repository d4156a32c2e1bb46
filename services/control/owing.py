"""Notes of changes that the log could not take down when they were made: kept in the store, brought to it in order.

Any control plane pays what any has owed. A note is written into the log before it is taken off the list, and the log
writes each once, so one that ends between the two, or two that pay at once, leave each note there once.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast

import grpc
import msgspec
from redis.exceptions import RedisError

from gateway.redis_clients import Client
from gateway.rpc.times import timestamp
from pilote.audit.v1 import personal_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.owed_metrics import OwedMetrics

OWED: Final = "pilote:control:{control}:owed"
REFUSED: Final = "pilote:control:{control}:owed-refused"
PAY_SECONDS: Final = 5.0
"""How long one note may take that nobody waits for."""
LOOK_SECONDS: Final = 2.0
"""How often it is looked whether something is owed, by whichever control plane."""
_AT_ONCE: Final = 32
_FIELD: Final = b"note"
REFUSALS: Final = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS)
"""How the log says that it will never take a note."""
_log = logging.getLogger(__name__)

# KEYS[1] what is owed, KEYS[2] what was refused; ARGV: the entry, its field, the note.
# Of two who ask, one sets it aside.
_SET_ASIDE: Final = """
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', ARGV[2], ARGV[3])
return 1
"""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed to the log now."""

    notes: int = 0
    since_ms: int = 0
    """When the oldest was owed, in milliseconds since the epoch; 0 for none."""
    refused: int = 0
    """Notes that the log would not take at all: set aside, for somebody to look at."""


class Owing:
    """Keeps notes and pays them. `clock_ms` is milliseconds since the epoch.

    Every method but `run` raises `RedisError`, `OSError` or `TimeoutError` when the store does not answer.
    """

    def __init__(
        self, redis: Client, stub: AuditServiceStub, *, clock_ms: Callable[[], int], told: OwedMetrics | None = None
    ) -> None:
        self._redis: Any = redis
        self._stub: Any = stub
        self._clock_ms = clock_ms
        self._told = told

    async def add(self, note: personal_pb2.RecordChangeRequest) -> None:
        """Keep a note of what happens now; when this returns, no end of a process loses it."""
        owed = personal_pb2.RecordChangeRequest()
        owed.CopyFrom(note)
        owed.change.happen_time.CopyFrom(timestamp(self._clock_ms()))
        await self._redis.xadd(OWED, {_FIELD: owed.SerializeToString()})

    async def pay(self, *, seconds: float = PAY_SECONDS) -> int:
        """Write all that is owed into the log, oldest first; says how many notes. Each may take that long.

        Raises:
            grpc.aio.AioRpcError: the log takes no notes now; the rest stays owed.
        """
        paid = 0
        while found := await self._oldest():
            for entry, raw in found:
                await self._pay(entry, raw, seconds=seconds)
                paid += 1
        return paid

    async def standing(self) -> Owed:
        """How much is owed."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.xlen(OWED)
            pipe.xrange(OWED, count=1)
            pipe.xlen(REFUSED)
            notes, first, refused = await cast("Awaitable[Any]", pipe.execute())
        since_ms = _read(first[0][1][_FIELD]).change.happen_time.ToMilliseconds() if first else 0
        return Owed(notes=notes, since_ms=since_ms, refused=refused)

    async def run(self, *, every_seconds: float = LOOK_SECONDS) -> None:
        """Pay what is owed, until cancelled."""
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError, grpc.aio.AioRpcError):
                if paid := await self.pay():
                    _log.info("notes that were owed to the log are in it", extra={"notes": paid})
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                if self._told is not None:
                    owed = await self.standing()
                    self._told.tell(owed.notes, owed.refused)
            await asyncio.sleep(every_seconds)

    async def _oldest(self) -> Sequence[tuple[bytes, bytes]]:
        found = await self._redis.xrange(OWED, count=_AT_ONCE)
        return [(entry, fields[_FIELD]) for entry, fields in found]

    async def _pay(self, entry: bytes, raw: bytes, *, seconds: float) -> None:
        note = _read(raw)
        try:
            await self._stub.RecordChange(note, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            if error.code() not in REFUSALS:
                raise
            # One that the log will never take must not keep all others from it.
            await self._redis.eval(_SET_ASIDE, 2, OWED, REFUSED, entry, _FIELD, raw)
            told = {"resource": note.resource, "request_id": note.change.request_id, "code": error.code().name}
            _log.error("the log refuses a note that is owed to it: it is set aside", extra=told)
        else:
            await self._redis.xdel(OWED, entry)


def _read(raw: bytes) -> personal_pb2.RecordChangeRequest:
    return personal_pb2.RecordChangeRequest.FromString(raw)
