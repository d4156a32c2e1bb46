"""Tells agents what has become of their held calls, and wakes those who wait for that.

Who waits costs nothing but memory until any hold of its cell changes; then each hold that is waited for is looked at
once, however many wait for it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from gateway.adapters.holds import HoldStore
from gateway.adapters.redis_connection import CommandRefused, StoreDown
from gateway.adapters.sealing import Damaged, KeyMissing
from gateway.core import holds, keys
from gateway.core.errors import CallEnded, Reason
from gateway.core.holds import Hold, HoldState
from gateway.core.keys import Cell


class _Watched:
    """A hold that somebody waits for."""

    def __init__(self) -> None:
        self.waiting = 0
        self.cell: Cell | None = None
        """Where it was found; `None` while that is not known."""
        self.version = 0
        """The last one that was told of; 0 for none yet."""
        self.changed = asyncio.Event()
        """Set at the next change, and replaced: who takes it before they read the hold misses nothing."""


class Waiting:
    """Those who wait for holds in this process. `cells_of` gives the cells of a tenant."""

    def __init__(self, store: HoldStore, *, cells_of: Callable[[str], Sequence[Cell]]) -> None:
        self._store: Final = store
        self._cells_of: Final = cells_of
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._stopping = False

    async def get(self, tenant: str, agent: str, hold_id: str) -> tuple[Hold, bytes | None]:
        """A hold of this agent, and the answer once there is one.

        Raises:
            CallEnded: NOT_FOUND, STORE_UNAVAILABLE, HOLD_DAMAGED.
        """
        try:
            hold = await self._store.find(self._cells_of(tenant), hold_id)
            if hold is None or hold.agent != agent:
                raise CallEnded(Reason.NOT_FOUND, "There is no such hold.", metadata={"hold": holds.name(hold_id)})
            answer = await self._store.response(hold) if hold.state is HoldState.EXECUTED else None
        except (StoreDown, CommandRefused) as error:
            raise CallEnded(Reason.STORE_UNAVAILABLE, "The store of holds does not answer; retry.") from error
        except (Damaged, KeyMissing) as error:
            text = "What was kept of this hold cannot be opened."
            raise CallEnded(Reason.HOLD_DAMAGED, text, metadata={"hold": holds.name(hold_id)}) from error
        return hold, answer

    async def wait(self, tenant: str, agent: str, hold_id: str, *, seconds: float) -> tuple[Hold, bytes | None]:
        """The same once something has become of the hold: it is over, or was put off; at the latest after `seconds`.

        Raises:
            CallEnded: like `get`.
        """
        watched = self._watched.setdefault((tenant, hold_id), _Watched())
        watched.waiting += 1
        try:
            changed = watched.changed
            found = first = await self.get(tenant, agent, hold_id)
            watched.cell = keys.cell(tenant, first[0].cell)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not _is_told(found[0], first[0]) and not self._stopping:
                        await changed.wait()
                        changed = watched.changed
                        found = await self.get(tenant, agent, hold_id)
        finally:
            watched.waiting -= 1
            if not watched.waiting:
                del self._watched[tenant, hold_id]
        return found

    async def look(self, tenant: str, cell: Cell) -> None:
        """Some holds of a tenant's cell have changed: wake who waits for them. Raises what the store does."""
        ids = [
            hold_id for (of, hold_id), watched in self._watched.items() if of == tenant and watched.cell in (None, cell)
        ]
        for hold_id, version in zip(ids, await self._store.versions(cell, ids), strict=True):
            watched = self._watched.get((tenant, hold_id))
            if watched is not None and version != watched.version:
                watched.version, told, watched.changed = version, watched.changed, asyncio.Event()
                told.set()

    def stop(self) -> None:
        """Give everybody the hold as it is: this process is about to stop."""
        self._stopping = True
        for watched in self._watched.values():
            watched.changed.set()


def _is_told(hold: Hold, first: Hold) -> bool:
    """Whether who waits since it was `first` has something to learn."""
    put_off = hold.state is HoldState.SCHEDULED and first.state is not HoldState.SCHEDULED
    return hold.state in holds.OVER or put_off
