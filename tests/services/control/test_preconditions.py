"""Preconditions are read as RFC 9110 has them, and what is none is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.control.preconditions import ANY, CHANGED, exactly, match_in, quoted
from services.control.undone import Undone

_tags = st.text(
    st.characters(codec="ascii", min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"'), max_size=5
)
_room = st.sampled_from(["", " ", "\t", " , ", ",,", " ,\t, "])


@given(st.lists(st.tuples(st.booleans(), _tags), min_size=1, max_size=5), _room, _room)
def test_every_etag_of_a_list_is_read_whatever_room_is_between(
    tags: list[tuple[bool, str]], before: str, after: str
) -> None:
    header = before + f"{after},".join(f'{"W/" if weak else ""}"{tag}"' for weak, tag in tags) + after
    match = match_in(header, field="if-match")
    assert match.strong == {tag for weak, tag in tags if not weak}
    assert match.weak == {tag for weak, tag in tags if weak}
    assert not match.any


@given(st.text(max_size=40))
def test_any_other_header_is_refused_or_names_etags(header: str) -> None:
    with contextlib.suppress(Undone):
        match = match_in(header, field="if-match")
        assert match.any or match.strong or match.weak


@pytest.mark.parametrize("header", ["3", '"3', '3"', '"3" "4"', '*, "3"', '"a b"', "W/3", 'w/"3"', ",", "", '"é\n"'])
def test_what_is_no_list_of_etags_is_refused(header: str) -> None:
    with pytest.raises(Undone):
        match_in(header, field="if-match")


def test_a_long_header_is_read_in_no_time() -> None:
    with pytest.raises(Undone):
        match_in(", " * 20_000 + "!", field="if-match")
    with pytest.raises(Undone):
        match_in('"a" ,' * 20_000 + "!", field="if-match")


def test_a_weak_etag_lets_nothing_be_changed_but_is_known() -> None:
    match = match_in('W/"3"', field="if-match")
    assert (match.holds("3"), match.version(3), match.holds_weakly("3")) == (False, CHANGED, True)


def test_one_of_several_is_enough_and_a_star_is_any() -> None:
    match = match_in('"2", "3"', field="if-match")
    assert (match.version(3), match.version(4), ANY.version(4)) == (3, CHANGED, 4)
    assert (exactly("").any, exactly("a").holds(quoted("a")), exactly("a").holds("b")) == (True, True, False)
