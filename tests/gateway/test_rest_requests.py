"""What a plain HTTP request says: read in one way only, or refused with the place that is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import Call
from gateway.core.contract import MethodContract, Said
from gateway.core.errors import CallEnded, Reason
from gateway.messages.describe import describe
from gateway.messages.rest_bodies import DEEPEST
from gateway.messages.rest_requests import RestRequest, packed
from tests.policies import revision

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def contract(**method: Any) -> MethodContract:
    said = {"name": "send", "verb": "POST", "path": "/m/{id}", "operation": "WRITE", **method}
    rest = [{"name": "vendor", "hosts": ["api.vendor.example"], "methods": [said]}]
    routes = [{"name": "vendor", "methods": ["rest/*"], "arms": [{"name": "vendor", "upstream": "vendor"}]}]
    loaded = revision(rest=rest, upstreams=[{"name": "vendor", "kind": "envoy"}], routes=routes)
    return loaded.methods["/rest/vendor/send"].contract


TO = contract(subject="contacts/{body.to}")


def said(kind: MethodContract, body: bytes = b"", **request: Any) -> Said:
    sent = packed(RestRequest(body=body, **({"content_type": "application/json"} | request)))
    return kind.read(kind.decode(sent))


def refused(kind: MethodContract, body: bytes = b"", **request: Any) -> str:
    with pytest.raises(CallEnded) as ended:
        said(kind, body, **request)
    assert ended.value.reason is Reason.ARGUMENT_INVALID
    return ended.value.message


def test_a_source_puts_together_what_the_request_says_and_is_empty_where_it_says_nothing() -> None:
    kind = contract(subject="{path.id}@{query.at}", brand="{headers.x-brand}", category="{body.a.b}", channel="sms")
    found = said(kind, b'{"a": {"b": "news"}}', path={"id": "7"}, query="at=x%20y", headers={"x-brand": "b"})
    assert (found.subject, found.brand, found.category, found.channel) == ("7@x y", "b", "news", "sms")
    found = said(kind, b'{"a": null}', path={"id": "7"})
    assert (found.subject, found.brand, found.category, found.channel) == ("", "", "", "sms")


def test_a_form_says_the_same_as_json() -> None:
    form = "application/x-www-form-urlencoded; charset=UTF-8"
    assert said(TO, b"to=ada%2Dl&Body=Hi", content_type=form).subject == "contacts/ada-l"
    assert "says 2 things" in refused(TO, b"to=ada&to=bob", content_type=form)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"to": "a", "to": "b"}', "a key twice"),
        (b'{"x": {"y": 1, "\\u0079": 2}}', "a key twice"),
        (b'{"to": "a", "To": "b"}', "is spelt otherwise: write to"),
        (b'{"TO": "b"}', "is spelt otherwise: write to"),
        (b'{"to": ["a", "b"]}', "says 2 things: send one request for each"),
        (b'{"to": 1.5}', "cannot be governed: send it as a text"),
        (b'{"to": 9007199254740993}', "cannot be governed: send it as a text"),
        (b'{"to": 1e999}', "cannot be governed: send it as a text"),
        (b'{"to": {"email": "a"}}', "is no text"),
        (b'{"to": true}', "is no text"),
        (b'"a"', "stands where an object is expected"),
        (b'[{"to": "a"}, {"to": "b"}]', "says 2 things"),
        (b'{"to": NaN}', "a number that is none"),
        (b'{"to": "a"', "is no JSON"),
        (b'\xef\xbb\xbf{"to": "a"}', "is no JSON"),
        (b'{"to": "a"} {"to": "b"}', "is no JSON"),
        (b'{"to": "\xff"}', "is not UTF-8"),
        (b'{"to": "\\ud800"}', "cannot be governed"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nested deeper"),
    ],
)
def test_a_body_that_can_be_read_in_two_ways_or_in_none_is_refused(body: bytes, problem: str) -> None:
    assert problem in refused(TO, body)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "text/json", "multipart/form-data; boundary=x", "application/xml"]
)
def test_a_body_of_another_kind_is_refused(content_type: str) -> None:
    assert "must be application/json" in refused(TO, b'{"to": "a"}', content_type=content_type)


def test_a_body_in_another_alphabet_is_refused() -> None:
    assert "UTF-8" in refused(TO, b'{"to": "a"}', content_type="application/json; charset=utf-16")


@pytest.mark.parametrize("query", ["a=%zz", "a=1;b=2", "a=%ff", "&".join("a=1" for _ in range(1_001))])
def test_a_query_that_servers_read_in_different_ways_is_refused(query: str) -> None:
    assert "query" in refused(TO, query=query)


def test_a_body_above_its_bound_is_refused_with_the_bound() -> None:
    assert "at most 10 are taken" in refused(contract(max_body_bytes=10), b'{"to": "ada"}')


def test_a_list_of_one_is_that_one() -> None:
    assert said(contract(subject="{body.p.to.mail}"), b'{"p": [{"to": [{"mail": "a"}]}]}').subject == "a"
    assert said(TO, b'{"to": []}').subject == ""
    assert said(TO, b'{"to": 42}').subject == "contacts/42"


def described(sent: bytes) -> Call | None:
    """The call; `None` where it is refused as its caller's mistake."""
    try:
        return describe(TO, sent, metadata={})
    except CallEnded as ended:
        if ended.reason is not Reason.ARGUMENT_INVALID:
            raise
        return None


@given(JSON)
def test_whatever_json_comes_is_described_or_refused_as_the_callers_mistake(value: object) -> None:
    call = described(packed(RestRequest(content_type="application/json", body=json.dumps(value).encode())))
    assert call is None or call.subject == "" or call.subject.startswith("contacts/")


@given(st.binary(max_size=60))
def test_whatever_bytes_come_are_described_or_refused_as_the_callers_mistake(body: bytes) -> None:
    described(packed(RestRequest(content_type="application/json", body=body)))
    described(body)
