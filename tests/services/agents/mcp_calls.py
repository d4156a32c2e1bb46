"""Calls of a tool by MCP as clients send them, with a session and without."""

from typing import Any, Final

VERSION: Final = "2026-07-28"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
_JSON: Final = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
HEADERS: Final = _JSON | {
    "mcp-protocol-version": VERSION,
    "mcp-method": "tools/call",
    "mcp-name": "contacts_get",
}
IN_SESSION: Final = _JSON | {"mcp-protocol-version": "2025-11-25", "mcp-session-id": "s"}
Pairs = list[tuple[bytes, bytes]]


def pairs(headers: dict[str, str]) -> Pairs:
    """Headers as ASGI has them."""
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def call(**changed: Any) -> dict[str, Any]:
    """A call in a session."""
    params = {"name": "contacts_get", "arguments": {"name": "contacts/ada"}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params} | changed


def params(**changed: Any) -> dict[str, Any]:
    """The same with other parameters."""
    return call(params={**call()["params"], **changed})
