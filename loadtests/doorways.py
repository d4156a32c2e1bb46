"""The ways in that the agents' front has, and what a call of each looks like."""

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from loadtests.processes import ProcessFailed

_VERSION: Final = "2026-07-28"
_HANDSHAKE: Final = "2025-11-25"
_TOOL: Final = "messages_send"
_CLIENT: Final = {"name": "bench", "version": "1"}
_ACCEPT: Final = {"accept": "application/json, text/event-stream"}


class Door(NamedTuple):
    """One way in."""

    name: str
    path: str
    headers: Mapping[str, str]
    wrapped: Callable[[Any], Any]
    """The JSON that is sent, of the request as JSON."""


def with_session(port: int, authorization: str) -> Door:
    """The door of MCP as clients use it that shake hands first, with a session that has been opened.

    Raises:
        ProcessFailed: the front has opened none.
    """
    headers = {**_ACCEPT, "content-type": "application/json", "authorization": authorization}
    hello = _message("initialize", {"protocolVersion": _HANDSHAKE, "capabilities": {}, "clientInfo": _CLIENT})
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/mcp", body=json.dumps(hello), headers=headers)
    opened = connection.getresponse()
    session = opened.getheader("mcp-session-id")
    said = opened.read()
    if session is None:
        raise ProcessFailed(said.decode())
    mine = {**_ACCEPT, "mcp-protocol-version": _HANDSHAKE, "mcp-session-id": session}
    connection.request("POST", "/mcp", body=json.dumps(_message("tools/list", {})), headers=headers | mine)
    connection.getresponse().read()
    connection.close()
    return Door("mcp_session", "/mcp", mine, _call_in_session)


def _tool_call(request: Any) -> Any:
    said = {
        "io.modelcontextprotocol/protocolVersion": _VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": _CLIENT,
    }
    return _message("tools/call", {"name": _TOOL, "arguments": request, "_meta": said})


def _call_in_session(request: Any) -> Any:
    # Calls of one session that are made at once have numbers of their own.
    return _message("tools/call", {"name": _TOOL, "arguments": request}) | {"id": request["message"]["customer"]}


def _message(method: str, params: Any) -> Any:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


DOORS: Final = (
    Door("rest", "/v1/messages:send", {}, lambda request: request),
    Door(
        "mcp",
        "/mcp",
        {**_ACCEPT, "mcp-protocol-version": _VERSION, "mcp-method": "tools/call", "mcp-name": _TOOL},
        _tool_call,
    ),
)
