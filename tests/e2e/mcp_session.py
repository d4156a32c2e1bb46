"""Sessions of MCP as clients open them by hand, and whether a call in one went the short way."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx2

from tests.e2e.mcp_clients import fronting
from tests.e2e.policy import key_of
from tests.e2e.waiting import eventually
from tests.e2e.world import World
from tests.fakes.upstream import Asked, Behaviour, FakeUpstream

SALES: Final = {"x-api-key": key_of("sales-bot"), "accept": "application/json, text/event-stream"}
BY_SDK: Final = {"mcp-method": "tools/call"}
"""A header of newer clients, which the SDK leaves aside in a session: with it, calls go the long way."""
ADA: Final = {"name": "contacts/ada"}


def message(tool: str, arguments: Any, number: int | str = 7) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def cancelled(number: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}


def unwrapped(answer: httpx2.Response) -> httpx2.Response:
    """The same answer as plain JSON, where it came as an event."""
    (event,) = [line for line in answer.text.splitlines() if line.startswith("data:")]
    return httpx2.Response(answer.status_code, content=event.removeprefix("data:"))


def is_quick(answer: httpx2.Response) -> bool:
    return answer.status_code == 200 and answer.headers["content-type"] == "application/json"


def hanging(upstream: FakeUpstream) -> Behaviour:
    """Answer with nothing, once `let_go` is set."""

    async def behave(_asked: Asked, _context: Any) -> bytes:
        await upstream.let_go.wait()
        return b""

    return behave


class Session:
    """A session of the front, opened with a version of the protocol."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.headers: dict[str, str] = {}

    async def open(self, version: str) -> "Session":
        info = {"name": "test", "version": "1"}
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": info}
        opened = await self.http.post(
            "/mcp", json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        )
        self.headers = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": version}
        await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        # The SDK answers a notification before it reads it.
        await eventually(self._known, what="a quick answer")
        return self

    async def post(self, sent: Any, **headers: str) -> httpx2.Response:
        return await self.http.post("/mcp", json=sent, headers=self.headers | headers)

    async def _known(self) -> bool | None:
        return is_quick(await self.post(message("holds_get", {}))) or None


@contextlib.asynccontextmanager
async def opened(world: World, version: str = "2025-11-25") -> AsyncIterator[Session]:
    async with (
        fronting(world) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=SALES, timeout=30) as http,
    ):
        yield await Session(http).open(version)
