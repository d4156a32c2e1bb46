"""Which revision this process runs, since when, and which one it refuses: for `pilote status` and for metrics."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from gateway.adapters.workers import GuardReport, Refused, Report
from gateway.core.guarding import GuardLook
from gateway.instance import Instance

UNUSABLE: Final = "unusable"
"""Why a revision does not run here: it has mistakes, or this version does not know what it says."""


def guards(looks: Mapping[str, GuardLook]) -> tuple[GuardReport, ...]:
    """What is reported of upstreams that anything stands before."""
    return tuple(
        GuardReport(name, look.state, look.openings, look.ejected, look.ejections)
        for name, look in sorted(looks.items())
    )


class Standing:
    """Keeps the report of one process up to date.

    `clock_ms` gives milliseconds since the epoch; `told` gets the revision that runs and the newer one that is refused,
    0 for none.
    """

    def __init__(self, instance: Instance, *, clock_ms: Callable[[], int], told: Callable[[int, int], None]) -> None:
        self.report = Report(worker=instance.name, pid=os.getpid(), version=instance.version)
        self.changed = asyncio.Event()
        self._clock_ms = clock_ms
        self._told = told

    def runs(self, number: int, sha256: str, *, swap_ms: int) -> None:
        """Calls go by that revision from now on."""
        self._set(revision=number, sha256=sha256, since_ms=self._clock_ms(), swap_ms=swap_ms, refused=None)

    def refuses(self, number: int, why: str) -> None:
        """That revision is active, but is not run here."""
        self._set(refused=Refused(number, why))

    def _set(self, **fields: object) -> None:
        self.report = msgspec.structs.replace(self.report, **fields)
        refused = self.report.refused
        self._told(self.report.revision, 0 if refused is None else refused.revision)
        self.changed.set()
