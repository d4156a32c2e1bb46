"""How a day changed after it was told is kept, and adds up to the difference between what was told first and now."""

from hypothesis import given
from hypothesis import strategies as st

from services.cockpit.days import DAY_MS, Day, revised, revised_by

TOLD = st.tuples(st.integers(0, 6), st.dictionaries(st.sampled_from(["revenue", "active"]), st.integers(0, 5)))


def told(day: int, *, over: bool = True, **heads: int) -> Day:
    return Day(worked_out_ms=day * DAY_MS + 1, over=over, heads=heads)


@given(st.lists(TOLD, min_size=1, max_size=12))
def test_changes_add_up_and_there_is_one_for_each_day_on_which_it_changed(
    looks: list[tuple[int, dict[str, int]]],
) -> None:
    kept: Day | None = None
    for at_day, heads in sorted(looks, key=lambda each: each[0]):
        kept = revised(kept, Day(worked_out_ms=at_day * DAY_MS, over=True, heads=heads))
    assert kept is not None
    first = min(looks, key=lambda each: each[0])[1]
    for name in ("revenue", "active"):
        found = revised_by({1: kept}, name)
        assert (found.by if found else 0) == kept.heads.get(name, 0) - first.get(name, 0)
    days = [each.at_ms // DAY_MS for each in kept.changes]
    assert days == sorted(set(days))


def test_what_changes_within_a_day_is_one_change_from_what_was_told_before_it() -> None:
    first = told(1, revenue=100)
    second = revised(first, told(3, revenue=150))
    third = revised(second, told(3, revenue=170, active=1))
    (change,) = third.changes
    assert (change.was, change.now) == ({"active": 0, "revenue": 100}, {"active": 1, "revenue": 170})
    assert revised(third, told(3, revenue=100)).changes == ()
    assert len(revised(third, told(4, revenue=180, active=1)).changes) == 2


def test_a_day_that_still_went_on_is_not_revised() -> None:
    assert revised(told(1, over=False, revenue=1), told(2, revenue=9)).changes == ()
    assert revised(None, told(2, revenue=9)).changes == ()


def test_of_several_days_changes_are_one_sum_and_the_latest_time() -> None:
    one = revised(told(1, revenue=10), told(5, revenue=30))
    other = revised(told(1, revenue=10), told(7, revenue=5))
    found = revised_by({1: one, 2: other}, "revenue")
    assert found is not None
    assert (found.by, found.at_ms // DAY_MS) == (15, 7)
    assert revised_by({1: one}, "active") is None
