"""Names, page tokens, addresses and templates of connectors, for whatever comes along."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import CallEnded
from services.crm.connectors.exchange import Answer
from services.crm.connectors.expressions import Unfit, path_template, template
from services.crm.connectors.judging import Judge
from services.crm.connectors.names import MAX_ID_BYTES, segment, vendor_id
from services.crm.connectors.network import public, refused
from services.crm.connectors.reading import load, shipped
from services.crm.connectors.tokens import Place, Tokens

_IDS = st.text(min_size=1).filter(lambda text: len(text.encode()) <= MAX_ID_BYTES) | st.from_regex(
    r"\A(x-)?[a-zA-Z0-9_-]{1,36}\Z"
)
_JUDGES = [Judge(load(shipped(name)).descriptor) for name in ("salesforce", "pipedrive", "odoo")]


@given(_IDS)
def test_whatever_a_vendor_names_has_a_name_of_ours_that_leads_back(theirs: str) -> None:
    name = f"contacts/{segment(theirs)}"
    assert re.fullmatch(r"contacts/[a-z0-9_-]{1,63}", name)
    assert vendor_id(name, collection="contacts", field="name") == theirs


@given(st.text())
def test_no_name_is_taken_for_another(name: str) -> None:
    try:
        found = vendor_id(name, collection="contacts", field="name")
    except CallEnded:
        return
    assert f"contacts/{segment(found)}" == name


@given(st.text(max_size=500) | st.integers(0, 2**40), st.integers(1, 1000))
def test_a_page_token_opens_for_its_list_only(where: str | int, size: int) -> None:
    tokens = Tokens(["secret"])
    token = tokens.sealed(Place(where, size), method="ListContacts", filters={"email": "a@b.org"})
    assert Tokens(["secret"]).opened(token, method="ListContacts", filters={"email": "a@b.org"}) == Place(where, size)
    for others, method, filters in (
        (Tokens(["other"]), "ListContacts", {"email": "a@b.org"}),
        (tokens, "ListDeals", {"email": "a@b.org"}),
        (tokens, "ListContacts", {}),
    ):
        with pytest.raises(CallEnded):
            others.opened(token, method=method, filters=filters)


@given(st.text())
def test_a_token_that_was_made_up_is_refused(token: str) -> None:
    if token:
        with pytest.raises(CallEnded):
            Tokens([]).opened(token, method="ListContacts", filters={})


@given(st.text())
def test_an_id_is_one_segment_of_a_path_or_none(theirs: str) -> None:
    try:
        path = path_template("/people/{id}")({"id": theirs})
    except Unfit:
        assert theirs in ("", ".", "..")
        return
    except UnicodeEncodeError:
        return
    assert path.count("/") == 2
    assert not set(path) & set("?#\\ ")


_PRIVATE = """
    127.0.0.1 10.1.2.3 169.254.169.254 192.168.1.1 100.64.0.1 0.0.0.0 224.0.0.1 ::1 fe80::1%eth0 fd00::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1:: 64:ff9b:1::1 64:ff9b::7f00:1 name
"""


@pytest.mark.parametrize("address", ["", *_PRIVATE.split()])
def test_no_private_address_is_taken_for_a_public_one(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://api.example.com", ""),
        ("http://api.example.com", "url-plain"),
        ("https://127.0.0.1", "url-private"),
        ("https://2130706433", "url-private"),
        ("https://0x7f.1", "url-private"),
        ("https://[::1]:8443/x", "url-private"),
        ("https://localhost", "url-private"),
        ("https://user:password@api.example.com", "url-wrong"),
        ("https://api.example.com/?key=1", "url-wrong"),
        ("https://", "url-wrong"),
        ("https://[", "url-wrong"),
        ("ftp://api.example.com", "url-wrong"),
        ("//api.example.com", "url-wrong"),
    ],
)
def test_a_url_says_why_no_request_may_go_there(url: str, why: str) -> None:
    assert refused(url, allow_private=False) == why


def test_a_template_leaves_out_what_is_null_and_keeps_what_is_plain() -> None:
    fill = template({"a": "=x", "b": "=y", "c": ["=", 1, None], "d": {"e": "=x"}})
    assert fill({"x": "=not.read.again", "y": None}) == {
        "a": "=not.read.again",
        "c": ["=", 1, None],
        "d": {"e": "=not.read.again"},
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_no_answer_of_a_vendor_makes_judging_it_fail(body: object) -> None:
    for judge in _JUDGES:
        for status in (200, 302, 400, 401, 429, 500, 503):
            assert judge.verdict(Answer(status, {}, body), safe=False) != "" or status == 200
