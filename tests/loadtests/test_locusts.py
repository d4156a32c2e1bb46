"""The parts of the Locust file: shapes, arrivals, sums and thresholds, all without a process of Locust."""

import contextlib
import math
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given

from loadtests.locusts.arrivals import Spacing, arrivals
from loadtests.locusts.measures import MEASURES, Of, Ran, Selection, borne, measured
from loadtests.locusts.options import THRESHOLDS
from loadtests.locusts.scenarios import OVER, QUIET_S, SCENARIOS, Phase, index_at, stretched, users
from loadtests.locusts.spread import GROWTH, LEAST_MS, Spread
from loadtests.locusts.tables import as_csv, as_html, as_text, into_page, tables
from loadtests.locusts.tally import Key, Tally
from loadtests.locusts.thresholds import Threshold, ThresholdsWrong, judged, read
from loadtests.locusts.verdicts import Answer, verdict_of

TIMES = st.lists(st.floats(0.02, 60_000, allow_nan=False), min_size=1, max_size=60)
PHASES = ("warm", "one", "two")
ANSWERS = st.sampled_from(
    [
        Answer("OK", "", "d1", "1"),
        Answer("NOT_FOUND", "NOT_FOUND", "d2", "1"),
        Answer("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "d3", "2"),
        Answer("FAILED_PRECONDITION", "APPROVAL_REQUIRED", "d4", "2"),
        Answer("UNAVAILABLE", "STORE_UNAVAILABLE", "d5"),
        Answer("UNAVAILABLE"),
    ]
)
CALLS = st.lists(
    st.tuples(ANSWERS, st.sampled_from(PHASES), st.sampled_from(("gRPC", "REST")), st.floats(0.02, 5_000)), max_size=40
)
Calls = list[tuple[Answer, str, str, float]]


def tally(calls: Calls) -> Tally:
    found = Tally()
    for answer, phase, door, ms in calls:
        found.add(answer, phase=phase, door=door, method="GetContact", agent="sales-bot", ms=ms, late_ms=ms / 10)
    return found


def ran(calls: Calls, **figures: float) -> Ran:
    return Ran(tally(calls), tuple(Phase(name=name, seconds=10) for name in PHASES), figures)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_second_of_a_scenario_is_in_one_phase_and_then_it_is_over(name: str) -> None:
    found = SCENARIOS[name]
    seen = [index_at(found, tenth / 10) for tenth in range(math.ceil(found.seconds * 10))]
    assert seen == sorted(seen, key=lambda index: -1 if index is None else index)
    assert set(seen) == set(range(len(found.phases)))
    assert index_at(found, found.seconds) is None
    assert (found.phases[0].name, found.phases[-1].name, found.phases[-1].load) == ("warm", OVER, 0)


@given(st.sampled_from(sorted(SCENARIOS)), st.floats(QUIET_S + 0.5, 10_000), st.floats(0, 0.999))
def test_a_stretched_scenario_has_the_same_phases_at_the_same_share_of_its_time(
    name: str, seconds: float, share: float
) -> None:
    short = SCENARIOS[name]
    long = stretched(short, seconds)
    assert long.seconds == pytest.approx(seconds)
    assert [phase.name for phase in long.phases] == [phase.name for phase in short.phases]
    before = index_at(short, share * (short.seconds - QUIET_S))
    after = index_at(long, share * (seconds - QUIET_S))
    assert before is not None
    assert after is not None
    assert abs(before - after) <= 1  # on a boundary either may be meant, by rounding


def test_a_run_is_never_as_short_as_its_quiet_end() -> None:
    with pytest.raises(ValueError, match="quiet"):
        stretched(SCENARIOS["steady"], QUIET_S)


@given(st.floats(0, 50), st.floats(0.1, 1_000), st.floats(0.1, 50))
def test_there_are_just_enough_users_for_a_load(load: float, rate: float, pace: float) -> None:
    count = users(load, rate=rate, pace=pace)
    assert count * pace >= load * rate - 1e-6 * pace
    assert (count - 1) * pace <= load * rate or count == 0


@given(st.integers(0, 1_000), st.floats(0.1, 100), st.sampled_from(["poisson", "even"]))
def test_arrivals_never_wait_for_answers_and_keep_their_pace(seed: int, pace: float, spacing: Spacing) -> None:
    due = arrivals(pace, start=5.0, spacing=spacing, draw=Random(seed))  # noqa: S311
    found = [next(due) for _ in range(2_000)]
    assert found == sorted(found)
    assert found[0] >= 5.0
    # Of 2,000 gaps the mean of exponential ones is within 5 standard errors.
    assert (found[-1] - 5.0) / 2_000 * pace == pytest.approx(
        1, abs=5 / math.sqrt(2_000) if spacing == "poisson" else 0.01
    )
    if spacing == "even":
        assert found[-1] - found[0] == pytest.approx(1_999 / pace)
    again = arrivals(pace, start=5.0, spacing=spacing, draw=Random(seed))  # noqa: S311
    assert [next(again) for _ in range(2_000)] == found


@pytest.mark.parametrize("pace", [0.0, -1.0])
def test_nobody_calls_at_no_pace(pace: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        arrivals(pace, start=0, spacing="even", draw=Random(1))  # noqa: S311


@given(TIMES, st.floats(0.01, 1))
def test_a_percentile_is_within_half_a_percent_of_the_exact_one(times: list[float], share: float) -> None:
    spread = Spread()
    for ms in times:
        spread.add(ms)
    exact = sorted(times)[max(1, math.ceil(share * len(times) - 1e-9)) - 1]
    assert spread.at(share) == pytest.approx(exact, rel=math.sqrt(GROWTH) - 1 + 1e-9)
    assert spread.at(share) <= max(*times, LEAST_MS)


@given(st.lists(CALLS, max_size=5), st.integers(1, 3))
def test_what_workers_send_in_parts_adds_up_to_what_one_process_would_have_counted(
    parts: list[Calls], times: int
) -> None:
    master, alone = Tally(), tally([call for part in parts for call in part * times])
    for part in parts:
        worker = Tally()
        for _ in range(times):
            worker.merge(tally(part).taken())
            master.merge(worker.taken())
            assert worker.calls == 0  # each call is sent once
    assert master.calls == alone.calls
    assert (master.revisions, master.decided) == (alone.revisions, alone.decided)
    assert {key: (s.count, s.buckets, s.most_ms) for key, s in master.times.items()} == {
        key: (s.count, s.buckets, s.most_ms) for key, s in alone.times.items()
    }
    assert {key: s.sum_ms for key, s in master.times.items()} == pytest.approx(
        {key: s.sum_ms for key, s in alone.times.items()}
    )


@pytest.mark.parametrize(
    ("code", "reason", "verdict"),
    [
        ("OK", "", "ALLOW"),
        ("NOT_FOUND", "NOT_FOUND", "ALLOW"),
        ("NOT_FOUND", "ROUTE_NOT_FOUND", "DENY"),
        ("FAILED_PRECONDITION", "APPROVAL_REQUIRED", "HOLD"),
        ("FAILED_PRECONDITION", "DEFERRED", "DEFER"),
        ("RESOURCE_EXHAUSTED", "CAP_EXCEEDED", "DENY"),
        ("UNAVAILABLE", "STORE_UNAVAILABLE", "ERROR"),
        ("UNAVAILABLE", "", "ERROR"),
        ("UNAUTHENTICATED", "AGENT_UNAUTHENTICATED", "ERROR"),
        ("PERMISSION_DENIED", "A_REASON_OF_TOMORROW", "DENY"),
    ],
)
def test_a_status_and_its_reason_come_to_one_verdict(code: str, reason: str, verdict: str) -> None:
    assert verdict_of(code, reason) == verdict


@given(CALLS, st.sampled_from(["errors", "refused", "share", "p95_ms", "calls"]), st.floats(0, 2), st.floats(0, 2))
def test_a_threshold_is_kept_exactly_where_what_was_measured_lies_between_its_bounds(
    calls: Calls, measure: str, low: float, high: float
) -> None:
    threshold = Threshold(measure=measure, min=min(low, high), max=max(low, high), verdict="ALLOW")
    (found,) = judged((threshold,), ran(calls))
    counted = [call for call in calls if call[1] != "warm"]
    if found.measured is None:
        assert not found.kept
        assert not [call for call in counted if measure != "p95_ms" or call[0].verdict == "ALLOW"]
        assert "nothing to measure" in found.text
    else:
        assert found.kept == (min(low, high) <= found.measured <= max(low, high))
        if measure == "errors":
            errors = [call for call in counted if call[0].verdict == "ERROR"]
            assert found.measured == pytest.approx(len(errors) / len(counted))
    assert found.text.startswith("kept" if found.kept else "MISSED")


@given(CALLS)
def test_shares_of_all_verdicts_add_up_and_so_do_the_doors(calls: Calls) -> None:
    found = ran(calls)
    counted = [call for call in calls if call[1] != "warm"]
    for door in ("", "gRPC", "REST"):
        some = [call for call in counted if door in ("", call[2])]
        assert measured("calls", found, selection=Selection(door=door), of=Of()) == len(some)
        if some:
            shares = [
                measured("share", found, selection=Selection(door=door), of=Of(verdict=verdict))
                for verdict in ("ALLOW", "DENY", "HOLD", "DEFER", "ERROR")
            ]
            assert math.fsum(shares) == pytest.approx(1)


def test_what_is_borne_ends_before_the_first_load_that_was_too_much() -> None:
    ok = Answer("OK", "", "d", "1")
    phases = tuple(Phase(name=name, seconds=2) for name in ("warm", "x1", "x2", "x3", "end"))
    calls: Calls = [(ok, "x1", "gRPC", 10.0)] * 20 + [(ok, "x2", "gRPC", 900.0)] * 40 + [(ok, "x3", "gRPC", 10.0)] * 60
    assert borne(Ran(tally(calls), phases)) == ("x1", 10.0)
    assert borne(Ran(tally([]), phases)) == ("", 0.0)


def test_the_file_of_thresholds_judges_every_scenario_by_measures_that_there_are() -> None:
    found = read(THRESHOLDS.read_bytes())
    assert set(found) == set(SCENARIOS)
    assert all(thresholds for thresholds in found.values())


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("steady: [{measure: p95_ms, max: 1, phasee: x}]", "phasee"),
        ("steady: [{measure: p96_ms, max: 1}]", "no measure p96_ms"),
        ("steady: [{measure: p95_ms}]", "say min, max or both"),
        ("steady: [{measure: p95_ms, min: 2, max: 1}]", "min is above max"),
        ("steady: [{measure: p95_ms, max: 1, phase: noise}]", "no phase noise"),
        ("steady: [{measure: share, max: 1, verdict: ALLOWED}]", "no verdict ALLOWED"),
        ("stedy: [{measure: p95_ms, max: 1}]", "no scenario stedy"),
        ("steady: [{measure: p95_ms, max: fast}]", "cannot be read"),
        ("[", "cannot be read"),
    ],
)
def test_a_wrong_threshold_is_told_and_never_left_out(document: str, said: str) -> None:
    with pytest.raises(ThresholdsWrong, match=said):
        read(document.encode())


