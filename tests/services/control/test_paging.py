"""Pages of lists go on after the last element that was shown, whatever comes or goes meanwhile."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.control.paging import page
from services.control.undone import Undone

Element = tuple[int, str]
_elements = st.sets(st.tuples(st.integers(0, 20), st.text("abé", min_size=1, max_size=3)), max_size=30)


def _all(elements: set[Element], *, size: int, descending: bool = False) -> list[Element]:
    found: list[Element] = []
    token = ""
    while True:
        shown, token = page(elements, place=lambda each: each, size=size, token=token, descending=descending)
        found += shown
        if not token:
            return found


@given(_elements, st.integers(1, 7), st.booleans())
def test_the_pages_together_are_the_list_and_nothing_comes_twice(
    elements: set[Element],
    size: int,
    descending: bool,  # noqa: FBT001 - hypothesis names it
) -> None:
    assert _all(elements, size=size, descending=descending) == sorted(elements, reverse=descending)


@given(_elements, _elements, st.integers(1, 7))
def test_what_comes_and_goes_between_two_pages_moves_nothing_else(
    first: set[Element], second: set[Element], size: int
) -> None:
    shown, token = page(first, place=lambda each: each, size=size, token="")
    if not token:
        return
    rest, _ = page(second, place=lambda each: each, size=1_000, token=token)
    assert list(rest) == sorted(each for each in second if each > shown[-1])


@given(st.text(max_size=30))
def test_a_token_that_no_page_has_given_is_refused_or_harmless(token: str) -> None:
    with contextlib.suppress(Undone):
        shown, _ = page({(1, "a")}, place=lambda each: each, size=1, token=token)
        assert shown in ((), ((1, "a"),))


@pytest.mark.parametrize("token", ["é", "!", "e30", "WzEsMl0", "WyJhIiwiYiJd", "====", "WzEsImEi"])
def test_a_damaged_token_is_refused(token: str) -> None:
    with pytest.raises(Undone):
        page({(1, "a")}, place=lambda each: each, size=1, token=token)


def test_a_page_has_fifty_elements_where_nobody_says_how_many_and_never_more_than_a_thousand() -> None:
    elements = {(number, "") for number in range(1_500)}
    assert len(page(elements, place=lambda each: each, size=0, token="")[0]) == 50
    assert len(page(elements, place=lambda each: each, size=9_999, token="")[0]) == 1_000


@given(
    _elements, st.lists(st.sets(st.tuples(st.integers(0, 20), st.text("abé", min_size=1))), max_size=9), st.booleans()
)
def test_what_was_there_from_the_beginning_comes_once_each_while_others_are_added(
    first: set[Element],
    added: list[set[Element]],
    descending: bool,  # noqa: FBT001 - hypothesis names it
) -> None:
    there, coming = set(first), iter(added)
    found: list[Element] = []
    token = "-"
    while token:
        token = "" if token == "-" else token
        shown, token = page(there, place=lambda each: each, size=2, token=token, descending=descending)
        found += shown
        there |= next(coming, set())
    assert len(found) == len(set(found))
    assert first <= set(found) <= there
