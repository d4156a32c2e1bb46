"""Rollouts as metrics over OTLP: what share each candidate serves, and in which state it is.

Labels are names of rollouts and routes, and states: all bounded by the policy.
"""

from collections.abc import Callable, Iterable
from typing import get_args

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import RolloutState
from gateway.metrics import EXPORT_EVERY_MS
from services.rollouts.looking import Standing


class RolloutMetrics:
    """Exports what it was told last, from a thread of its own; a rollout that is gone is exported no more."""

    def __init__(self, *, version: str, exporter: MetricExporter) -> None:
        self._standings: tuple[Standing, ...] = ()
        self._provider = MeterProvider(
            metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=EXPORT_EVERY_MS)],
            resource=Resource.create({"service.name": "pilote-rollouts", "service.version": version}),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter("pilote", version)
        meter.create_observable_gauge("pilote.rollout.share", [self._each(_share)], unit="1")
        meter.create_observable_gauge("pilote.rollout.state", [self._each(_states)], unit="1")
        meter.create_observable_gauge("pilote.rollout.unmeasured", [self._each(_unmeasured)], unit="1")

    def tell(self, standings: Iterable[Standing]) -> None:
        """Export these from now on."""
        self._standings = tuple(standings)

    def close(self) -> None:
        """Export what was told last; blocks for some seconds at most where the collector does not answer."""
        self._provider.shutdown(timeout_millis=5_000)

    def _each(
        self, observe: Callable[[Standing], Iterable[Observation]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _options: [seen for standing in self._standings for seen in observe(standing)]


def _share(standing: Standing) -> Iterable[Observation]:
    """Of 1."""
    yield Observation(standing.rollout.share / BASIS_POINTS, _labels(standing))


def _states(standing: Standing) -> Iterable[Observation]:
    """1 for the state that it is in, else 0."""
    for state in get_args(RolloutState):
        yield Observation(int(standing.rollout.state == state), {**_labels(standing), "pilote.rollout.state": state})


def _unmeasured(standing: Standing) -> Iterable[Observation]:
    """1 while it could not be asked what the arms have done."""
    yield Observation(int(bool(standing.problem)), _labels(standing))


def _labels(standing: Standing) -> dict[str, str]:
    return {"pilote.rollout": standing.rollout.name, "pilote.route": standing.rollout.route}
