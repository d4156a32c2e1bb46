"""What does not fit is told with the path of its field, in English and French."""

import json
from typing import Any

import pytest

from services.agents.bodies import decoded
from services.agents.transcoding import requests_of
from services.agents.unfit import Unfit
from tests.services.agents.methods import BINDINGS

SEND = ("POST", "/v1/messages:send")
PATCH = ("PATCH", "/v1/contacts/ada")
LIST = ("GET", "/v1/contacts")
DEEP = b'{"message":' * 50_000

CASES: list[tuple[tuple[str, str], list[tuple[str, str]], bytes, str, str]] = [
    (SEND, [], b"{", "", "no-json"),
    (SEND, [], b"[1", "", "no-json"),
    (SEND, [], b"[]", "", "no-object"),
    (SEND, [], b"7", "", "no-object"),
    (SEND, [], b"\xff\xfe", "", "no-utf8"),
    (SEND, [], b'{"message": NaN}', "", "bare"),
    (SEND, [], b'{"message": ' + b"9" * 5_000 + b"}", "", "digits"),
    (SEND, [], DEEP, "", "deep"),
    (SEND, [], b'{"message": {"body": "a", "body": "b"}}', "message.body", "twice"),
    (SEND, [], b'{"message": {"subjectLine": "a", "subject_line": "b"}}', "message.subject_line", "twice"),
    (SEND, [], b'{"requestId": "a", "requestId": "a"}', "requestId", "twice"),
    (SEND, [], b'{"message": {"bodi": "a"}}', "message.bodi", "unknown"),
    (SEND, [], b'{"message": "hello"}', "message", "no-object"),
    (SEND, [], b'{"message": []}', "message", "no-object"),
    (SEND, [], b'{"message": {"topics": "a"}}', "message.topics", "no-list"),
    (SEND, [], b'{"message": {"topics": ["a", 7]}}', "message.topics[1]", "kind"),
    (SEND, [], b'{"message": {"topics": ["a", null]}}', "message.topics[1]", "no-null"),
    (SEND, [], b'{"message": {"body": 7}}', "message.body", "kind"),
    (SEND, [], b'{"message": {"state": "SENT"}}', "message.state", "kind"),
    (SEND, [], b'{"message": {"createTime": "yesterday"}}', "message.createTime", "kind"),
    (SEND, [], b'{"message": {"body": "\\ud800"}}', "message.body", "kind"),
    (SEND, [("requestId", "a")], b"{}", "requestId", "in-body"),
    (SEND, [], b"{}{}", "", "no-json"),
    (PATCH, [], b'{"name": "contacts/eve"}', "contact.name", "elsewhere"),
    (PATCH, [("contact.email", "a")], b"{}", "contact.email", "placed"),
    (PATCH, [("nothing", "a")], b"{}", "nothing", "unknown"),
    (LIST, [("pageSize", "many")], b"", "pageSize", "kind"),
    (LIST, [("pageSize", "99999999999")], b"", "pageSize", "kind"),
    (LIST, [("pageSize", "1"), ("pageSize", "2")], b"", "pageSize", "one-value"),
    (LIST, [("pageSize", "1"), ("page_size", "2")], b"", "page_size", "twice"),
    (LIST, [("company.name", "a")], b"", "company.name", "no-query"),
    (LIST, [("lifecycleStage", "NEW")], b"", "lifecycleStage", "kind"),
    (LIST, [], b"{}", "", "no-body"),
]


@pytest.mark.parametrize(
    ("where", "query", "body", "field", "key"),
    CASES,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_told_with_its_field(
    where: tuple[str, str], query: list[tuple[str, str]], body: bytes, field: str, key: str
) -> None:
    match = BINDINGS.find(*where)
    assert match is not None

    with pytest.raises(Unfit) as found:
        requests_of(match, query, body)

    assert (found.value.field, found.value.key) == (field, key)
    ended = found.value.ended(language="fr")
    assert ended.violations[0][0] == (field or "body")
    assert ended.localized is not None
    assert "{" not in ended.message + ended.localized[1]


def test_a_hint_names_the_field_that_was_meant() -> None:
    match = BINDINGS.find(*SEND)
    assert match is not None
    with pytest.raises(Unfit) as found:
        requests_of(match, [], b'{"mesage": {}}')
    assert found.value.ended(language="en").message == (
        "mesage is no field of SendMessageRequest. Did you mean message?"
    )


@pytest.mark.parametrize("value", [None, True, 1.5, "a", [1], {"a": {"b": []}}])
def test_sound_json_is_read_as_it_is(value: Any) -> None:
    assert decoded(json.dumps(value).encode()) == value
