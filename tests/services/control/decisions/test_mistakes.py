"""A mistake in a filter is pointed to within what somebody wrote."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import CallEnded
from services.audit.filters.filter import parse
from services.control.decisions.mistakes import mistake_in


def _mistakes(text: str) -> list[dict[str, Any]]:
    with pytest.raises(CallEnded) as ended:
        parse(text)
    place = {name: int(ended.value.metadata[name]) for name in ("line", "column") if name in ended.value.metadata}
    return [{"path": "filter", "problem": ended.value.message, **place}]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("verdict = DENY AND agnt = x", "agnt"),
        ("verdict = DENIED", "DENIED"),
        ("a AND", ""),
        ('agent = "open', '"'),
    ],
)
def test_the_word_that_is_wrong_is_marked(text: str, at: str) -> None:
    found = mistake_in(text, _mistakes(text))
    assert found is not None
    assert found.at == at
    assert found.before + found.at + found.after == text
    assert found.text


def test_what_is_no_mistake_of_the_filter_is_none_here() -> None:
    assert mistake_in("a", [{"path": "order_by", "problem": "x"}]) is None
    assert mistake_in("a", []) is None


@given(st.text(max_size=20), st.integers(-3, 30), st.integers(-2, 3))
def test_any_place_leaves_what_was_written_whole(text: str, column: int, line: int) -> None:
    found = mistake_in(text, [{"path": "filter", "problem": "p", "line": line, "column": column}])
    assert found is not None
    assert (found.before + found.at + found.after) in {text, ""}
