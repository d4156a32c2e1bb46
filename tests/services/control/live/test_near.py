"""When a bucket that is nearly full takes calls again."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits import Bucket, LimitRule
from gateway.core.zones import CalendarRule
from pilote.audit.v1 import activity_pb2
from services.control.live.near import still_near
from services.control.times import at

NOW_MS = 1_795_514_400_000
HOUR_MS = 3_600_000
KINDS = ("rate", "window", "budget", "concurrency", "quota")


def at_ms(ms: int) -> Timestamp:
    found = Timestamp()
    found.FromMilliseconds(ms)
    return found


def bucket(kind: str = "window", *, used: int = 10, capacity: int = 10, **more: Any) -> activity_pb2.NearBucket:
    period = Duration()
    period.FromMilliseconds(more.pop("period_ms", HOUR_MS))
    look = at_ms(more.pop("seen_ms", NOW_MS))
    return activity_pb2.NearBucket(
        tenant="acme", limit="l", kind=kind, used=used, capacity=capacity, period=period, look_time=look, **more
    )


def rule(kind: str = "window", *, interval_us: int = 0, calendar: CalendarRule | None = None) -> dict[str, LimitRule]:
    made = Bucket("l", kind, "", capacity=10, period_ms=HOUR_MS, interval_us=interval_us)
    return {"l": LimitRule(bucket=made, by=(), calendar=calendar)}


@pytest.mark.parametrize(
    ("found", "rules", "passed_ms", "wanted"),
    [
        (bucket(used=9), {}, 0, ("NOW", None)),
        (bucket(), {}, 0, ("BY", NOW_MS + HOUR_MS + HOUR_MS // 60)),
        (bucket(free_time=at_ms(NOW_MS + 5_000)), {}, 0, ("AT", NOW_MS + 5_000)),
        (bucket(free_time=at_ms(NOW_MS + 5_000)), {}, 5_000, ("NOW", None)),
        (bucket("rate", period_ms=60_000), rule("rate", interval_us=60_000_000), 0, ("AT", NOW_MS + 60_000)),
        (bucket("rate", period_ms=60_000), {}, 0, ("AT", NOW_MS + 6_000)),
        (bucket("concurrency", period_ms=0), {}, 0, ("LATER", None)),
        (bucket("quota"), {}, 59_000, ("LATER", None)),
    ],
)
def test_it_takes_calls_again(
    found: activity_pb2.NearBucket, rules: dict[str, LimitRule], passed_ms: int, wanted: tuple[str, int | None]
) -> None:
    near = still_near(found, rules, now_ms=NOW_MS + passed_ms)
    assert near is not None
    assert (near.room, near.room_time) == (wanted[0], None if wanted[1] is None else at(wanted[1]))


def test_a_period_of_the_calendar_ends_exactly_and_a_customers_own_by_then_at_the_latest() -> None:
    paris = rule(calendar=CalendarRule(unit="day", zone="Europe/Paris", fallback_zone=""))
    theirs = rule(calendar=CalendarRule(unit="day", zone="subject", fallback_zone="UTC"))
    exact = still_near(bucket(period_ms=24 * HOUR_MS), paris, now_ms=NOW_MS)
    latest = still_near(bucket(period_ms=24 * HOUR_MS), theirs, now_ms=NOW_MS)
    assert exact is not None
    assert latest is not None
    assert (exact.room, str(exact.room_time)) == ("AT", "2026-11-24 23:00:00+00:00")
    assert latest.room == "BY"


def test_a_rate_empties_by_itself() -> None:
    rules = rule("rate", interval_us=1_000_000)
    found = [still_near(bucket("rate"), rules, now_ms=NOW_MS + ms) for ms in (0, 1_000, 2_000, 3_000)]
    assert [each.used if each else None for each in found] == [10, 9, 8, None]


@pytest.mark.parametrize(("kind", "passed_ms"), [("window", HOUR_MS + HOUR_MS // 60), ("quota", 60_001)])
def test_what_may_have_emptied_since_is_not_shown(kind: str, passed_ms: int) -> None:
    assert still_near(bucket(kind), {}, now_ms=NOW_MS + passed_ms) is None


@given(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "used": st.integers(0, 1_000),
            "capacity": st.integers(1, 1_000),
            "period_ms": st.integers(0, 10**9),
        },
        optional={"free_time": st.integers(0, 10**8).map(lambda wait_ms: at_ms(NOW_MS + wait_ms))},
    ),
    st.integers(-60_000, 10**9),
)
def test_whatever_a_bucket_says_no_time_that_is_over_is_promised_and_what_has_emptied_is_not_shown(
    found: dict[str, Any], passed_ms: int
) -> None:
    near = still_near(bucket(**found), {}, now_ms=NOW_MS + passed_ms)
    if near is None:
        return
    assert near.share >= 0.8
    assert (near.room in {"AT", "BY"}) == (near.room_time is not None)
    assert near.room_time is None or near.room_time > at(NOW_MS + passed_ms)
