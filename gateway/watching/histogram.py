"""Histograms counted here: the SDK's own take 6 us a value, and every call has several."""

import bisect
import time
from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import AggregationTemporality, HistogramDataPoint, Metric
from opentelemetry.sdk.metrics.export import Histogram as Points

Key = TypeVar("Key", bound=tuple[str, ...])


class Seen(NamedTuple):
    """One value that a bucket has got lately, and the call it was measured of. Ids are hexadecimal."""

    value: float
    trace_id: str
    span_id: str
    at_s: float
    """Seconds since the epoch."""


class Series:
    """The values of one set of labels."""

    __slots__ = ("_bounds", "counts", "seen", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        self.seen: dict[int, Seen] = {}
        """The latest value of each bucket whose call has an exported span."""

    def add(self, value: float) -> int:
        """Count a value; gives the index of its bucket."""
        place = bisect.bisect_left(self._bounds, value)
        self.counts[place] += 1
        self.total += value
        return place


class Histogram(Generic[Key]):
    """A histogram with fixed upper `bounds`. Count from one thread; it may be read from another.

    `labels` are the names of what stands in a key, by place; an empty text is no label.
    """

    def __init__(
        self, name: str, *, unit: str, description: str, bounds: Sequence[float], labels: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.unit = unit
        self.description = description
        self._bounds = tuple(bounds)
        self._labels = tuple(labels)
        self._begun_ns = time.time_ns()
        self._series: dict[Key, Series] = {}

    def of(self, key: Key) -> Series:
        """The series of these labels' values."""
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series(self._bounds)
        return series

    def metric(self) -> Metric:
        """All that was counted so far. What comes in meanwhile counts next time."""
        now_ns = time.time_ns()
        points = [self._point(key, series, now_ns) for key, series in list(self._series.items())]
        data = Points(data_points=points, aggregation_temporality=AggregationTemporality.CUMULATIVE)
        return Metric(name=self.name, description=self.description, unit=self.unit, data=data)

    def _point(self, key: Key, series: Series, now_ns: int) -> HistogramDataPoint:
        counts = tuple(series.counts)
        return HistogramDataPoint(
            attributes=self.attributes(key),
            start_time_unix_nano=self._begun_ns,
            time_unix_nano=now_ns,
            count=sum(counts),
            sum=series.total,
            bucket_counts=counts,
            explicit_bounds=self._bounds,
            min=None,  # type: ignore[arg-type]  # not counted; optional on the wire
            max=None,  # type: ignore[arg-type]
            exemplars=[_exemplar(seen) for seen in list(series.seen.values())],
        )

    def attributes(self, key: Key) -> Mapping[str, str]:
        """The labels of a series."""
        return {name: value for name, value in zip(self._labels, key, strict=True) if value}


def _exemplar(seen: Seen) -> Exemplar:
    return Exemplar(
        filtered_attributes={},
        value=seen.value,
        time_unix_nano=int(seen.at_s * 1e9),
        span_id=int(seen.span_id, 16),
        trace_id=int(seen.trace_id, 16),
    )
