"""Limits and caps of a simulated quarter, counted in the order of calls as the store's own function counts them.

`gateway.core.simulating.counts` is that function without the store, and a property test holds the two against each
other. Here calls that were let through are settled when their time has come.
"""

import heapq
import itertools
from collections.abc import Sequence
from typing import Final

from gateway.core import keys
from gateway.core.limits import Bucket
from gateway.core.record import Outcome, Record, Settlement
from gateway.core.simulating.counts import Counts
from gateway.core.simulating.kinds import Caller


class Accounting:
    """Buckets of all cells. Calls come in the order in which they are admitted."""

    def __init__(self) -> None:
        self._counts: Final = Counts()
        self._order = itertools.count()
        self._due: list[tuple[int, int, Settlement, tuple[Bucket, ...], str]] = []

    def admit(self, record: Record, buckets: Sequence[Bucket]) -> Outcome:
        """Take every bucket, or none."""
        self._until(record.decided_ms)
        caller = Caller(record.id, record.decided_ms, record.expires_ms, record.agent)
        return self._counts.admit(buckets, caller, cell=keys.cell(record.tenant, record.cell))

    def settle(self, record: Record, buckets: tuple[Bucket, ...], settlement: Settlement) -> None:
        """Tell how a call will end, at the time that it says."""
        cell = keys.cell(record.tenant, record.cell)
        heapq.heappush(self._due, (settlement.settled_ms, next(self._order), settlement, buckets, cell))

    def _until(self, now_ms: int) -> None:
        while self._due and self._due[0][0] <= now_ms:
            _, _, settlement, buckets, cell = heapq.heappop(self._due)
            self._counts.settle(buckets, settlement, cell=cell)
