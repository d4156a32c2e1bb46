"""Tells those who follow what others have stored too: in a store that several processes write to."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final

from gateway.core.errors import CallEnded, Reason
from services.audit.proofs.log import Log
from services.audit.tails import CAPACITY, Tails

EVERY_SECONDS: Final = 0.25
"""Pause between two looks at what others have stored. What is stored here is told at once."""
PATIENCE_SECONDS: Final = 1.0
"""Pause while the store does not answer."""
_MOST: Final = 1_000
"""Entries of the log that are read at once."""


class SharedTails(Tails):
    """All followers of this process, of a store whose log others append to as well.

    The log has one order, and its entries appear in that order: whoever has seen all before a place misses nothing by
    going on from there. So it is read, rather than who has written what.
    """

    def __init__(self, log: Log, *, capacity: int = CAPACITY, every_seconds: float = EVERY_SECONDS) -> None:
        super().__init__(capacity=capacity)
        self._log = log
        self._every_seconds = every_seconds
        self._at: int | None = None
        self._news = asyncio.Event()

    async def ready(self) -> None:
        """See `Tails.ready`."""
        if self._at is None:
            size = await self._log.size()
            self._at = size if self._at is None else self._at

    def publish(self, _decisions: Iterable[str]) -> None:
        """Something was stored here: it stands in the log, where it is read with what others have stored."""
        self._news.set()

    async def run(self) -> None:
        """Tell followers what is stored, whoever stores it, until cancelled. A store that fails is asked again."""
        while True:
            self._news.clear()
            try:
                more, pause_seconds = await self.step(), self._every_seconds
            except CallEnded as ended:
                if ended.reason is not Reason.STORE_UNAVAILABLE:
                    raise
                more, pause_seconds = False, PATIENCE_SECONDS
            if not more:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_seconds):
                        await self._news.wait()

    async def step(self) -> bool:
        """Tell what has come since the last look; returns whether there is more.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """
        size = await self._log.size()
        # A log that has become shorter is an earlier one, from a backup.
        start = size if self._at is None else min(self._at, size)
        end = min(size, start + _MOST) if self.followed else size
        if self.followed and end > start:
            super().publish(await self._log.decisions(start, end=end))
        self._at = end
        return end < size
