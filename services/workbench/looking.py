"""One round of the workbench: what is new in the log is read, and everything that looks for something looks at it."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from redis.exceptions import RedisError

from gateway.ending import first_of
from services.findings.finding import Finding, Seen
from services.findings.pressure import Pressure, PressureStore
from services.findings.store import FindingStore
from services.workbench.columns.ahead import Ahead
from services.workbench.columns.database import Columns
from services.workbench.columns.reading import read_on
from services.workbench.columns.source import Source
from services.workbench.elsewhere import Elsewhere
from services.workbench.filling import Filling
from services.workbench.kpis.keeping import KpiKeeper
from services.workbench.looks.pressure import PressureLook
from services.workbench.looks.pressure_contacts import WEEK_MS
from services.workbench.looks.reviewed import KIND as REVIEW
from services.workbench.looks.spans import HOUR_MS
from services.workbench.segmenting import Segmenting
from services.workbench.targeting import TargetKeeper

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

SETTLING_MS: Final = 120_000
"""After the end of an hour, until its calls have ended and stand in the log. What is stored later, such as from the
disk of a gateway that was cut off, is seen by the looks of the hours that follow."""
_log: Final = logging.getLogger(__name__)


class Look(Protocol):
    """Something that looks for one kind of thing."""

    @property
    def kind(self) -> str:
        """Of its findings."""

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """What it sees; runs off the event loop. Looking twice at the same time sees the same."""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What a round came to."""

    read: int
    """Entries of the log that were new."""
    seen: int
    news: tuple[Finding, ...]
    """Findings that are new, or have opened again."""
    failed: tuple[str, ...]
    """Kinds whose look ended with a mistake of ours: the others looked all the same."""
    joined: int = 0
    """Decisions that are to be reviewed."""
    read_seconds: float
    look_seconds: float


