"""From requests over HTTP to messages and back."""

import json
from urllib.parse import quote

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.agents.bindings import ALL, Binding, Match
from services.agents.templates import Variable
from services.agents.transcoding import json_of, requests_of
from services.agents.unfit import Unfit
from tests.services.agents.messages import filled
from tests.services.agents.methods import BINDINGS


def _rest_form(binding: Binding, message: Message) -> tuple[str, list[tuple[str, str]], bytes]:
    """Path, query and body of a request, as the annotation says."""
    whole = json_format.MessageToDict(message)
    path = []
    for part in binding.template.parts:
        if isinstance(part, Variable):
            path.append(quote(str(_take(whole, part.field)), safe="/"))
        else:
            path.append(part)
    body = b""
    if binding.body == ALL:
        body, whole = json.dumps(whole).encode(), {}
    elif binding.body:
        body = json.dumps(whole.pop(binding.body, {})).encode()
    verb = f":{binding.template.verb}" if binding.template.verb else ""
    return "/" + "/".join(path) + verb, list(_query(whole, "")), body


def _take(whole: dict[str, object], path: str) -> object:
    *parents, last = path.split(".")
    inside: dict[str, object] = whole
    for name in parents:
        inside = inside[name]  # type: ignore[assignment]
    return inside.pop(last)


def _query(value: object, name: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _query(inner, f"{name}.{key}" if name else key)]
    if isinstance(value, list):
        return [pair for inner in value for pair in _query(inner, name)]
    return [(name, str(value).lower() if isinstance(value, bool) else str(value))]


@pytest.mark.parametrize("binding", BINDINGS.all, ids=lambda binding: binding.method.full_name)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_request_comes_back_from_its_form_over_http(binding: Binding, data: st.DataObject) -> None:
    message = data.draw(filled(binding))
    path, query, body = _rest_form(binding, message)

    match = BINDINGS.find(binding.verb, path)

    assert match is not None
    assert match.binding.method is binding.method
    assert requests_of(match, query, body) == [message]


@pytest.mark.parametrize("binding", BINDINGS.all, ids=lambda binding: binding.method.full_name)
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_request_comes_back_from_json_under_the_methods_full_name(binding: Binding, data: st.DataObject) -> None:
    message = data.draw(filled(binding))

    match = BINDINGS.find("POST", binding.method.full_name)

    assert match is not None
    assert requests_of(match, (), json_of(message)) == [message]


@settings(max_examples=200)
@given(body=st.binary(max_size=200), query=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=3))
def test_whatever_is_sent_either_fits_or_is_said_to_be_unfit(body: bytes, query: list[tuple[str, str]]) -> None:
    for verb, path in (("POST", "/v1/messages:send"), ("GET", "/v1/contacts"), ("PATCH", "/v1/contacts/a")):
        match = BINDINGS.find(verb, path)
        assert match is not None
        said = _told(match, query, body)
        assert said is None or all(said)


def _told(match: Match, query: list[tuple[str, str]], body: bytes) -> tuple[str, str] | None:
    """What is said of it in English and French; `None` where it fits."""
    try:
        requests_of(match, query, body)
    except Unfit as unfit:
        ended = unfit.ended(language="fr")
        return ended.message, ended.localized[1] if ended.localized else ""
    return None
