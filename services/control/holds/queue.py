"""The queue of kept calls: what waits, who looks at it, the call in readable form, and a person's word on it."""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from gateway.adapters.cells import CellBook
from gateway.adapters.holds import HoldStore, KeptRequest, over_redis
from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.core import holds
from gateway.core.errors import Reason
from gateway.core.holds import Hold, HoldState
from gateway.core.record import decision_id
from gateway.redis_clients import Client
from services.control.changes import Changes, Who
from services.control.holds.leases import Lease, Leases
from services.control.holds.readable import Row, rows_of
from services.control.holds.shown import Waiting, shown
from services.control.policy import ActivePolicy
from services.control.times import at
from services.control.undone import Undone, reason_given, storing

MOST_CHARACTERS: Final = 1_000
"""Of a reason."""


class StoredCall(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The request of a kept call."""

    hold: str
    method: str
    state: str
    """"READABLE"; "UNDESCRIBED": the active policy has no such method any more; "KEY_MISSING"; "DAMAGED"."""
    rows: tuple[Row, ...] = ()
    more: int = 0
    """Values that are not shown."""
    sha256: str = ""
    """Of the request's bytes."""


class HoldQueue:
    """Shows and decides about holds. `clock_ms` is milliseconds since the epoch; `keys` open stored requests."""

    def __init__(
        self,
        redis: Client,
        policy: ActivePolicy,
        changes: Changes,
        *,
        keys: Sequence[bytes],
        clock_ms: Callable[[], int],
    ) -> None:
        self._cells = CellBook(redis)
        # Without a key nothing stored opens, as with another one than the gateways'.
        self._store = HoldStore(over_redis(redis), Sealer(keys or (secrets.token_bytes(32),)))
        self._leases = Leases(redis)
        self._policy = policy
        self._changes = changes
        self._clock_ms = clock_ms

    async def list(self, tenants: Sequence[str]) -> tuple[Waiting, ...]:
        """The holds of these tenants that are not over, at most 1,000 of each cell, the oldest first.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            cells = [cell for tenant in tenants for cell in await self._cells.all_of(tenant)]
            found = [hold for cell in cells for hold in await self._store.open(cell)]
            leases = await self._leases.of([hold.id for hold in found], now_ms=self._clock_ms())
        found.sort(key=lambda hold: (hold.created_ms, hold.id))
        return tuple(shown(hold, leases.get(hold.id)) for hold in found)

    async def get(self, tenants: Sequence[str], hold_id: str) -> Waiting:
        """One hold of these tenants, also one that is over.

        Raises:
            Undone: NOT_FOUND, HOLD_DAMAGED, STORE_UNAVAILABLE.
        """
        hold = await self._find(tenants, hold_id)
        return shown(hold, await self._lease(hold))

    async def request(self, tenants: Sequence[str], hold_id: str) -> StoredCall:
        """The stored request of a hold, value by value: personal data.

        Raises:
            Undone: NOT_FOUND, HOLD_DAMAGED, STORE_UNAVAILABLE.
        """
        hold = await self._find(tenants, hold_id)
        told = StoredCall(hold=holds.name(hold.id), method=hold.method, state="READABLE", sha256=hold.sha256)
        try:
            kept = await self._kept(hold)
        except Damaged:
            return msgspec.structs.replace(told, state="DAMAGED")
        except KeyMissing:
            return msgspec.structs.replace(told, state="KEY_MISSING")
        method = self._policy.revision.methods.get(hold.method) if self._policy.revision else None
        try:
            rows, more = rows_of(method.contract.decode(kept.request)) if method else ((), 0)
        except ValueError:  # the contract was replaced by one that is something else
            method = None
        if method is None:
            return msgspec.structs.replace(told, state="UNDESCRIBED")
        return msgspec.structs.replace(told, rows=rows, more=more)

    async def claim(self, tenants: Sequence[str], hold_id: str, *, by: str) -> Waiting:
        """Take the lease of a hold, or renew one's own: for five minutes nobody else can decide about it.

        Raises:
            Undone: CONFLICT where another has it, or it is over; NOT_FOUND, HOLD_DAMAGED, STORE_UNAVAILABLE.
        """
        hold = await self._find(tenants, hold_id)
        if hold.state not in holds.WAITING:
            raise _too_late(hold)
        with storing():
            lease = await self._leases.claim(hold.id, by=by, now_ms=self._clock_ms())
        if lease.holder != by:
            raise _leased(hold, lease)
        return shown(hold, lease)

    async def release(self, tenants: Sequence[str], hold_id: str, *, by: str) -> Waiting:
        """Give one's lease back; nothing happens where one has none.

        Raises:
            Undone: NOT_FOUND, HOLD_DAMAGED, STORE_UNAVAILABLE.
        """
        hold = await self._find(tenants, hold_id)
        with storing():
            await self._leases.release(hold.id, by=by)
        return shown(hold, await self._lease(hold))

    async def decide(self, tenants: Sequence[str], hold_id: str, *, approve: bool, who: Who, reason: str) -> Waiting:
        """Approve, so that the call is made once, or refuse, so that it never is. Whoever does needs the lease.

        Raises:
            Undone: ARGUMENT_INVALID without a reason; CONFLICT without the lease, or where it was decided already, or
                the request cannot be opened here; NOT_FOUND, HOLD_DAMAGED, STORE_UNAVAILABLE.
        """
        comment = reason_given(reason, most=MOST_CHARACTERS)
        hold = await self._find(tenants, hold_id)
        if hold.state not in holds.WAITING:
            raise _too_late(hold)
        await self._needs_lease(hold, who.name)
        if approve:  # a call that cannot be made, or was changed by somebody, can only be refused
            await self._must_open(hold)
        now_ms = self._clock_ms()
        after = holds.decide(hold, approve=approve, by=who.name, comment=comment, now_ms=now_ms)
        if after is None:
            raise _too_late(hold, approve=approve)
        record = None
        if after.state in holds.OVER:
            decision = decision_id(now_ms=now_ms, random=secrets.token_bytes(10))
            record = holds.ended_record(after, decision=decision, now_ms=now_ms)
        async with self._changes.recording(
            who,
            operation="approve" if approve else "refuse",
            resource=holds.name(hold.id),
            tenant=hold.tenant,
            before={"state": hold.state.value},
            after={"state": after.state.value},
            reason=comment,
        ):
            with storing():
                moved = await self._store.move(hold, after, record=record)
            if not moved:
                raise _too_late(await self._find(tenants, hold_id), approve=approve)
        with storing():
            await self._leases.release(hold.id, by=who.name)
        return shown(after, None)

    async def _needs_lease(self, hold: Hold, by: str) -> None:
        lease = await self._lease(hold)
        if lease is None:
            raise Undone(Reason.CONFLICT, "hold-unleased", hold=holds.name(hold.id))
        if lease.holder != by:
            raise _leased(hold, lease)

    async def _must_open(self, hold: Hold) -> None:
        try:
            await self._kept(hold)
        except Damaged as error:
            raise Undone(Reason.HOLD_DAMAGED, "hold-damaged", hold=holds.name(hold.id)) from error
        except KeyMissing as error:
            raise Undone(Reason.CONFLICT, "hold-key", hold=holds.name(hold.id)) from error

    async def _find(self, tenants: Sequence[str], hold_id: str) -> Hold:
        try:
            with storing():
                cells = [cell for tenant in tenants for cell in await self._cells.all_of(tenant)]
                hold = await self._store.find(cells, hold_id) if cells else None
        except Damaged as error:
            raise Undone(Reason.HOLD_DAMAGED, "hold-damaged", hold=holds.name(hold_id)) from error
        if hold is None:
            raise Undone(Reason.NOT_FOUND, "hold-none", hold=holds.name(hold_id))
        return hold

    async def _kept(self, hold: Hold) -> KeptRequest:
        with storing():
            return await self._store.request(hold)

    async def _lease(self, hold: Hold) -> Lease | None:
        with storing():
            return (await self._leases.of([hold.id], now_ms=self._clock_ms())).get(hold.id)


def _leased(hold: Hold, lease: Lease) -> Undone:
    until = f"{at(lease.until_ms):%H:%M:%S}Z"
    return Undone(Reason.CONFLICT, "hold-leased", hold=holds.name(hold.id), holder=lease.holder, until=until)


def _too_late(hold: Hold, *, approve: bool = False) -> Undone:
    name = holds.name(hold.id)
    if hold.state is HoldState.SCHEDULED and approve and not hold.decider:
        until = f"{at(hold.release_ms):%Y-%m-%d %H:%M:%SZ}"
        return Undone(Reason.CONFLICT, "hold-needs-nobody", hold=name, until=until)
    key = "hold-decided" if hold.decider else "hold-too-late"
    return Undone(Reason.CONFLICT, key, hold=name, state=hold.state.value, decider=hold.decider, comment=hold.comment)
