"""What a finding has seen, as a picture."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.control.console.pages.finding_picture_parts import Bars, Columns, Names, Steps
from tests.services.findings.drawing import drawn, kinds
from tests.services.findings.test_finding import HOUR_MS, seen

MINUTE_MS = 60_000
DAY_MS = 24 * HOUR_MS
ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def latency(*bins: dict[str, Any], against: str = "") -> Any:
    return seen(shown={"against": against, "hours": 1, "strange": 0.0, "bins": list(bins)})


def test_a_drift_of_numbers_shows_ranges_before_and_now_in_the_readers_language() -> None:
    drift = latency(
        {"from": None, "to": 12_000.0, "before": 0.8, "now": 0.2},
        {"from": 12_000.0, "to": None, "before": 0.2, "now": 0.8},
    )
    (bars,) = drawn(drift)
    assert isinstance(bars, Bars)
    assert bars.series == ("before", "now")
    assert [row.label for row in bars.rows] == ["below 12\N{NO-BREAK SPACE}ms", "12\N{NO-BREAK SPACE}ms and more"]
    assert [[(bar.length, bar.text) for bar in row.bars] for row in bars.rows] == [
        [(1.0, "80%"), (0.25, "20%")],
        [(0.25, "20%"), (1.0, "80%")],
    ]
    (french,) = drawn(drift, "fr")
    assert isinstance(french, Bars)
    assert french.rows[0].label == "moins de 12\N{NO-BREAK SPACE}ms"
    assert french.rows[0].bars[0].text == "80\N{NO-BREAK SPACE}%"


def test_a_new_version_is_shown_beside_the_one_that_it_is_compared_with() -> None:
    for against, label in (("score@1", "version score@1"), ("*", "other versions")):
        (bars,) = drawn(latency({"name": "*", "before": 0.5, "now": 0.5}, against=against))
        assert isinstance(bars, Bars)
        assert bars.series[0] == label
        assert bars.rows[0].label == "all others"


def test_a_burst_shows_its_hour_with_its_minutes_marked() -> None:
    counts = [1] * 20 + [4] * 5 + [1] * 35
    burst = seen(
        kind="burst",
        start_ms=5 * HOUR_MS + 20 * MINUTE_MS,
        end_ms=5 * HOUR_MS + 25 * MINUTE_MS,
        shown={"minutes": 5, "counts": counts, "agents": [{"name": "a", "count": 9}, {"name": "b", "count": 3}]},
    )
    columns, agents = drawn(burst)
    assert isinstance(columns, Columns)
    assert (columns.start_ms, columns.end_ms) == (5 * HOUR_MS, 6 * HOUR_MS)
    assert [at for at, each in enumerate(columns.columns) if each[1]] == [20, 21, 22, 23, 24]
    assert columns.said == "Up to 4 in a minute, 75 in all."
    assert isinstance(agents, Bars)
    assert [(row.label, row.bars[0].length) for row in agents.rows] == [("a", 1.0), ("b", 1 / 3)]


def test_a_silence_shows_every_day_also_those_without_calls() -> None:
    days = [{"at_ms": day * DAY_MS, "matches": 10, "calls": 100} for day in (0, 1, 3)]
    days.append({"at_ms": 4 * DAY_MS, "matches": 0, "calls": 100})
    (columns,) = drawn(seen(kind="silence", start_ms=4 * DAY_MS, end_ms=5 * DAY_MS, shown={"days": days}))
    assert isinstance(columns, Columns)
    assert columns.columns == ((1.0, False), (1.0, False), (0.0, False), (1.0, False), (0.0, True))
    assert columns.said == "On the last day it applied to 0 of 100 calls."


def test_pressure_shows_groups_with_intervals_the_holdout_and_who_adds_to_it() -> None:
    def about(value: float) -> dict[str, float]:
        return {"value": value, "low": value / 2, "high": value * 2}

    groups = [
        {"from": 0, "to": 0, "per_1000": None},
        {"from": 1, "to": 1, "per_1000": about(2.0)},
        {"from": 2, "to": 5, "per_1000": about(10.0)},
    ]
    agents = [{"agent": "loud", "contacts": 900, "beyond": 0}, {"agent": "calm", "contacts": 300, "beyond": 0}]
    costs, senders = drawn(seen(kind="pressure", shown={"groups": groups, "holdout": about(1.0), "agents": agents}))
    assert isinstance(costs, Bars)
    assert [row.label for row in costs.rows] == ["0", "1", "2 to 5", "never contacted (holdout)"]
    assert [row.bars[0].text for row in costs.rows] == ["too few", "2 (1 to 4)", "10 (5 to 20)", "1 (0.5 to 2)"]
    assert [(row.bars[0].low, row.bars[0].high) for row in costs.rows][2] == (0.25, 1.0)
    assert isinstance(senders, Bars)
    assert senders.title == "Who makes these contacts"


def test_detours_show_both_decisions() -> None:
    pairs = [{"refused": "a" * 32, "done": "b" * 32, "after_ms": 1_500}]
    (steps,) = drawn(seen(kind="around", shown={"within_ms": 9, "pairs": pairs}))
    assert isinstance(steps, Steps)
    assert steps.pairs == (("a" * 32, "b" * 32, "1.5"),)


def test_fairness_shows_both_groups_and_what_four_fifths_alone_would_say() -> None:
    about = (("agent", "a"), ("measure", "offers"), ("attribute", "sex"), ("group", "w"))
    shown = {
        "reference": "m",
        "rate": 0.2,
        "reference_rate": 0.4,
        "share": True,
        "comparisons": 9,
        "naive": 4,
        "alerts": 1,
    }
    groups, judged = drawn(seen(kind="fairness", about=about, n=120, m=140, shown=shown))
    assert isinstance(groups, Bars)
    assert [(row.label, row.bars[0].text) for row in groups.rows] == [
        ("w (120 people)", "20%"),
        ("m (140 people)", "40%"),
    ]
    assert isinstance(judged, Bars)
    assert [row.bars[0].text for row in judged.rows] == ["9", "4", "1"]


def test_groups_are_called_as_everywhere_else() -> None:
    about = (("agent", "a"), ("measure", "offers"), ("attribute", "gender"), ("group", "female"))
    shown = {"reference": "male", "rate": 0.2, "reference_rate": 0.4, "share": True}
    (groups,) = drawn(seen(kind="fairness", about=about, n=120, m=140, shown=shown), "fr")
    assert isinstance(groups, Bars)
    assert [row.label.split(" (")[0] for row in groups.rows] == ["femmes", "hommes"]


def test_probing_adding_up_and_novelty_show_what_is_unusual() -> None:
    (shares,) = drawn(seen(kind="probing", about=(("agent", "a"),), shown={"share": 0.5, "others": 0.1}))
    assert isinstance(shares, Bars)
    assert [(row.label, row.bars[0].text) for row in shares.rows] == [("a", "50%"), ("other agents", "10%")]
    days = [{"at_ms": 0, "customers": 4}, {"at_ms": DAY_MS, "customers": 80}]
    (columns,) = drawn(seen(kind="adding-up", start_ms=DAY_MS, end_ms=2 * DAY_MS, shown={"days": days}))
    assert isinstance(columns, Columns)
    assert columns.columns == ((0.05, False), (1.0, True))
    (names,) = drawn(seen(kind="novelty", shown={"field": "channel", "values": ["fax"]}))
    assert isinstance(names, Names)
    assert names.names == ("fax",)


KINDS = ["drift", "burst", "silence", "pressure", "around", "fairness", "probing", "adding-up", "novelty"]


@given(st.sampled_from([*KINDS, "other"]), st.dictionaries(st.text(), ANY))
def test_whatever_was_kept_is_drawn_or_not_but_never_in_the_way(kind: str, shown: dict[str, Any]) -> None:
    kinds(seen(kind=kind, shown=shown))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_kept_is_no_picture(kind: str) -> None:
    assert kinds(seen(kind=kind)) == []
