"""Requests of plain HTTP without what is taken out of them, or refused where that cannot be done."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.contract import Redaction, RedactionMistake
from gateway.core.errors import CallEnded, Reason
from gateway.core.rest.sources import Place
from gateway.messages.rest_redacted_requests import RequestTakes, RestRequests, reduced, reduced_path
from gateway.messages.rest_replies import PathTake

NAMES = st.sampled_from(["a", "b", "email", "c.d"])
LEAVES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=4)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=16
)
STEPS = st.lists(NAMES.filter(lambda name: "." not in name) | st.just("*"), min_size=1, max_size=3)


def plainly_without(value: Any, paths: list[tuple[list[str], str | None]]) -> Any:
    """What is left of a value: each of its places is looked at by itself."""
    for steps, instead in paths:
        value = _left(value, (), steps, instead)
    return value


def _left(value: Any, place: tuple[str | int, ...], steps: list[str], instead: str | None) -> Any:
    if isinstance(value, list):
        inner = [((*place, number), each) for number, each in enumerate(value)]
        return [_changed(each, at, steps, instead) for at, each in inner if not _gone(at, steps, instead)]
    if isinstance(value, dict):
        found = {name: ((*place, name), each) for name, each in value.items()}
        return {
            name: _changed(each, at, steps, instead)
            for name, (at, each) in found.items()
            if not _gone(at, steps, instead)
        }
    return value


def _gone(place: tuple[str | int, ...], steps: list[str], instead: str | None) -> bool:
    return instead is None and _led_to(place, steps)


def _changed(value: Any, place: tuple[str | int, ...], steps: list[str], instead: str | None) -> Any:
    if _led_to(place, steps):
        return None if value is None else instead
    return _left(value, place, steps, instead)


def _led_to(place: tuple[str | int, ...], steps: list[str]) -> bool:
    """Whether the steps lead there. Numbers of elements need no step of their own, but "*" stands for one."""
    waiting = list(steps)
    for part in place:
        if not waiting:
            return False
        if isinstance(part, int):
            waiting = waiting[1:] if waiting[0] == "*" else waiting
        elif waiting[0] in ("*", part):
            waiting = waiting[1:]
        else:
            return False
    return not waiting and not (isinstance(place[-1], int) and steps[-1] != "*")


def sent(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(JSON, st.lists(st.tuples(STEPS, st.none() | st.just("***")), min_size=1, max_size=3))
def test_what_goes_on_is_what_a_plain_reading_of_the_paths_leaves(
    body: Any, paths: list[tuple[list[str], str | None]]
) -> None:
    found = reduced(sent(body), [PathTake(tuple(steps), instead) for steps, instead in paths])
    assert json.loads(found) == plainly_without(body, paths)


@given(JSON, STEPS, st.data())
def test_a_name_in_other_letters_on_the_way_is_refused(body: Any, steps: list[str], data: st.DataObject) -> None:
    way = [step for step in steps if step != "*"]
    if not way:
        return
    other = data.draw(st.sampled_from([way[-1].upper(), way[-1].capitalize()]))
    planted: Any = {other: body}
    for step in reversed(steps[: max(place for place, step in enumerate(steps) if step != "*")]):
        planted = {"any" if step == "*" else step: planted}
    with pytest.raises(CallEnded) as refused:
        reduced(sent(planted), [PathTake(tuple(steps))])
    assert refused.value.reason is Reason.ARGUMENT_INVALID
    assert "spelt otherwise" in refused.value.message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"email": 1, "email": 2}', "application/json"),
        (b'{"email": 1', "application/json"),
        (b'{"x": "\\ud800"}', "application/json"),
        (b'{"x": 1e9999999999999999999}', "application/json"),
        (b'{"x": "\xff"}', "application/json"),
        (b'{"x": NaN}', "application/json"),
        (b"[" * 30 + b"]" * 30, "application/json"),
        (b"email=a", "application/x-www-form-urlencoded"),
        (b"email", "text/plain"),
        (b'{"email": 1}', ""),
        (b'{"email": 1}', "application/json; charset=utf-16"),
    ],
)
def test_a_body_that_fields_cannot_be_taken_out_of_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(CallEnded) as refused:
        reduced(body, [PathTake(("email",))], content_type=kind)
    assert refused.value.reason is Reason.ARGUMENT_INVALID


KEPT = (
    Place("query", ("page",)),
    Place("body", ("customer", "to")),
    Place("path", ("id",)),
    Place("body", ("category",)),
)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "body.customer",
            "body.customer.to",
            "body.*",
            "body.*.to",
            "body.*.*",
            "body.customer.*",
            "body.customer.*.to",
        ),
        *("body.customer.to.*", "body.category", "body.*.category", "query.page"),
    ],
)
def test_what_decides_about_a_request_cannot_be_taken_out_of_it(path: str) -> None:
    with pytest.raises(RedactionMistake) as wrong:
        RestRequests(KEPT).plan(Redaction(fields=("body.other", path)))
    assert (wrong.value.what.code, wrong.value.place) == ("redaction-governs", 1)


@pytest.mark.parametrize("path", ["body.customer.email", "body.*.email", "body.to", "body.category.x", "body.*.*.*.x"])
def test_what_lies_beside_can_be(path: str) -> None:
    assert RestRequests(KEPT).plan(Redaction(fields=(path,))) == RequestTakes((PathTake(tuple(path.split(".")[1:])),))


@pytest.mark.parametrize(
    "path", ["body", "body.", "body..a", "email", "query.*", "query.a.b", "path.id", "headers.x", ""]
)
def test_only_what_is_in_body_or_query_can_be_taken_out(path: str) -> None:
    with pytest.raises(RedactionMistake) as wrong:
        RestRequests(KEPT).plan(Redaction(fields=(path,)))
    assert wrong.value.what.code == "rest-request-path"


def test_what_is_sensitive_enough_is_taken_out_unless_the_request_is_decided_by_it() -> None:
    sensitive: Any = {"PERSONAL": ("body.email", "query.email"), "CREDENTIAL": ("body.token",), "INTERNAL": ("body.x",)}
    of_people = Redaction(sensitivity="PERSONAL", text_instead="***")
    wanted = RequestTakes((PathTake(("email",), "***"), PathTake(("token",), "***")), (PathTake(("email",), "***"),))
    requests = RestRequests(KEPT, sensitive)
    assert requests.touches(of_people)
    assert requests.plan(of_people) == wanted
    assert not RestRequests(KEPT).touches(of_people)
    with pytest.raises(RedactionMistake) as wrong:
        RestRequests(KEPT, {"PERSONAL": ("body.customer",)}).plan(of_people)
    assert (wrong.value.what.code, wrong.value.place) == ("redaction-sensitive", -1)


PAIRS = st.lists(st.tuples(st.sampled_from(["email", "e mail", "a", "é", "mail", ""]), st.text(max_size=5)), max_size=5)


@given(pairs=PAIRS, texts=st.booleans())
def test_parameters_are_taken_out_of_a_query_and_all_others_stay(pairs: list[tuple[str, str]], *, texts: bool) -> None:
    takes = [PathTake(("email",), "*/" if texts else None), PathTake(("é",))]
    left = [(name, "*/" if name == "email" else value) for name, value in pairs if name != "é"]
    left = [pair for pair in left if texts or pair[0] != "email"]
    found = reduced_path(f"/a?{urlencode(pairs)}" if pairs else "/a", takes)
    assert parse_qsl(found.partition("?")[2], keep_blank_values=True) == left
    assert reduced_path(found, takes) == found
    assert found.endswith("?") is False


@pytest.mark.parametrize("query", ["Email=a", "a=1&EMAIL", "email%5B%5D=a", "email[0]=a", "e%4dail.x=a", "email.x"])
def test_a_parameter_that_some_servers_take_for_another_is_refused(query: str) -> None:
    with pytest.raises(CallEnded) as refused:
        reduced_path(f"/a?{query}", [PathTake(("email",))])
    assert refused.value.reason is Reason.ARGUMENT_INVALID


def test_what_is_left_of_a_query_stays_as_it_was_written() -> None:
    assert reduced_path("/a?x=%7e&&%65mail=1&y&email", [PathTake(("email",))]) == "/a?x=%7e&&y"