class Looking:
    """Makes rounds. `clock_ms` is milliseconds since the epoch."""

    def __init__(
        self,
        columns: Columns,
        audit: "AuditServiceAsyncStub",
        findings: FindingStore,
        looks: Sequence[Look],
        *,
        filling: Filling,
        pressure: PressureStore,
        kpis: KpiKeeper,
        targeting: TargetKeeper,
        clock_ms: Callable[[], int],
        segmenting: Segmenting,
        ahead: Ahead | None = None,
    ) -> None:
        """With `ahead` a process of its own reads the log where much is new."""
        self._columns = columns
        self._audit = audit
        self._findings = findings
        self._looks = tuple(looks)
        self._pressure = pressure
        self._kpis = kpis
        self._targeting = targeting
        self._segmenting = segmenting
        self._ahead = ahead
        self._clock_ms = clock_ms
        self._filling = filling
        self._looked_hour = 0
        """Since the epoch: the last one up to which all looks have looked."""

    async def round(self) -> Round:
        """Read what is new, and once an hour more is complete look, and keep what was seen.

        Raises:
            LogDiffers, grpc.aio.AioRpcError, RedisError: see `read_on` and `FindingStore`.
        """
        begun = time.perf_counter()
        read = await read_on(self._columns, self._audit, now_ms=self._clock_ms(), ahead=self._ahead)
        now_ms = self._clock_ms()
        await asyncio.to_thread(self._columns.forget, now_ms=now_ms)
        between = time.perf_counter()
        at_ms = now_ms - SETTLING_MS
        seen, failed = await self._looked(at_ms)
        news = await self._findings.see(seen, now_ms=now_ms)
        joined, unfilled = await self._filled(at_ms)
        return Round(
            read=read,
            seen=len(seen),
            news=news,
            failed=(*failed, *unfilled),
            joined=joined,
            read_seconds=between - begun,
            look_seconds=time.perf_counter() - between,
        )

    async def _looked(self, at_ms: int) -> tuple[tuple[Seen, ...], tuple[str, ...]]:
        """What is seen at that time; nothing before another hour is complete: the same was seen in it."""
        hour = at_ms // HOUR_MS
        if hour == self._looked_hour:
            return (), ()
        seen, failed = await looked(self._columns, self._looks, now_ms=at_ms)
        await self._tell()
        reviewed, blind = await self._reviewed(at_ms)
        failed = (*failed, *blind, *await self._judged(at_ms), *await self._aimed(at_ms))
        if not failed:
            self._looked_hour = hour
        return (*seen, *reviewed), failed

    async def _judged(self, at_ms: int) -> tuple[str, ...]:
        """Keep what copilots are judged by; the name of that where it ended with a mistake of ours."""
        try:
            await self._kpis.keep(self._columns, now_ms=at_ms)
        except (RedisError, OSError, TimeoutError):
            raise
        except Exception:  # likewise
            _log.exception("nobody worked out what copilots are judged by")
            return ("kpis",)
        return ()

    async def _aimed(self, at_ms: int) -> tuple[str, ...]:
        """Keep which segments are contacted too much or never; likewise its name."""
        try:
            await self._targeting.keep(self._columns, now_ms=at_ms)
        except (RedisError, OSError, TimeoutError):
            raise
        except Exception:  # likewise
            _log.exception("nobody worked out who is contacted too much or never")
            return ("targeting",)
        return ()

    async def _reviewed(self, at_ms: int) -> tuple[Sequence[Seen], tuple[str, ...]]:
        """What reviews say; the name of that where it ended with a mistake of ours."""
        try:
            return await self._filling.seen(self._columns, now_ms=at_ms), ()
        except (RedisError, OSError, TimeoutError):
            raise
        except Exception:  # a mistake of ours in it must not end what else is looked at
            _log.exception("nobody looked at what reviews say")
            return (), (REVIEW,)

    async def _filled(self, at_ms: int) -> tuple[int, tuple[str, ...]]:
        """How many decisions join the queue of reviews, of the hours that are complete; its name likewise."""
        try:
            return await self._filling.fill(self._columns, now_ms=at_ms), ()
        except (RedisError, OSError, TimeoutError):
            raise
        except Exception:  # likewise
            _log.exception("the queue of reviews was not filled")
            return 0, ("review-queue",)

    async def _tell(self) -> None:
        """Keep the numbers about pressure that its look has worked out."""
        for look in self._looks:
            for each in look.told if isinstance(look, PressureLook) else ():
                await self._pressure.keep(await self._with_segments(each))

    async def _with_segments(self, told: Pressure) -> Pressure:
        """What is told, with how segments stood in the last of its weeks."""
        try:
            known = await self._segmenting.of(self._columns, week_ms=told.end_ms - WEEK_MS)
        except (RedisError, OSError):
            raise
        except Exception:  # a mistake of ours in it must not end what else is looked at
            _log.exception("how segments stand ended with a mistake of ours")
            return told
        channels = (
            msgspec.structs.replace(each, segments=known.get((told.tenant, each.channel), ())) for each in told.channels
        )
        return msgspec.structs.replace(told, channels=tuple(channels))


async def looked(
    columns: Columns, looks: Sequence[Look], *, now_ms: int, told: Callable[[str], None] | None = None
) -> tuple[tuple[Seen, ...], tuple[str, ...]]:
    """What is seen, and the kinds of looks that could not cope. `told` hears which one is next.

    One look after the other, and beside them those that look elsewhere.
    """
    found: dict[int, Sequence[Seen] | None] = {}

    async def go(those: Sequence[int]) -> None:
        for at in those:
            if told is not None:
                told(looks[at].kind)
            found[at] = await _of(looks[at], columns, now_ms=now_ms)

    apart = [at for at, each in enumerate(looks) if isinstance(each, Elsewhere)]
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(go(apart))
            group.create_task(go([at for at in range(len(looks)) if at not in apart]))
    except* Exception as errors:  # whoever calls knows nothing of a group
        raise first_of(errors) from None
    seen = tuple(each for at in range(len(looks)) for each in found[at] or ())
    return seen, tuple(look.kind for at, look in enumerate(looks) if found[at] is None)


async def _of(look: Look, columns: Columns, *, now_ms: int) -> Sequence[Seen] | None:
    """What one of them sees; `None` where it could not cope."""
    try:
        return await asyncio.to_thread(look.look, columns, now_ms=now_ms)
    except (RedisError, OSError):  # of a look that asks the store: it is waited for
        raise
    except Exception:  # one look that cannot cope must not blind all others
        _log.exception("a look ended with a mistake of ours", extra={"kind": look.kind})
        return None