@given(st.text(max_size=200))
def test_any_text_is_thresholds_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(ThresholdsWrong):
        assert all(name in SCENARIOS for name in read(text.encode("utf-8", "surrogatepass")))


@given(CALLS)
def test_reports_show_every_call_and_escape_what_came_over_the_network(calls: Calls) -> None:
    evil: Calls = [(Answer("UNKNOWN", "<script>x</script>"), "one", "gRPC", 1.0)]
    found = ran([*calls, *evil])
    shown = tables(found, records=[("verdict", "", 3)], judged=judged((Threshold(measure="calls", min=1),), found))
    page = into_page("<html><body><p></body></html>", as_html(shown))
    assert page.endswith("</section></body></html>")
    assert "<script>" not in page
    assert all(table.title in as_text(table) for table in shown)
    lines = as_csv(found).splitlines()
    assert lines[0].startswith(",".join(Key._fields))
    assert sum(int(line.split(",")[6]) for line in lines[1:]) == len(calls) + 1


def test_every_measure_says_something_of_a_plain_run() -> None:
    found = ran([(Answer("OK", "", "d", "1"), "one", "gRPC", 5.0)], unrecorded=0)
    for name in (*MEASURES, "unrecorded"):
        assert measured(name, found, selection=Selection(), of=Of()) >= 0
