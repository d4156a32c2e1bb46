"""Pressure is what came before, its effect what came after: the very counts, and what may not be counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.pressure.watching import Clock, Moments, watch

PEOPLE = 4
MOMENTS = st.lists(st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, 60)), max_size=40)
CLOCK = Clock(looks_ms=(20, 30, 45), window_ms=15, horizon_ms=10)
OFTEN = st.lists(st.integers(-20, 60), min_size=PEOPLE, max_size=PEOPLE)


def moments(given: list[tuple[int, int]]) -> Moments:
    return Moments.of([person for person, _ in given], [at for _, at in given])


@given(MOMENTS, MOMENTS, MOMENTS, OFTEN, OFTEN)
def test_every_look_counts_what_a_loop_counts(
    contacts: list[tuple[int, int]],
    events: list[tuple[int, int]],
    answers: list[tuple[int, int]],
    joined: list[int],
    left: list[int],
) -> None:
    found = watch(
        PEOPLE,
        contacts=moments(contacts),
        events=moments(events),
        clock=CLOCK,
        asked=moments(answers + events),
        joined_ms=joined,
        left_ms=left,
    )
    for person in range(PEOPLE):
        first = min((at for who, at in events if who == person), default=1000)
        for column, look in enumerate(CLOCK.looks_ms):
            before = sum(who == person and look - 15 <= at < look for who, at in contacts)
            asked = any(who == person and look <= at < look + 10 for who, at in answers + events)
            at_risk = look <= min(first, left[person]) and joined[person] <= look - 15 and asked
            assert found.pressure[person, column] == before
            assert found.at_risk[person, column] == at_risk
            assert found.event[person, column] == (at_risk and look <= first < look + 10)


@given(MOMENTS, MOMENTS, st.randoms(use_true_random=False))
def test_the_order_of_moments_does_not_matter(
    contacts: list[tuple[int, int]], events: list[tuple[int, int]], random: object
) -> None:
    plain = watch(PEOPLE, contacts=moments(contacts), events=moments(events), clock=CLOCK)
    for each in (contacts, events):
        random.shuffle(each)  # type: ignore[attr-defined]
    mixed = watch(PEOPLE, contacts=moments(contacts), events=moments(events), clock=CLOCK)
    assert (plain.pressure == mixed.pressure).all()
    assert (plain.event == mixed.event).all()


def test_an_event_ends_the_watch_so_contacts_after_it_do_not_count() -> None:
    found = watch(1, contacts=Moments.of([0, 0], [15, 35]), events=Moments.of([0, 0], [22, 47]), clock=CLOCK)
    assert found.at_risk.tolist() == [[True, False, False]]
    assert found.event.tolist() == [[True, False, False]]


@pytest.mark.parametrize(
    ("looks", "window", "horizon"), [((20, 10), 5, 5), ((10, 14), 5, 5), ((10,), 0, 5), ((10,), 5, 0), ((2**62,), 5, 5)]
)
def test_a_clock_that_counts_twice_or_not_at_all_is_refused(looks: tuple[int, ...], window: int, horizon: int) -> None:
    with pytest.raises(ValueError, match=r"looks|longer"):
        Clock(looks_ms=looks, window_ms=window, horizon_ms=horizon)


@pytest.mark.parametrize(
    ("person", "at"), [([0, 1], [1]), ([0.5], [1]), ([0], [np.nan]), ([[0]], [[1]]), (["a"], [1]), ([0], [2**61])]
)
def test_what_is_no_moment_is_refused(person: list[object], at: list[object]) -> None:
    with pytest.raises(ValueError, match=r"moment|times"):
        Moments.of(np.array(person), np.array(at))


@pytest.mark.parametrize("person", [-1, 4])
def test_a_moment_of_somebody_unknown_is_refused(person: int) -> None:
    with pytest.raises(ValueError, match="none of those"):
        watch(PEOPLE, contacts=moments([(person, 3)]), events=moments([]), clock=CLOCK)


def test_columns_for_other_people_are_refused() -> None:
    with pytest.raises(ValueError, match="each person"):
        watch(PEOPLE, contacts=moments([]), events=moments([]), clock=CLOCK, holdout=[True])
