"""In which sessions calls may be answered past the SDK, and that those keep their session from being ended."""

import contextlib
import gc
import math
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import httpx2
import mcp_types
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http import StreamableHTTPServerTransport

from services.agents.asgi import App, Receive, Scope, Send
from services.agents.calling import Metadata
from services.agents.mcp.asking import Asking
from services.agents.mcp.serving import Context
from services.agents.mcp.sessions import Sessions
from tests.e2e.waiting import until

KEY: Final[Metadata] = (("x-api-key", "k-1"),)
RENEWED: Final[Metadata] = (("x-api-key", "k-2"),)
ACCEPT: Final = {"accept": "application/json, text/event-stream"}
HELLO: Final = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
IDLE_SECONDS: Final = 1_000.0


class Opened:
    """One session, and what keeps it."""

    def __init__(self, sessions: Sessions, http: httpx2.AsyncClient, name: str) -> None:
        self.sessions = sessions
        self.name = name
        self._http = http

    @property
    def transport(self) -> StreamableHTTPServerTransport:
        return self.sessions._server_instances[self.name]

    @property
    def scope(self) -> anyio.CancelScope:
        assert self.transport.idle_scope is not None
        return self.transport.idle_scope

    async def post(self, method: str, params: Any = None, **more: Any) -> httpx2.Response:
        message = {"jsonrpc": "2.0", "method": method, **more} | ({} if params is None else {"params": params})
        return await self._http.post("/mcp", json=message, headers={"mcp-session-id": self.name})


@contextlib.asynccontextmanager
async def opened(params: Any = HELLO) -> AsyncIterator[Opened]:
    """A session with who asks by `KEY`. No fixture: one task must open and close what the SDK opens."""

    async def listed(_context: Context, _params: Any) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=[])

    server: Server[Any] = Server("test", on_list_tools=listed)
    asked = Asking(credential=KEY, passed={})
    sessions = Sessions(server, asked=lambda _context: asked, most_bytes=100_000, idle_seconds=IDLE_SECONDS)
    transport = httpx2.ASGITransport(app=_served(sessions))
    async with sessions.run(), httpx2.AsyncClient(transport=transport, base_url="http://test", headers=ACCEPT) as http:
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        answer = await http.post("/mcp", json=message)
        yield Opened(sessions, http, answer.headers["mcp-session-id"])


def _served(sessions: Sessions) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await sessions.handle_request(scope, receive, send)

    return app


async def known(session: Opened) -> None:
    """Have the session known: the SDK answers a notification before it reads it."""
    await session.post("notifications/initialized")
    await until(lambda: session.sessions.version(session.name, KEY) is not None, what="a known session")


async def test_a_session_is_known_once_the_sdk_has_let_a_message_in() -> None:
    async with opened() as session:
        assert session.sessions.version(session.name, KEY) is None
        await known(session)
        assert session.sessions.version(session.name, KEY) == "2025-06-18"
        assert session.sessions.version(session.name, RENEWED) is None
        assert session.sessions.version("none", KEY) is None


async def test_a_session_that_was_never_agreed_on_is_left_to_the_sdk() -> None:
    async with opened(params={"protocolVersion": 1}) as session:
        await session.post("tools/list", {}, id=1)
        await session.post("notifications/initialized")
        await session.post("tools/list", {}, id=2)
        assert session.sessions.version(session.name, KEY) is None


async def test_a_session_is_asked_for_anew_while_its_version_is_agreed_on_again() -> None:
    async with opened() as session:
        await known(session)
        await session.post("initialize", HELLO | {"protocolVersion": "2025-11-25"}, id=1)
        assert session.sessions.version(session.name, KEY) is None
        await session.post("tools/list", {}, id=2)
        assert session.sessions.version(session.name, KEY) == "2025-11-25"


async def test_use_puts_off_the_end_of_a_session() -> None:
    async with opened() as session:
        soon = anyio.current_time() + IDLE_SECONDS / 2
        session.scope.deadline = soon
        session.sessions.used(session.name)
        assert session.scope.deadline >= soon + IDLE_SECONDS / 4
        session.sessions.used("none")


async def test_use_sets_no_end_while_the_sdk_answers_something() -> None:
    async with opened() as session:
        session.scope.deadline = math.inf  # as it does
        session.sessions.used(session.name)
        assert session.scope.deadline == math.inf


async def test_a_session_that_is_being_ended_is_left_to_the_sdk() -> None:
    async with opened() as session:
        await known(session)
        session.scope.cancel()
        assert session.sessions.version(session.name, KEY) is None
        await until(lambda: session.name not in session.sessions._server_instances, what="its end")
        session.sessions.used(session.name)
        assert session.sessions.version(session.name, KEY) is None
        await until(lambda: gc.collect() >= 0 and not session.sessions._known, what="its being forgotten")
