"""Which revision this process runs, since when, and which one it refuses: for `pilote status` and for metrics."""

import asyncio
import importlib.metadata
import os
import secrets
from collections.abc import Callable

import msgspec

from gateway.adapters.workers import Refused, Report
from gateway.metrics import Metrics


class Standing:
    """Keeps the report of one process up to date. `clock_ms` gives milliseconds since the epoch."""

    def __init__(self, kind: str, *, clock_ms: Callable[[], int], metrics: Metrics | None = None) -> None:
        self.report = Report(
            worker=f"{kind}-{secrets.token_hex(4)}", pid=os.getpid(), version=importlib.metadata.version("pilote")
        )
        self.changed = asyncio.Event()
        self._clock_ms = clock_ms
        self._metrics = metrics

    def runs(self, number: int, sha256: str, *, swap_ms: int) -> None:
        """Calls go by that revision from now on."""
        self._set(revision=number, sha256=sha256, since_ms=self._clock_ms(), swap_ms=swap_ms, refused=None)

    def refuses(self, number: int, why: str) -> None:
        """That revision is active, but is not run here."""
        self._set(refused=Refused(number, why))

    def _set(self, **fields: object) -> None:
        self.report = msgspec.structs.replace(self.report, **fields)
        if self._metrics is not None:
            refused = self.report.refused
            self._metrics.revision(self.report.revision, refused=0 if refused is None else refused.revision)
        self.changed.set()
