"""Experiments as people see them, with their intervals over time."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from gateway.adapters.revisions import RevisionStore
from gateway.core.errors import Reason
from gateway.core.policy.learning import Experiment
from gateway.redis_clients import Client
from services.arm_sums import SumsWrong
from services.control.audit_client import Stub
from services.control.experiments_shown import ExperimentShown, ExperimentStanding, LookShown, look_of, shown
from services.control.policy import ActivePolicy
from services.control.times import known
from services.control.undone import Undone, storing
from services.experiments import Span, assigned_since, judged
from services.insights.report import Report

MOST_LOOKS: Final = 12
_STEPS_MS: Final = tuple(hours * 3_600_000 for hours in (1, 6, 24, 7 * 24, 28 * 24, 364 * 24))


class ExperimentBook:
    """Shows the experiments of the active policy. `clock_ms` is milliseconds since the epoch."""

    def __init__(self, redis: Client, audit: Stub, policy: ActivePolicy, *, clock_ms: Callable[[], int]) -> None:
        self._revisions = RevisionStore(redis)
        self._audit: Any = audit
        self._policy = policy
        self._clock_ms = clock_ms

    def list(self) -> tuple[ExperimentShown, ...]:
        """All experiments, by name."""
        return tuple(sorted((shown(each) for each in self._all()), key=lambda each: each.name))

    async def get(self, name: str, tenants: Sequence[str], *, looks: bool = False) -> ExperimentStanding:
        """What is known of one experiment from the calls of these tenants; with `looks` also what was known before.

        Raises:
            Undone: NOT_FOUND, INTERNAL where what was summed cannot be, STORE_UNAVAILABLE.
            grpc.aio.AioRpcError: the audit service does not answer, or refuses.
        """
        experiment = next((each for each in self._all() if each.name == name), None)
        if experiment is None:
            raise Undone(Reason.NOT_FOUND, "experiment-none", name=name)
        now_ms, revision = self._clock_ms(), self._policy.revision
        with storing():
            since_ms = await assigned_since(self._revisions, experiment, revision.number if revision else 0)
        report = await self._judged(experiment, tenants, since_ms, now_ms)
        ends = cuts(since_ms, now_ms) if looks and since_ms else ()
        earlier = [look_of(await self._judged(experiment, tenants, since_ms, end), end_ms=end) for end in ends]
        return _standing(experiment, report, since_ms=since_ms, now_ms=now_ms, looks=tuple(earlier))

    async def _judged(self, experiment: Experiment, tenants: Sequence[str], since_ms: int, end_ms: int) -> Report:
        span = Span(tenants=tuple(tenants), start_ms=since_ms, end_ms=max(end_ms, since_ms + 1))
        try:
            with storing():
                return await judged(self._revisions, self._audit, experiment, span=span)
        except SumsWrong as wrong:
            raise Undone(Reason.INTERNAL, "sums-wrong", arm=wrong.arm, measure=wrong.measure) from wrong

    def _all(self) -> Sequence[Experiment]:
        return self._policy.revision.document.experiments if self._policy.revision else ()


def cuts(since_ms: int, now_ms: int) -> tuple[int, ...]:
    """Round times between the two, in hours, days or weeks of UTC, at most `MOST_LOOKS`."""
    step = next((each for each in _STEPS_MS if (now_ms - since_ms) // each <= MOST_LOOKS), _STEPS_MS[-1])
    first = (since_ms // step + 1) * step
    return tuple(range(first, now_ms, step))[-MOST_LOOKS:]


def _standing(
    experiment: Experiment, report: Report, *, since_ms: int, now_ms: int, looks: tuple[LookShown, ...]
) -> ExperimentStanding:
    return ExperimentStanding(
        **msgspec.structs.asdict(shown(experiment)),
        start_time=known(since_ms),
        line_alpha=report.line_alpha,
        now=look_of(report, end_ms=now_ms),
        looks=looks,
    )
