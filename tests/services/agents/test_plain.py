"""Which requests by MCP are plain calls: none is taken that the SDK would refuse, and none ends the reading."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request, find_duplicated_routing_header
from mcp_types import JSONRPCRequest
from mcp_types.methods import validate_client_request

from services.agents.mcp.messages import Message, heads
from services.agents.mcp.plain import plain
from tests.services.agents.mcp_calls import HEADERS, META, VERSION, Pairs, pairs
from tests.services.agents.mcp_calls import call as in_session


def read(headers: Pairs, body: bytes) -> Message | None:
    named = heads(headers)
    return None if named is None else plain(named, body)


def call(**changed: Any) -> dict[str, Any]:
    return in_session(params={**in_session()["params"], "_meta": META}) | changed


def params(**changed: Any) -> dict[str, Any]:
    return call(params={**call()["params"], **changed})


def test_a_call_as_clients_make_it_is_plain() -> None:
    found = read(pairs(HEADERS), json.dumps(call(id="one")).encode())
    assert found is not None
    assert (found.id, found.params.name, found.params.arguments) == ("one", "contacts_get", {"name": "contacts/ada"})
    for alike in ({"content-type": "application/json; charset=utf-8"}, {"mcp-name": "=?base64?Y29udGFjdHNfZ2V0?="}):
        assert read(pairs(HEADERS | alike), json.dumps(call()).encode())


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp-protocol-version": "2025-11-25"},
        {"mcp-protocol-version": "2099-01-01"},
        {"mcp-method": "tools/list"},
        {"mcp-name": "contacts_delete"},
        {"mcp-session-id": "s"},
        {"mcp-param-region": "eu"},
        {"accept": "application/json"},
        {"content-type": "text/plain"},
        {"content-encoding": "gzip"},
    ],
)
def test_other_heads_are_left_to_the_sdk(headers: dict[str, str]) -> None:
    assert read(pairs(HEADERS | headers), json.dumps(call()).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        call(id=None),
        call(id=1.5),
        call(id=True),
        call(jsonrpc="1.0"),
        call(method="tools/list"),
        call(extra=1),
        [call()],
        {key: value for key, value in call().items() if key != "id"},
        params(name=1),
        params(name="contacts_delete"),
        params(arguments=[]),
        params(arguments=None),
        params(task={}),
        params(_meta={}),
        params(_meta=META | {"progressToken": 1.5}),
        params(_meta=META | {"progressToken": True}),
        params(_meta=META | {"progressToken": None}),
        params(_meta=META | {"io.modelcontextprotocol/clientInfo": "test"}),
        params(_meta=META | {"io.modelcontextprotocol/clientInfo": {"name": "test"}}),
        params(_meta=META | {"io.modelcontextprotocol/clientCapabilities": []}),
        params(_meta=META | {"io.modelcontextprotocol/clientCapabilities": {"roots": 1}}),
        params(_meta=META | {"io.modelcontextprotocol/protocolVersion": "2025-11-25"}),
    ],
)
def test_other_messages_are_left_to_the_sdk(body: Any) -> None:
    assert read(pairs(HEADERS), json.dumps(body).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        json.dumps(call()).encode().replace(b"contacts/ada", b"\xff"),
        json.dumps(params(arguments={"n": float("nan")})).encode(),
    ],
)
def test_what_is_no_message_is_left_to_the_sdk(body: bytes) -> None:
    assert read(pairs(HEADERS), body) is None


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
_NAMES = st.sampled_from(["contacts_get", "a", "é", ""])
_METAS = st.dictionaries(
    st.sampled_from([*META, "progressToken", "traceparent"]), _VALUES | st.just(VERSION), max_size=4
)
_BODIES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | _SCALARS, "id": st.integers() | st.text(max_size=3) | _SCALARS},
    optional={
        "method": st.just("tools/call") | _SCALARS,
        "params": st.fixed_dictionaries(
            {},
            optional={
                "name": _NAMES | _SCALARS,
                "arguments": st.dictionaries(st.text(max_size=4), _VALUES, max_size=2) | _VALUES,
                "_meta": st.just(META) | _METAS.map(lambda more: META | more) | _METAS,
            },
        ),
    },
)
_HEADS = st.lists(
    st.sampled_from([*HEADERS.items(), ("mcp-name", "a"), ("mcp-method", "x"), ("mcp-protocol-version", "x")]),
    max_size=8,
)


@given(body=_BODIES, more=_HEADS, name=_NAMES)
def test_nothing_is_plain_that_the_sdk_would_refuse(
    body: dict[str, Any], more: list[tuple[str, str]], name: str
) -> None:
    heads = [(key, value) for key, value in HEADERS.items() if key != "mcp-name"] + [("mcp-name", name), *more]
    found = read([(key.encode(), value.encode("utf-8")) for key, value in heads], json.dumps(body).encode())
    if found is None:
        return
    assert find_duplicated_routing_header(heads) is None
    JSONRPCRequest.model_validate(body)
    assert isinstance(classify_inbound_request(body, headers=dict(heads)), InboundModernRoute)
    validate_client_request("tools/call", VERSION, body["params"])
    assert found.params.arguments == body["params"].get("arguments", {})
