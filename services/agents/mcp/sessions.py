"""The SDK's sessions, and in which of them calls may be answered past it."""

import hmac
import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import anyio
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER, StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import DEFAULT_SESSION_IDLE_TIMEOUT, StreamableHTTPSessionManager
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from services.agents.asgi import Receive, Scope, Send
from services.agents.calling import Metadata
from services.agents.mcp.asking import Asking
from services.agents.mcp.offers import digest_of
from services.agents.mcp.ongoing import Ongoing
from services.agents.mcp.serving import Context

_SESSION: Final = MCP_SESSION_ID_HEADER.encode()


class _Known(NamedTuple):
    """What the SDK has found of a session, by the last message that it let in."""

    version: str
    """Of the protocol, as both have agreed."""
    credential: bytes


class Sessions(StreamableHTTPSessionManager):
    """Sessions as the SDK keeps them: it opens them, says whose they are, and ends them.

    `asked` says who asks, by the context of a message. A session unused for `idle_seconds` is ended.
    """

    def __init__(
        self,
        server: Server[Any],
        *,
        asked: Callable[[Context], Asking],
        most_bytes: int,
        idle_seconds: float = DEFAULT_SESSION_IDLE_TIMEOUT,
    ) -> None:
        super().__init__(server, max_request_body_size=most_bytes, session_idle_timeout=idle_seconds)
        self.ongoing = Ongoing()
        self._asked = asked
        self._idle_seconds = idle_seconds
        self._known: WeakKeyDictionary[StreamableHTTPServerTransport, _Known] = WeakKeyDictionary()
        server.middleware.append(self._looked)

    def version(self, session: str, credential: Metadata) -> str | None:
        """The version that is spoken in a session of this very credential; `None` where the SDK has to look itself.

        It has to for a session that is ended, of somebody else, new, or whose credential has been renewed meanwhile.
        """
        transport = self._server_instances.get(session)
        if transport is None or transport.is_terminated:
            return None
        if transport.idle_scope is not None and transport.idle_scope.cancel_called:
            return None
        known = self._known.get(transport)
        same = known is not None and hmac.compare_digest(known.credential, digest_of(credential))
        return known.version if known is not None and same else None

    def used(self, session: str) -> None:
        """Say that the session is in use now, or it would be ended although calls are answered past the SDK."""
        transport = self._server_instances.get(session)
        scope = None if transport is None else transport.idle_scope
        # Without an end, the SDK answers something itself, and sets the time when it has done so.
        if scope is not None and scope.deadline != math.inf:
            scope.deadline = anyio.current_time() + self._idle_seconds

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the SDK."""
        session = ""
        if scope["method"] == "DELETE":
            session = next((value.decode("latin-1") for name, value in scope["headers"] if name == _SESSION), "")
        lives = session in self._server_instances
        await super().handle_request(scope, receive, send)
        if lives and session not in self._server_instances:
            self.ongoing.end(session)

    async def _looked(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """See what the SDK lets in, before it is answered."""
        request: Any = ctx.request
        session = request.headers.get(MCP_SESSION_ID_HEADER)
        transport = self._server_instances.get(session)
        # In the version without sessions that header means nothing, and nobody has looked whose session it names.
        if transport is not None and ctx.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS:
            if ctx.method == "notifications/cancelled":
                self.ongoing.cancel(session, ctx.params)
            if ctx.method == "initialize":  # once more: another version may come of it
                self._known.pop(transport, None)
            elif ctx.session.client_params is not None:
                digest = digest_of(self._asked(ctx).credential)
                self._known[transport] = _Known(str(ctx.protocol_version), digest)
        return await call_next(ctx)
