"""Gauges that show what was told last."""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

from opentelemetry.metrics import CallbackOptions, Observation

from gateway.watching.meters import Meters

T = TypeVar("T")


class Gauge(NamedTuple, Generic[T]):
    """One gauge: what it observes of each thing that was told."""

    observe: Callable[[T], Iterable[Observation]]
    unit: str
    """"1" for a share of 1, empty for a number without a unit."""
    description: str


class Gauges(Generic[T]):
    """The gauges in `gauges`, by name, of the things that were told last."""

    def __init__(self, meters: Meters, *, gauges: Mapping[str, Gauge[T]]) -> None:
        self._told: tuple[T, ...] = ()
        for name, gauge in gauges.items():
            meters.meter.create_observable_gauge(name, [self._each(gauge.observe)], gauge.unit, gauge.description)

    def tell(self, told: Iterable[T]) -> None:
        """Export these from now on; what is not among them is exported no more."""
        self._told = tuple(told)

    def _each(self, observe: Callable[[T], Iterable[Observation]]) -> Callable[[CallbackOptions], list[Observation]]:
        return lambda _options: [seen for each in self._told for seen in observe(each)]
