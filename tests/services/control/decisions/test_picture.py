"""What is drawn of a decision says what its record says."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.record import Attempt, BucketAsk, BucketLook, Outcome, Record, Settlement, Steps, Verdict
from gateway.records.conclusion import concluded, settled
from gateway.wire.decisions import decision_message
from pilote.decision.v1 import decision_pb2
from services.control.decisions.columns import COLUMNS, took_us, verdict_of
from services.control.decisions.picture import rooms_of, waterfall_of, ways_of
from tests.services.audit.conftest import GRANTED, NOW_MS, a_record, a_settlement, an_id

_spans = st.integers(0, 10_000_000)


def _told(record: Record, outcome: Outcome = GRANTED, settlement: Settlement | None = None) -> decision_pb2.Decision:
    conclusion = concluded(record, outcome)
    if settlement is not None:
        conclusion = settled(conclusion, settlement)
    return decision_message(record, outcome, settlement=settlement, conclusion=conclusion)


def test_steps_follow_each_other_and_tries_stand_within_the_upstream() -> None:
    record = a_record(steps=Steps(wait_us=100, identify_us=200, describe_us=300, facts_us=400, decide_us=500))
    tries = (
        Attempt("main", "crm", "UNAVAILABLE", at_us=2_300, took_us=1_000),
        Attempt("spare", "crm-2", "OK", at_us=4_000, took_us=3_000, why="fallback"),
    )
    end = a_settlement(total_us=8_000, upstream_us=4_700, admit_us=600, settle_us=250, attempts=tries)
    drawn = waterfall_of(_told(record, settlement=end))
    assert drawn is not None
    assert drawn.total_us == 8_000
    assert [(step.name, step.start_us, step.duration_us) for step in drawn.steps] == [
        ("wait", 0, 100),
        ("identify", 100, 200),
        ("describe", 300, 300),
        ("facts", 600, 400),
        ("decide", 1_000, 500),
        ("admit", 1_500, 600),
        ("upstream", 2_300, 4_700),
        ("try", 2_300, 1_000),
        ("try", 4_000, 3_000),
        ("settle", 7_750, 250),
    ]
    assert [(step.upstream, step.status, step.cause) for step in drawn.steps if step.name == "try"] == [
        ("crm", "UNAVAILABLE", "first"),
        ("crm-2", "OK", "fallback"),
    ]


@given(st.lists(_spans, min_size=8, max_size=8), st.lists(st.tuples(_spans, _spans), max_size=3))
def test_no_step_ends_after_the_whole(spans: list[int], tries: list[tuple[int, int]]) -> None:
    wait, identify, describe, facts, decide, admit, settle, upstream = spans
    steps = Steps(wait_us=wait, identify_us=identify, describe_us=describe, facts_us=facts, decide_us=decide)
    end = a_settlement(
        total_us=1_000,
        admit_us=admit,
        settle_us=settle,
        upstream_us=upstream,
        attempts=tuple(Attempt("main", "crm", "OK", at_us=at, took_us=took) for at, took in tries),
    )
    drawn = waterfall_of(_told(a_record(steps=steps), settlement=end))
    if drawn is not None:
        assert all(0 <= step.start_us <= step.start_us + step.duration_us <= drawn.total_us for step in drawn.steps)


def test_a_call_of_which_nothing_was_measured_has_no_waterfall() -> None:
    assert waterfall_of(_told(a_record())) is None


def test_limits_say_their_room_and_when_there_is_some_again() -> None:
    asks = (
        BucketAsk("weekly", "cap", 3, 604_800_000, by="subject=9f"),
        BucketAsk("rate", "rate", 100, 60_000, mode="monitor"),
        BucketAsk("closed", "window", 0, 60_000),
        BucketAsk("pressure", "score", 5_000, 604_800_000, cost=1_500),
    )
    looks = (BucketLook(4, 7_000), BucketLook(25, 0), BucketLook(0, -1), BucketLook(2_500, 0, other=an_id(7)))
    refused = Outcome(granted=False, looks=looks, refused=0)
    weekly, rate, closed, pressure = rooms_of(_told(a_record(buckets=asks), refused))
    assert (weekly.refused, weekly.ratio, weekly.free_ms) == (True, 1.0, NOW_MS + 7_000)
    assert (rate.refused, rate.ratio, rate.free_ms, rate.monitored) == (False, 0.25, None, True)
    assert (closed.refused, closed.ratio, closed.free_ms) == (True, 1.0, None)
    assert (pressure.ratio, pressure.other, pressure.cost) == (0.5, an_id(7), 1_500)


def test_the_decisions_that_it_names_are_ways() -> None:
    told = _told(a_record(inference=an_id(1), parent=an_id(2)))
    assert [(way.kind, way.id) for way in ways_of(told)] == [("inference", an_id(1)), ("parent", an_id(2))]


def test_what_nobody_knows_counts_as_refused_and_shows_nothing() -> None:
    empty = decision_pb2.Decision(name=f"decisions/{an_id(0)}")
    assert verdict_of(empty) == "DENY"
    later: Any = 77  # of a contract to come
    assert verdict_of(decision_pb2.Decision(verdict=later)) == "DENY"
    assert took_us(empty) is None
    shown = {name: column.value(empty) for name, column in COLUMNS.items()}
    assert {name for name, value in shown.items() if value} == {"verdict", "state"}


def test_a_refused_call_took_as_long_as_it_was_decided() -> None:
    told = _told(a_record(verdict=Verdict.DENY, reason="POLICY_DENIED", steps=Steps(decide_us=900)))
    assert took_us(told) == (told.decide_duration.ToMicroseconds() if told.HasField("decide_duration") else None)
