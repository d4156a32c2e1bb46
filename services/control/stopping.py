"""Stops as people see and make them: what is halted, since when and why, and how many calls that has stopped."""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc
import msgspec

from gateway.adapters.cells import CellsMoving
from gateway.adapters.stops import StopStore
from gateway.core.errors import Reason
from gateway.core.stops import ALL, Stop, is_stop
from gateway.redis_clients import Client
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.audit.v1.summaries_pb2 import SummarizeDecisionsRequest
from services.control.changes import Changes, Who
from services.control.filters import both, either, is_, since
from services.control.times import at
from services.control.undone import Undone, reason_given, storing

MOST_CHARACTERS: Final = 500
"""Of a reason."""
COUNT_SECONDS: Final = 2.0
"""How long the audit service may take to count; then it is not known how many calls there were."""


class Halted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One stop of one tenant."""

    name: str
    """`stops/{tenant}/{what}`."""
    tenant: str
    what: str
    """"all", "agent=sales-bot", "version=lead-score/2", "route=crm" or "channel=email"."""
    reason: str
    by: str
    """Who has stopped it; empty where nobody was asked who they are."""
    create_time: dt.datetime
    stopped_calls: int | None = None
    """How many calls that it covers were stopped since, also those that another stop covers; `null`: not known now."""


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """What was halted."""

    stops: tuple[Halted, ...]
    owed: bool
    """Whether a note of it is owed to the log, which did not take it down."""


class Stopping:
    """Makes, lifts and lists stops. `clock_ms` is milliseconds since the epoch."""

    def __init__(
        self, redis: Client, audit: AuditServiceStub, changes: Changes, *, clock_ms: Callable[[], int]
    ) -> None:
        self._store = StopStore(redis)
        self._audit: Any = audit
        self._changes = changes
        self._clock_ms = clock_ms

    async def list(self, tenants: Sequence[str]) -> tuple[Halted, ...]:
        """The stops of these tenants, the newest first, with how many calls each has stopped.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            found = [(tenant, await self._store.list(tenant)) for tenant in tenants]
        each = [(tenant, stop) for tenant, stops in found for stop in stops]
        counts = await asyncio.gather(*(self._stopped(tenant, stop) for tenant, stop in each))
        shown = [_shown(tenant, stop, count) for (tenant, stop), count in zip(each, counts, strict=True)]
        return tuple(sorted(shown, key=lambda stop: (stop.create_time, stop.name), reverse=True))

    async def find(self, tenant: str, what: str) -> Halted | None:
        """One stop, without how many calls it has stopped; `None`: it is not stopped.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            stops = await self._store.list(tenant)
        return next((_shown(tenant, stop, None) for stop in stops if stop.what == what), None)

    async def stop(self, tenants: Sequence[str], what: str, *, reason: str, who: Who) -> Stopped:
        """Halt it for these tenants. When this returns, no worker admits another such call.

        A tenant where it is halted already stays as it is, so that the first reason is not lost. While the log takes no
        notes it is halted all the same, and the note is owed.

        Raises:
            Undone: ARGUMENT_INVALID for what nobody can stop, or without a reason; ALREADY_EXISTS where it is halted
                for each of them; STORE_UNAVAILABLE: it may be halted for some.
        """
        told = reason_given(reason, most=MOST_CHARACTERS)
        if not is_stop(what):
            raise Undone(Reason.ARGUMENT_INVALID, "stop-unknown", field="what")
        made = Stop(what=what, reason=told, since_ms=self._clock_ms(), by=who.name)
        before = [await self.find(tenant, what) for tenant in tenants]
        there = [stop for stop in before if stop is not None]
        if there and len(there) == len(tenants):
            stop = there[0]
            raise Undone(Reason.ALREADY_EXISTS, "stop-exists", what=what, tenant=", ".join(tenants), why=stop.reason)
        owed = False
        for tenant, had in zip(tenants, before, strict=True):
            if had is None:
                recording = self._changes.recording(
                    who,
                    operation="create",
                    resource=f"stops/{tenant}/{what}",
                    tenant=tenant,
                    after=made,
                    reason=told,
                    takes_away=True,
                )
                async with recording as changing:
                    with storing():
                        await self._store.stop(tenant, made)
                owed = owed or changing.owed
        stops = tuple(had or _shown(tenant, made, 0) for tenant, had in zip(tenants, before, strict=True))
        return Stopped(stops=stops, owed=owed)

    async def resume(self, tenants: Sequence[str], what: str, *, reason: str, who: Who) -> tuple[str, ...]:
        """Let it go on for these tenants; gives those for whom it was halted.

        Raises:
            Undone: ARGUMENT_INVALID without a reason; NOT_FOUND where it is halted for none; CONFLICT where a tenant
                that was moved is not there yet; STORE_UNAVAILABLE.
        """
        told, were = reason_given(reason, most=MOST_CHARACTERS), []
        for tenant in tenants:
            had = await self.find(tenant, what)
            if had is not None:
                recording = self._changes.recording(
                    who, operation="delete", resource=had.name, tenant=tenant, before=had, reason=told
                )
                async with recording:
                    await self._lift(tenant, what)
                were.append(tenant)
        if not were:
            raise Undone(Reason.NOT_FOUND, "stop-none", what=what, tenant=", ".join(tenants))
        return tuple(were)

    async def _lift(self, tenant: str, what: str) -> None:
        try:
            with storing():
                await self._store.resume(tenant, what)
        except CellsMoving as error:
            raise Undone(Reason.CONFLICT, "stop-moving", tenant=tenant, wait_s=5) from error

    async def _stopped(self, tenant: str, stop: Stop) -> int | None:
        """How many calls it has stopped, as far as the audit service knows by now."""
        asked = SummarizeDecisionsRequest(filter=covered(tenant, stop))
        try:
            return int((await self._audit.SummarizeDecisions(asked, timeout=COUNT_SECONDS)).total_count)
        except grpc.aio.AioRpcError:
            return None


def covered(tenant: str, stop: Stop) -> str:
    """The filter for the calls that a stop has stopped."""
    return both(is_("tenant", tenant), is_("reason", Reason.STOPPED.value), about(stop.what), since(stop.since_ms))


def about(what: str) -> str:
    """The filter for the calls that a stop of that name covers; empty: all."""
    if what == ALL:
        return ""
    kind, _, name = what.partition("=")
    if kind != "version":
        return is_(kind, name)
    # Of a model where the call asks one, of the agent where it acts; see `gateway.core.stops.stops_of`.
    owner, _, version = name.rpartition("/")
    return both(is_("model_version", version), either(is_("model", owner), both(is_("model", ""), is_("agent", owner))))


def _shown(tenant: str, stop: Stop, count: int | None) -> Halted:
    return Halted(
        name=f"stops/{tenant}/{stop.what}",
        tenant=tenant,
        what=stop.what,
        reason=stop.reason,
        by=stop.by,
        create_time=at(stop.since_ms),
        stopped_calls=count,
    )
