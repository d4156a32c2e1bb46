"""Which buckets calls have lately found nearly full: the number of them, by limit. Never whose they are."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.core.limits import SHARED, Bucket
from gateway.core.record import BucketLook

NEAR: Final = 0.9
"""Share of its capacity from which a bucket is near its limit."""
KEPT_SECONDS: Final = 60.0
MOST: Final = 10_000
"""Most buckets of one limit that are told apart."""


class NearLimits:
    """Count from one thread; `counts` may be asked for from another. `clock` gives seconds and never steps back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tidied = clock()
        self._near: dict[str, dict[str, float]] = {}
        """When each was found so last, by limit and by what it counts for."""

    def look(self, buckets: Sequence[Bucket], looks: Sequence[BucketLook]) -> None:
        """Note what a call found, bucket by bucket."""
        for bucket, look in zip(buckets, looks):  # noqa: B905 - quicker by a tenth of a microsecond, and once a call
            if look.used >= NEAR * bucket.capacity:
                self._note(bucket)

    def counts(self) -> Mapping[str, int]:
        """How many buckets of each limit were near it in the last minute; 0 for one that has recovered."""
        since = self._clock() - KEPT_SECONDS
        return {limit: sum(at >= since for at in list(found.values())) for limit, found in list(self._near.items())}

    def _note(self, bucket: Bucket) -> None:
        if bucket.capacity == 0 or bucket.kind not in SHARED:
            return
        if self._clock() - self._tidied > KEPT_SECONDS:
            self._forget()
        found = self._near.setdefault(bucket.limit, {})
        if bucket.by in found or len(found) < MOST:
            found[bucket.by] = self._clock()

    def _forget(self) -> None:
        """Let go of buckets that have recovered."""
        self._tidied = self._clock()
        since = self._tidied - KEPT_SECONDS
        for found in self._near.values():
            for by in [by for by, at in found.items() if at < since]:
                del found[by]
