"""Calls by REST and by MCP, through the front for agents (`pilote agents`), over kept connections."""

import json
from collections.abc import Mapping
from typing import Any, Final

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPConnectionClosed
from geventhttpclient.url import URL
from google.rpc import code_pb2

from loadtests.locusts.mix import Call
from loadtests.locusts.verdicts import Answer

MCP_VERSION: Final = "2026-07-28"
_CLIENT: Final = {"name": "locust", "version": "1"}
_UNANSWERED: Final = Answer("UNAVAILABLE")


class _Front:
    """Connections to the front."""

    def __init__(self, url: str, *, keys: Mapping[str, str], connections: int, timeout_s: float) -> None:
        self._keys = keys
        self._client = HTTPClient.from_url(
            URL(url), concurrency=connections, connection_timeout=timeout_s, network_timeout=timeout_s
        )

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def _asked(
        self, call: Call, verb: str, path: str, *, body: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any, Mapping[str, str]] | None:
        """Status, JSON and headers of the answer; `None` where none came."""
        mine = {
            "x-api-key": self._keys[call.agent],
            "content-type": "application/json",
            "accept": "application/json",
            **headers,
        }
        data = b"" if body is None else json.dumps(body)
        for again in (True, False):
            try:
                answer = self._client.request(verb, path, body=data, headers=mine)
                said = answer.read()
                return int(answer.status_code), json.loads(said) if said else None, dict(answer.items())
            except HTTPConnectionClosed:
                # A kept connection that the front has closed as it was idle: clients ask again on another one.
                if not again:
                    return None
            except (OSError, ValueError):  # what is no JSON is no answer of the front's; timeouts are OSErrors
                return None
        return None


class RestDoor(_Front):
    """Each method at the path that its contract annotates."""

    name: Final = "REST"

    def call(self, call: Call, *, traceparent: str, timeout_s: float) -> Answer:
        """Make the call, and read its answer."""
        headers = {"traceparent": traceparent, "x-request-timeout": f"{timeout_s:g}"}
        asked = self._asked(call, call.verb, call.path, body=call.body, headers=headers)
        if asked is None:
            return _UNANSWERED
        status, said, heads = asked
        decision, revision = heads.get("pilote-decision-id", ""), heads.get("pilote-revision", "")
        if status == 200:
            return Answer("OK", "", decision, revision)
        code, reason = _refusal(said, status)
        return Answer(code, reason, decision, revision)


class McpDoor(_Front):
    """Each method as a tool, by the protocol of 2026-07-28, which has no sessions."""

    name: Final = "MCP"

    def call(self, call: Call, *, traceparent: str, timeout_s: float) -> Answer:  # noqa: ARG002
        """Call the tool, and read its result; how long it may take is the front's to say."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": MCP_VERSION,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": _CLIENT,
        }
        params = {"name": call.tool, "arguments": call.arguments, "_meta": meta}
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": MCP_VERSION,
            "mcp-method": "tools/call",
            "mcp-name": call.tool,
            "traceparent": traceparent,
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        asked = self._asked(call, "POST", "/mcp", body=message, headers=headers)
        if asked is None:
            return _UNANSWERED
        status, said, _ = asked
        return mcp_answer(status, said)


def mcp_answer(status: int, said: Any) -> Answer:
    """What a result of a tool says of the call."""
    result = said.get("result") if isinstance(said, dict) else None
    if status != 200 or not isinstance(result, dict):
        return Answer("UNAUTHENTICATED" if status == 401 else "INTERNAL", f"HTTP_{status}")
    decision = result.get("_meta", {}).get("pilote/decision-id", "")
    if not result.get("isError"):
        return Answer("OK", "", decision)
    error = result.get("structuredContent", {}).get("error", {})
    decision = decision or error.get("decision", "").removeprefix("decisions/")
    return Answer(error.get("code", "UNKNOWN"), error.get("reason", ""), decision)


def _refusal(said: Any, status: int) -> tuple[str, str]:
    """Code and reason of a `google.rpc.Status` as JSON; what is none came from something before the front."""
    if not isinstance(said, dict):
        return "UNKNOWN", f"HTTP_{status}"
    infos = [each for each in said.get("details", ()) if each.get("@type", "").endswith("ErrorInfo")]
    code = said.get("code")
    name = code_pb2.Code.Name(code) if code in code_pb2.Code.values() else "UNKNOWN"
    return name, infos[0].get("reason", "") if infos else ""
