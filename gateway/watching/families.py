"""Metrics as Prometheus knows them: names, units and labels by OpenTelemetry's rules, several processes in one page."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from opentelemetry.sdk.metrics.export import Gauge, Histogram, HistogramDataPoint, Metric, Sum
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Exposed
from prometheus_client.samples import Exemplar

from gateway.instance import Instance

_UNITS: Final[Mapping[str, str]] = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "By": "bytes"}
_OTHER: Final = re.compile(r"[^a-zA-Z0-9_]")


class Example(NamedTuple):
    """One value, and the span it was measured of."""

    labels: dict[str, str]
    value: float
    at_s: float


class Sample(NamedTuple):
    """One line."""

    suffix: str
    labels: dict[str, str]
    value: float
    example: Example | None = None


class Family(msgspec.Struct, frozen=True):
    """One metric, of one process or of several."""

    name: str
    kind: str
    """"counter", "gauge", "histogram" or "info"."""
    unit: str
    description: str
    samples: tuple[Sample, ...]


def families(metrics: Iterable[Metric], instance: Instance, *, worker: int) -> tuple[Family, ...]:
    """The metrics of one process. `worker` tells it from others of its kind, from 1 up."""
    said = {"process": instance.kind, "worker": str(worker)}
    target = Sample(
        "_info", {**said, "service_name": f"pilote-{instance.kind}", "service_version": instance.version}, 1
    )
    found = [Family("target", "info", "", "The process that these metrics are of.", (target,))]
    return (*found, *[family for metric in metrics if (family := _family(metric, said)) is not None])


def merged(parts: Iterable[Sequence[Family]]) -> tuple[Family, ...]:
    """The metrics of several processes; where two versions differ about one, the first describes it."""
    found: dict[str, Family] = {}
    for family in [family for part in parts for family in part]:
        known = found.get(family.name)
        if known is None:
            found[family.name] = family
        elif known.kind == family.kind:
            found[family.name] = msgspec.structs.replace(known, samples=(*known.samples, *family.samples))
    return tuple(found.values())


def page(found: Iterable[Family], accept: str) -> tuple[bytes, str]:
    """The page that Prometheus reads, in the format that it accepts, and its content type.

    OpenMetrics has exemplars; the older text format has none.
    """
    encode, content_type = choose_encoder(accept)
    return encode(_Registry(found)), content_type


class _Registry:
    def __init__(self, found: Iterable[Family]) -> None:
        self._found = found

    def collect(self) -> Iterable[Exposed]:
        """See `prometheus_client.registry.Collector`."""
        return [_exposed(family) for family in self._found]


def _exposed(family: Family) -> Exposed:
    exposed = Exposed(family.name, family.description, family.kind, family.unit)
    for sample in family.samples:
        example = None if sample.example is None else Exemplar(*sample.example)
        exposed.add_sample(f"{exposed.name}{sample.suffix}", sample.labels, sample.value, exemplar=example)
    return exposed


def _family(metric: Metric, said: Mapping[str, str]) -> Family | None:
    data, samples = metric.data, []
    for point in data.data_points:
        labels = {**{_OTHER.sub("_", name): _text(value) for name, value in (point.attributes or {}).items()}, **said}
        if isinstance(data, Histogram):
            samples += _buckets(point, labels)  # type: ignore[arg-type]  # what a histogram has
        else:
            suffix = "_total" if isinstance(data, Sum) and data.is_monotonic else ""
            samples.append(Sample(suffix, labels, point.value))  # type: ignore[union-attr]
    kind = "histogram" if isinstance(data, Histogram) else "counter" if _counts(data) else "gauge"
    unit = _UNITS.get(metric.unit or "", "ratio" if metric.unit == "1" and isinstance(data, Gauge) else "")
    name = _OTHER.sub("_", metric.name)
    if unit and not name.endswith(f"_{unit}"):
        name = f"{name}_{unit}"
    return Family(name, kind, unit, metric.description or metric.name, tuple(samples)) if samples else None


def _counts(data: Any) -> bool:
    return isinstance(data, Sum) and data.is_monotonic


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _buckets(point: HistogramDataPoint, labels: dict[str, str]) -> list[Sample]:
    """The buckets, each with all below it as Prometheus counts them, their sum and their count."""
    samples, below, examples = [], 0, _examples(point)
    for place, (count, bound) in enumerate(zip(point.bucket_counts, (*point.explicit_bounds, None), strict=True)):
        below += count
        le = "+Inf" if bound is None else str(float(bound))
        samples.append(Sample("_bucket", {**labels, "le": le}, below, examples.get(place)))
    return [*samples, Sample("_count", labels, below), Sample("_sum", labels, point.sum)]


def _examples(point: HistogramDataPoint) -> dict[int, Example]:
    """The latest exemplar of each bucket, by its index."""
    bounds = point.explicit_bounds
    found = {}
    for each in point.exemplars:
        if each.trace_id is None or each.span_id is None:
            continue
        place = sum(1 for bound in bounds if each.value > bound)
        ids = {"trace_id": f"{each.trace_id:032x}", "span_id": f"{each.span_id:016x}"}
        found[place] = Example(ids, each.value, each.time_unix_nano / 1e9)
    return found
