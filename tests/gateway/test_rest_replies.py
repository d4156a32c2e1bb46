"""Replies of plain HTTP without what is taken out of them: nothing of it is left, and all else is as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.messages.rest_replies import PathTake, redacted

NAMES = st.sampled_from(["a", "b", "email"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=16,
)
SECRET = "ada@example.com"


def without(body: str, path: str, instead: str | None = None) -> Any:
    return json.loads(redacted(body.encode(), [PathTake(tuple(path.split(".")), instead)]))


@pytest.mark.parametrize(
    ("body", "path", "left"),
    [
        ('{"a": 1, "email": 2}', "email", {"a": 1}),
        ('[{"email": 1}, {"a": 1}]', "email", [{}, {"a": 1}]),
        ('{"a": [{"email": 1, "b": 2}]}', "a.*.email", {"a": [{"b": 2}]}),
        ('{"a": [{"email": 1, "b": 2}]}', "a.email", {"a": [{"b": 2}]}),
        ('{"a": [[{"email": 1}]]}', "a.*.email", {"a": [[{}]]}),
        ('{"a": {"x": {"email": 1}, "y": 2}}', "a.*.email", {"a": {"x": {}, "y": 2}}),
        ('{"a": ["x", "y"]}', "a.*", {"a": []}),
        ('{"a": {"x": 1}}', "a.*", {"a": {}}),
        ('{"a": "email"}', "a.email", {"a": "email"}),
        ('{"email": 1, "email": 2, "a": {"email": 3}}', "email", {"a": {"email": 3}}),
        ('{"a": {"email": 1}, "a": {}}', "a.email", {"a": {}}),
        ("7", "email", 7),
    ],
)
def test_what_a_path_leads_to_is_taken_out(body: str, path: str, left: Any) -> None:
    assert without(body, path) == left


def test_a_text_stands_where_something_was_and_nowhere_else() -> None:
    assert without('{"a": [{"b": 1}, {"b": null}, {}]}', "a.*.b", "***") == {"a": [{"b": "***"}, {"b": None}, {}]}
    assert without('{"a": ["x", null, {"b": 1}]}', "a.*", "***") == {"a": ["***", None, "***"]}


@given(JSON, st.lists(NAMES | st.just("*"), min_size=1, max_size=3))
def test_all_else_is_as_it_was(reply: Any, steps: list[str]) -> None:
    body = json.dumps(reply).encode()
    nowhere = PathTake(("nobody-has-this", *steps))
    assert json.loads(redacted(body, [nowhere])) == reply


@given(JSON, st.lists(NAMES, min_size=1, max_size=3))
def test_nothing_is_left_at_the_end_of_a_path_however_deep_lists_lie_in_between(reply: Any, steps: list[str]) -> None:
    planted: Any = SECRET
    for step in reversed(steps):
        planted = {step: [planted] if len(step) > 1 else planted, "beside": reply}
    body = redacted(json.dumps([planted, [planted]]).encode(), [PathTake(tuple(steps))])
    assert SECRET.encode() not in body


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=12) | st.integers(min_value=-(10**40), max_value=10**40)
)
def test_numbers_keep_all_their_digits(number: Any) -> None:
    assert redacted(f"[{number}]".encode(), []) == f"[{number}]".encode()


DEEP = b"[" * 300 + b"]" * 300
HUGE = b"1e9999999999999999999"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'"\\ud800"', b"NaN", b"1e", HUGE, b"[" * 100_000, DEEP, b"9" * 5_000 + b"x"]
)
def test_what_is_not_plainly_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, nobody hears it
        redacted(body, [])


@given(st.binary(max_size=60))
def test_any_bytes_are_redacted_or_refused(body: bytes) -> None:
    try:
        found = redacted(body, [PathTake(("email",))])
    except ValueError:
        return
    json.loads(found)
