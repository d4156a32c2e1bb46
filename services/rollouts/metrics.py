"""Rollouts as metrics: what share each candidate serves, and in which state it is.

Labels are names of rollouts and routes, and states: all bounded by the policy.
"""

from collections.abc import Iterable
from typing import Final, get_args

from opentelemetry.metrics import Observation

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import RolloutState
from gateway.watching.gauges import Gauge, Gauges
from gateway.watching.meters import Meters
from services.rollouts.looking import Standing


class RolloutMetrics(Gauges[Standing]):
    """Exports the rollouts that it was told last."""

    def __init__(self, meters: Meters) -> None:
        super().__init__(meters, gauges=_GAUGES)


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


_GAUGES: Final = {
    "pilote.rollout.share": Gauge(_share, "1", "Share of its subjects that a rollout's candidate serves."),
    "pilote.rollout.state": Gauge(_states, "", "1 for the state that a rollout is in, else 0."),
    "pilote.rollout.unmeasured": Gauge(_unmeasured, "", "1 while nobody says what a rollout's arms have done."),
}
