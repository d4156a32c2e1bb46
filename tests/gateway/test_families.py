"""Metrics as Prometheus reads them: names by OpenTelemetry's rules, buckets that add up, labels whatever they hold."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from gateway.instance import Instance
from gateway.watching.families import Family, families, merged, page
from gateway.watching.histogram import Histogram, Seen
from gateway.watching.meters import Meters
from tests.scraping import OPENMETRICS, Page

INSTANCE = Instance("gateway", "gateway-12345678", "0.1.0")


def _page(found: Sequence[Family]) -> Page:
    body, content_type = page(found, OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    return Page(body.decode())


def _read(meters: Meters, worker: int = 1) -> tuple[Family, ...]:
    return families(meters.read(), INSTANCE, worker=worker)


@pytest.mark.parametrize(
    ("name", "unit", "wanted"),
    [
        ("a.b", "", "a_b"),
        ("a.b", "{thing}", "a_b"),
        ("a.b", "1", "a_b_ratio"),
        ("a.duration", "s", "a_duration_seconds"),
        ("a.size", "By", "a_size_bytes"),
        ("a.seconds", "s", "a_seconds"),
    ],
)
def test_a_gauge_is_named_after_its_unit(name: str, unit: str, wanted: str) -> None:
    meters = Meters(INSTANCE)
    meters.meter.create_gauge(name, unit, "What it is.").set(2.5, {"pilote.route": "crm"})
    found = _page(_read(meters))
    assert found.value(wanted, pilote_route="crm", process="gateway", worker="1") == 2.5
    assert found.families[wanted].documentation == "What it is."
    meters.close()


def test_a_counter_is_a_total() -> None:
    meters = Meters(INSTANCE)
    meters.meter.create_counter("pilote.decisions", "{decision}").add(3, {"pilote.revision": 7})
    assert _page(_read(meters)).value("pilote_decisions_total", pilote_revision="7") == 3
    meters.close()


def test_nothing_counted_is_a_page_with_the_process_alone() -> None:
    meters = Meters(INSTANCE)
    found = _page(_read(meters))
    assert [sample.name for sample in found.samples] == ["target_info"]
    assert found.of("target_info", service_name="pilote-gateway", service_version="0.1.0")
    meters.close()


@given(st.lists(st.floats(0, 100, allow_nan=False), max_size=60))
def test_buckets_hold_all_values_below_their_bounds(values: list[float]) -> None:
    histogram: Histogram[tuple[str]] = Histogram("h", unit="s", description="H.", bounds=(0.5, 1, 10), labels=("a",))
    for value in values:
        histogram.of(("x",)).add(value)
    found = _page(families([histogram.metric()], INSTANCE, worker=1))
    if not values:
        assert found.of("h_seconds_count") == []
        return
    for le in (0.5, 1.0, 10.0):
        assert found.value("h_seconds_bucket", a="x", le=str(le)) == sum(value <= le for value in values)
    assert found.value("h_seconds_bucket", le="+Inf") == found.value("h_seconds_count") == len(values)
    assert found.value("h_seconds_sum") == pytest.approx(sum(values))


def test_an_exemplar_stands_at_the_bucket_of_its_value() -> None:
    histogram: Histogram[tuple[str]] = Histogram("h", unit="s", description="H.", bounds=(0.5, 1, 10), labels=("a",))
    series = histogram.of(("x",))
    for value, number in ((0.7, 1), (0.8, 2), (99.0, 3)):
        series.seen[series.add(value)] = Seen(value, f"{number:032x}", f"{number:016x}", 5.0)
    found = _page(families([histogram.metric()], INSTANCE, worker=1))
    examples = {each.labels["le"]: each.exemplar for each in found.of("h_seconds_bucket") if each.exemplar}
    assert {le: (each.value, each.labels["trace_id"]) for le, each in examples.items()} == {
        "1.0": (0.8, f"{2:032x}"),
        "+Inf": (99.0, f"{3:032x}"),
    }
    plain, content_type = page(families([histogram.metric()], INSTANCE, worker=1), "text/plain")
    assert content_type.startswith("text/plain")
    assert b"trace_id" not in plain


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_a_label_holds_the_page_can_be_read(first: str, second: str) -> None:
    meters = Meters(INSTANCE)
    counter = meters.meter.create_counter("c")
    counter.add(1, {"pilote.route": first})
    counter.add(1, {"pilote.route": second})
    found = _page(_read(meters))
    assert sum(each.value for each in found.of("c_total")) == 2
    assert {each.labels["pilote_route"] for each in found.of("c_total")} == {first, second}
    meters.close()


def test_several_processes_make_one_page_with_each_metric_once() -> None:
    parts = []
    for worker in (1, 2, 3):
        meters = Meters(INSTANCE)
        meters.meter.create_counter("pilote.decisions").add(worker)
        parts.append(_read(meters, worker))
        meters.close()
    odd = (Family("pilote_decisions", "gauge", "", "Another version's.", ()),)
    found = _page(merged([*parts, odd]))
    counts = {each.labels["worker"]: each.value for each in found.of("pilote_decisions_total")}
    assert counts == {"1": 1, "2": 2, "3": 3}


class Kept(MetricExporter):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        scopes = [scope for each in metrics_data.resource_metrics for scope in each.scope_metrics]
        self.names = [metric.name for scope in scopes for metric in scope.metrics]
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        pass


@pytest.mark.parametrize("counted", [True, False])
async def test_what_is_read_and_what_is_exported_are_the_same_metrics(*, counted: bool) -> None:
    kept = Kept()
    meters = Meters(INSTANCE, exporter=kept)
    histogram: Histogram[tuple[str]] = Histogram("own", unit="s", description="", bounds=(1,), labels=("a",))
    meters.include(histogram.metric)
    histogram.of(("x",)).add(0.5)
    if counted:
        meters.meter.create_counter("theirs").add(1)
    read = [metric.name for metric in meters.read()]
    await asyncio.to_thread(meters.close)
    assert read == (["theirs", "own"] if counted else ["own"])
    assert kept.names == (read if counted else [])
