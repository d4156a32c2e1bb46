"""How routes do by the objectives of the active revision: asked over gRPC, and exported as metrics."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import msgspec

from gateway.core.errors import CallEnded
from gateway.core.policy.serving import Objectives
from gateway.core.service_objectives import BUDGET_MS, WINDOWS_MS, Counts, Pair, Standing, Window, standings
from gateway.rpc.times import duration, timestamp
from pilote.audit.v1 import objectives_pb2
from services.audit.metrics import ObjectiveMetrics
from services.audit.store import DecisionStore

EXPORT_SECONDS: Final = 15.0
"""How often what is exported is counted anew; the shortest window is five minutes."""

_log = logging.getLogger(__name__)


class Promised(msgspec.Struct, frozen=True):
    """What a revision promises."""

    revision: int = 0
    """0 while none is known."""
    routes: tuple[tuple[str, Objectives], ...] = ()
    """Names and objectives of the routes that have any, in the revision's order."""


Follow = Callable[[Callable[[Promised], None]], Coroutine[Any, Any, None]]
"""Tells what the active revision promises, now and whenever it changes; runs until it is cancelled."""


class ObjectiveBook:
    """What is promised, and how it stands. `clock_ms` is the time in milliseconds since the epoch."""

    def __init__(self, store: DecisionStore, *, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self.promised = Promised()
        self._changed = asyncio.Event()

    def promise(self, promised: Promised) -> None:
        """Go by another revision from now on."""
        self.promised = promised
        self._changed.set()

    async def standings(self, *, route: str = "") -> tuple[Standing, ...]:
        """How every objective stands, or those of one route.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """
        wanted = [(name, each) for name, each in self.promised.routes if route in ("", name)]
        counts = await self._store.route_counts(
            tuple(name for name, _ in wanted), windows_ms=(*WINDOWS_MS, BUDGET_MS), now_ms=self._clock_ms()
        )
        return tuple(
            standing
            for name, each in wanted
            for standing in standings(name, each, lambda window, name=name: counts.get((name, window), Counts()))  # type: ignore[misc]
        )

    async def answer(self, request: objectives_pb2.GetObjectivesRequest) -> objectives_pb2.GetObjectivesResponse:
        """See the contract of GetObjectives."""
        found = await self.standings(route=request.route)
        return objectives_pb2.GetObjectivesResponse(
            objectives=[_objective(standing) for standing in found],
            revision=self.promised.revision,
            count_time=timestamp(self._clock_ms()),
        )

    async def export(self, metrics: ObjectiveMetrics, *, every_seconds: float = EXPORT_SECONDS) -> None:
        """Tell the metrics how all stand, at once where another revision is promised; runs until it is cancelled."""
        while True:
            self._changed.clear()
            try:
                metrics.tell(await self.standings())
            except CallEnded as error:
                _log.warning("objectives are not exported", extra={"error": str(error.__cause__ or error)})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_seconds):
                    await self._changed.wait()


def _objective(standing: Standing) -> objectives_pb2.Objective:
    return objectives_pb2.Objective(
        route=standing.route,
        kind=objectives_pb2.ObjectiveKind.Value(f"OBJECTIVE_KIND_{standing.kind.upper()}"),
        target_percent=standing.target_percent,
        within=duration(1_000 * standing.within_ms) if standing.within_ms else None,
        state=objectives_pb2.ObjectiveState.Value(f"OBJECTIVE_STATE_{standing.state}"),
        windows=_windows(standing.windows),
        budget_left=standing.budget_left,
        alerts=[_alert(pair) for pair in standing.alerts],
    )


def _windows(windows: Sequence[Window]) -> list[objectives_pb2.BurnWindow]:
    return [
        objectives_pb2.BurnWindow(
            window=duration(1_000 * each.length_ms), calls=each.calls, bad=each.bad, burn_rate=each.burn_rate
        )
        for each in windows
    ]


def _alert(pair: Pair) -> objectives_pb2.BurnAlert:
    return objectives_pb2.BurnAlert(
        severity=objectives_pb2.AlertSeverity.Value(f"ALERT_SEVERITY_{pair.severity.upper()}"),
        threshold=pair.threshold,
        long_window=duration(1_000 * pair.long_ms),
        short_window=duration(1_000 * pair.short_ms),
    )
