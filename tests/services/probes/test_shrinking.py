"""A failing case is made as small as it can be, within a number of calls."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.probes.shrinking import MOST_CALLS, shrunk


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-9, 9), min_size=1), st.data())
def test_only_the_changes_that_it_takes_are_left(changes: dict[str, int], data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.sampled_from(sorted(changes)), min_size=1))
    found = shrunk(changes, lambda some: needed <= set(some), choices={})
    assert set(found) == needed
    assert all(changes[name] == value for name, value in found.items())


@given(st.text(max_size=15), st.text(min_size=1, max_size=4), st.text(max_size=15))
def test_a_text_is_cut_down_to_what_does_the_harm(before: str, harm: str, after: str) -> None:
    found = shrunk({"field": before + harm + after}, lambda some: harm in some["field"], most=10_000)
    assert found == {"field": harm}


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_a_number_becomes_the_least_that_fails(value: int, bound: int) -> None:
    if abs(value) >= bound:
        assert abs(shrunk({"n": value}, lambda some: abs(some["n"]) >= bound)["n"]) == bound


@given(st.lists(st.integers(0, 5), min_size=1, max_size=10))
def test_a_list_keeps_no_item_that_can_go(items: list[int]) -> None:
    whole = sum(items)
    found: Any = shrunk({"n": items}, lambda some: sum(some["n"]) == whole, most=10_000)["n"]
    assert 0 not in found
    assert sum(found) == whole


@given(st.text(min_size=50, max_size=120))
def test_no_more_calls_are_made_than_allowed_and_what_is_found_fails(text: str) -> None:
    calls = 0

    def fails(some: dict[str, Any]) -> bool:
        nonlocal calls
        calls += 1
        return len(set(some["field"])) >= len(set(text)) // 2

    assert fails(shrunk({"field": text}, fails, most=20))
    assert calls <= 21 <= MOST_CALLS


def test_values_are_taken_from_the_choices_alone() -> None:
    choices = {"city": ["Marseille", "Nice", "Paris"]}
    found = shrunk({"city": "Marseille"}, lambda some: len(some["city"]) > 3, choices=choices)
    assert found == {"city": "Nice"}
