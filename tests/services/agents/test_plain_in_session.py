"""Which requests by MCP are plain calls in a session: none is taken that the SDK would refuse or read otherwise."""

import json
from typing import Any

import pydantic_core
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.streamable_http import check_accept_headers
from mcp_types import CallToolRequestParams, JSONRPCRequest, jsonrpc_message_adapter
from mcp_types.methods import validate_client_request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.requests import Request

from services.agents.mcp.messages import Message, heads
from services.agents.mcp.plain import plain_in_session
from tests.services.agents.mcp_calls import IN_SESSION, Pairs, call, pairs, params


def read(headers: Pairs, body: bytes) -> Message | None:
    named = heads(headers)
    return None if named is None else plain_in_session(named, body)


def test_a_call_as_clients_make_it_is_plain() -> None:
    found = read(pairs(IN_SESSION), json.dumps(call(id="one")).encode())
    assert found is not None
    assert (found.id, found.params.name, found.params.arguments) == ("one", "contacts_get", {"name": "contacts/ada"})
    older = {name: value for name, value in IN_SESSION.items() if name != "mcp-protocol-version"}
    for alike in (older, IN_SESSION | {"accept": "*/*"}, IN_SESSION | {"mcp-protocol-version": "2024-11-05"}):
        assert read(pairs(alike), json.dumps(params(_meta={"progressToken": 1})).encode())


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp-protocol-version": "2026-07-28"},
        {"mcp-protocol-version": ""},
        {"mcp-method": "tools/call"},
        {"mcp-name": "contacts_get"},
        {"mcp-param-region": "eu"},
        {"accept": "application/json"},
        {"accept": "text/event-stream, application/jsonx"},
        {"content-type": "text/plain"},
        {"content-encoding": "gzip"},
    ],
)
def test_other_heads_are_left_to_the_sdk(headers: dict[str, str]) -> None:
    assert read(pairs(IN_SESSION | headers), json.dumps(call()).encode()) is None


@pytest.mark.parametrize("twice", ["mcp-session-id", "mcp-protocol-version", "accept", "content-type"])
def test_what_is_said_twice_is_left_to_the_sdk(twice: str) -> None:
    headers = [*pairs(IN_SESSION), (twice.encode(), IN_SESSION[twice].encode())]
    assert read(headers, json.dumps(call()).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        call(id=None),
        call(id=1.0),
        call(id=True),
        call(method="tools/list"),
        call(method="initialize"),
        call(extra=1),
        [call()],
        {key: value for key, value in call().items() if key != "id"},
        params(arguments=[]),
        params(arguments=None),
        params(task={}),
        params(_meta=None),
        params(_meta={"progressToken": []}),
        params(_meta={"io.modelcontextprotocol/related-task": {}}),
    ],
)
def test_other_messages_are_left_to_the_sdk(body: Any) -> None:
    assert read(pairs(IN_SESSION), json.dumps(body).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps(call()).encode().replace(b"contacts/ada", b"\xff"),
        json.dumps(call()).encode().replace(b'"contacts/ada"', b"[" * 300 + b"]" * 300),
        json.dumps(call()).encode().replace(b'"contacts/ada"', b"1" * 5000),
    ],
)
def test_what_the_sdk_cannot_parse_is_left_to_it(body: bytes) -> None:
    assert read(pairs(IN_SESSION), body) is None


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
_KEYS = ["progressToken", "progress_token", "traceparent", "io.modelcontextprotocol/related-task", "x"]
_BODIES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | _SCALARS, "id": st.integers() | st.text(max_size=3) | _SCALARS},
    optional={
        "method": st.just("tools/call") | _SCALARS,
        "params": st.fixed_dictionaries(
            {"name": st.sampled_from(["contacts_get", ""]) | _SCALARS},
            optional={
                "arguments": st.dictionaries(st.text(max_size=4), _VALUES, max_size=2) | _VALUES,
                "_meta": st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=2) | _VALUES,
                "task": _VALUES,
            },
        ),
    },
)
_HEADS = st.lists(
    st.sampled_from(
        [
            *IN_SESSION.items(),
            ("accept", "application/json"),
            ("accept", "text/*, application/*;q=0.5"),
            ("content-type", "application/json, text/plain"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-session-id", "t"),
        ]
    ),
    max_size=6,
)


@given(body=_BODIES, more=_HEADS, left=st.sets(st.sampled_from(sorted(IN_SESSION)), max_size=2))
def test_nothing_is_plain_that_the_sdk_would_refuse(
    body: dict[str, Any], more: list[tuple[str, str]], left: set[str]
) -> None:
    heads_ = [pair for pair in pairs(IN_SESSION) if pair[0].decode() not in left]
    heads_ += [(name.encode(), value.encode()) for name, value in more]
    sent = json.dumps(body).encode()
    found = read(heads_, sent)
    if found is None:
        return
    request = Request({"type": "http", "headers": heads_})
    assert check_accept_headers(request) == (True, True)
    assert request.headers["content-type"].split(";")[0] == "application/json"
    assert len(request.headers.getlist("mcp-session-id")) == 1
    assert request.headers.get("mcp-protocol-version", "2025-03-26") in HANDSHAKE_PROTOCOL_VERSIONS
    message = jsonrpc_message_adapter.validate_python(pydantic_core.from_json(sent), by_name=False)
    assert isinstance(message, JSONRPCRequest)
    for version in HANDSHAKE_PROTOCOL_VERSIONS:
        validate_client_request("tools/call", version, message.params)
    typed = CallToolRequestParams.model_validate(message.params, by_name=False)
    assert (found.id, found.params.name) == (message.id, typed.name)
    assert json.dumps(found.params.arguments) == json.dumps(typed.arguments or {})
    assert found.params.meta.get("progressToken") == (typed.meta or {}).get("progress_token")
