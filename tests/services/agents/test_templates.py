"""Path templates of google.api.http."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agents.templates import TemplateInvalid, template

CASES = [
    ("/v1/contacts", "/v1/contacts", {}),
    ("/v1/contacts", "/v1/contacts/", None),
    ("/v1/contacts", "/v1/contactsx", None),
    ("/v1/{name}", "/v1/a%2Fb", {"name": "a/b"}),
    ("/v1/{name=contacts/*}", "/v1/contacts/a", {"name": "contacts/a"}),
    ("/v1/{name=contacts/*}", "/v1/contacts/a%2fb%20c", {"name": "contacts/a%2fb c"}),
    ("/v1/{name=contacts/*}", "/v1/contacts/a/b", None),
    ("/v1/{name=contacts/*}", "/v1/contacts/", None),
    ("/v1/{name=contacts/*}", "/v1/contacts/a:archive", None),
    ("/v1/{name=contacts/*}", "/v1/contacts/a%3Aarchive", {"name": "contacts/a:archive"}),
    ("/v1/{name=contacts/*}:archive", "/v1/contacts/a:archive", {"name": "contacts/a"}),
    ("/v1/{name=contacts/*}:archive", "/v1/contacts/a", None),
    ("/v1/{deal.contact.name=contacts/*}/deals", "/v1/contacts/a/deals", {"deal.contact.name": "contacts/a"}),
    ("/v1/{a}/x/{b=y/*}:go", "/v1/1/x/y/2:go", {"a": "1", "b": "y/2"}),
    ("/v1/{path=files/**}", "/v1/files/a/b%2Fc", {"path": "files/a/b%2Fc"}),
    ("/v1/*/x", "/v1/anything/x", {}),
    ("/v1/messages:send", "/v1/messages:send", {}),
    ("/v1/a.b", "/v1/aXb", None),
]


@pytest.mark.parametrize(("written", "path", "wanted"), CASES)
def test_a_path_binds_what_the_template_says(written: str, path: str, wanted: dict[str, str] | None) -> None:
    assert template(written).match(path) == wanted


@pytest.mark.parametrize("written", ["", "v1", "/", "/v1//x", "/{", "/{a=}", "/{a}b", "/{1}", "/a{b}", "/{a={b}}"])
def test_what_is_no_template_is_said_to_be_none(written: str) -> None:
    with pytest.raises(TemplateInvalid):
        template(written)


def test_a_path_that_is_not_utf8_is_told_from_one_that_does_not_match() -> None:
    with pytest.raises(UnicodeDecodeError):
        template("/v1/{name}").match("/v1/%ff")


@given(st.text(min_size=1).filter(lambda text: "/" not in text))
def test_every_name_without_a_slash_comes_back_from_its_path(name: str) -> None:
    path = f"/v1/contacts/{quote(name, safe='', errors='surrogatepass')}"
    if any(0xD800 <= ord(each) <= 0xDFFF for each in name):
        with pytest.raises(UnicodeDecodeError):
            template("/v1/{name=contacts/*}").match(path)
    else:
        assert template("/v1/{name=contacts/*}").match(path) == {"name": f"contacts/{name}"}
