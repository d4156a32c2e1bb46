"""The same thing seen again is the same finding, and it comes back by itself."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.findings.finding import (
    CLOSED,
    MOST_COMMENTS,
    Comment,
    Finding,
    Grade,
    Seen,
    State,
    closed,
    found,
    grade_of,
    id_of,
    said,
    score_of,
)

HOUR_MS = 3_600_000


def seen(start: int = 0, **changes: object) -> Seen:
    """A drift of latency in the hour of that number."""
    wanted: dict[str, object] = {
        "kind": "drift", "tenant": "acme", "about": (("agent", "sales-bot"), ("measure", "latency")),
        "start_ms": start * HOUR_MS, "end_ms": (start + 1) * HOUR_MS, "size": 0.8, "reach": 50_000, "certainty": 0.999,
        "value": 0.31, "low": 0.2, "high": 0.4, "level": 0.95, "n": 2_000, "m": 40_000, "false_alarms": 0.05,
        "filter": 'agent = "sales-bot"',
    }  # fmt: skip
    return msgspec.convert(wanted | changes, Seen)


def first() -> Finding:
    return found(None, seen(), now_ms=HOUR_MS)


names = st.text(max_size=6)
abouts = st.lists(st.tuples(names, names), max_size=3).map(tuple)


@given(abouts, abouts, names, names)
def test_two_are_one_where_kind_tenant_and_what_they_are_about_are_the_same(
    one: tuple[tuple[str, str], ...], other: tuple[tuple[str, str], ...], kind: str, tenant: str
) -> None:
    a, b = seen(about=one, kind=kind), seen(5, about=other, tenant=tenant)
    same = (a.about, a.kind, a.tenant) == (b.about, b.kind, b.tenant)
    assert (id_of(a) == id_of(b)) == same


@given(st.lists(st.integers(0, 8), min_size=1, max_size=20))
def test_a_time_counts_once_however_often_and_in_whatever_order_it_is_looked_at(hours: list[int]) -> None:
    finding: Finding | None = None
    for hour in hours:
        finding = found(finding, seen(hour), now_ms=0)
    assert finding is not None
    rising = [hour for at, hour in enumerate(hours) if hour == max(hours[: at + 1]) and hour not in hours[:at]]
    assert (finding.times, finding.seen.end_ms) == (len(rising), (max(hours) + 1) * HOUR_MS)
    assert finding.version == len(rising)


sizes = st.floats(allow_nan=True, allow_infinity=True)


@given(sizes, st.integers(-5, 10**12), sizes)
def test_a_score_is_a_share_whatever_was_measured(size: float, reach: int, certainty: float) -> None:
    assert 0 <= score_of(seen(size=size, reach=reach, certainty=certainty)) <= 1


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_is_graver_or_reaches_farther_ranks_higher(small: float, large: float, few: int, many: int) -> None:
    small, large, few, many = min(small, large), max(small, large), min(few, many), max(few, many)
    assert score_of(seen(size=small, reach=few)) <= score_of(seen(size=large, reach=few))
    assert score_of(seen(size=small, reach=few)) <= score_of(seen(size=small, reach=many))


def test_how_urgent_it_is_says_by_when_it_is_due() -> None:
    assert [grade_of(score) for score in (0.7, 0.6, 0.59, 0.3, 0.1, 0)] == [
        *(Grade.CRITICAL, Grade.CRITICAL, Grade.MAJOR, Grade.MAJOR, Grade.MINOR, Grade.MINOR),
    ]
    assert (first().grade, first().due_ms) == (Grade.CRITICAL, HOUR_MS + 86_400_000)


def test_what_is_resolved_opens_again_where_it_is_seen_in_a_time_after_that() -> None:
    done = closed(first(), State.RESOLVED, now_ms=3 * HOUR_MS)
    before = found(done, seen(2), now_ms=4 * HOUR_MS)
    assert (before.state, before.times) == (State.RESOLVED, 2)
    again = found(before, seen(3), now_ms=4 * HOUR_MS)
    assert (again.state, again.reopened, again.times) == (State.OPEN, 1, 3)
    assert again.comments[-1] == Comment("", 4 * HOUR_MS, "", "state=OPEN")
    assert again.due_ms == 28 * HOUR_MS


@pytest.mark.parametrize(("size", "state"), [(0.4, State.DISMISSED), (0.59, State.DISMISSED), (0.61, State.OPEN)])
def test_what_is_as_it_should_be_opens_again_only_where_it_has_become_clearly_worse(size: float, state: State) -> None:
    quiet = closed(found(None, seen(size=0.4), now_ms=0), State.DISMISSED, now_ms=2 * HOUR_MS)
    assert found(quiet, seen(9, size=size), now_ms=0).state is state


def test_somebody_who_has_taken_it_on_keeps_it() -> None:
    mine = msgspec.structs.replace(first(), state=State.ACCEPTED, owner="mona")
    again = found(mine, seen(1), now_ms=0)
    assert (again.state, again.owner, again.times) == (State.ACCEPTED, "mona", 2)
    assert again.state not in CLOSED


def test_of_very_many_comments_the_last_ones_are_kept() -> None:
    finding = first()
    for number in range(MOST_COMMENTS + 5):
        finding = said(finding, Comment("mona", number, str(number)))
    assert [finding.comments[0].text, finding.comments[-1].text] == ["5", str(MOST_COMMENTS + 4)]
