"""Calls of tools over HTTP that need nothing of the SDK: one message came, one answer goes, as JSON.

The SDK reads, checks and writes each message with pydantic and starts three tasks for it, in a session some more, which
takes more than the call does. So the plain case is answered here; whatever is in any way unusual, wrong, or has
progress to tell of is left to the SDK, as are sessions themselves: it opens them, and says whose they are.
"""

from collections.abc import Mapping
from typing import Any, Final

import mcp_types
import msgspec
from mcp.server.streamable_http import REQUEST_CANCELLED
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from mcp_types import SERVER_INFO_META_KEY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from services.agents.asgi import Headers, Receive, Send, answer
from services.agents.listening import Gone, listened
from services.agents.mcp.asking import Asking
from services.agents.mcp.calls import Calls
from services.agents.mcp.messages import SESSION, VERSION, Message, heads
from services.agents.mcp.ongoing import Cancelled, SessionEnded
from services.agents.mcp.plain import plain, plain_in_session
from services.agents.mcp.running import Ran
from services.agents.mcp.serving import refused
from services.agents.mcp.sessions import Sessions
from services.agents.mcp.spans import Spoken
from services.agents.mcp.tools import WAIT_HOLD, Tools

_ENDED: Final = "Session terminated before the request completed"
"""The SDK's words where it answers as JSON."""


class Quick:
    """Answers plain calls of tools. `server` is what answers without a session say of who answers."""

    def __init__(self, tools: Tools, calls: Calls, sessions: Sessions, *, server: Mapping[str, Any]) -> None:
        self._tools = tools
        self._calls = calls
        self._sessions = sessions
        self._server = {SERVER_INFO_META_KEY: dict(server)}

    async def answered(self, headers: Headers, body: bytes, *, asked: Asking, receive: Receive, send: Send) -> bool:
        """Whether this was a plain call, which has its answer then; else nothing was done."""
        named = heads(headers)
        if named is None:
            return False
        if SESSION in named:
            return await self._in_session(named, body, asked=asked, receive=receive, send=send)
        message = plain(named, body)
        if message is None or not self._at_once(message):
            return False
        try:
            async with listened(receive):
                ran = await self._ran(message, Spoken(str(MODERN_PROTOCOL_VERSIONS[-1]), message.id), asked=asked)
        except Gone:
            return True
        except Exception as error:
            said = refused(error, asked).error
            await _tell(send, message, {"error": _error(said)}, status=ERROR_CODE_HTTP_STATUS.get(said.code, 200))
            return True
        result = {"_meta": {**ran.told, **self._server}, **_result(ran), "resultType": "complete"}
        await _tell(send, message, {"result": result})
        return True

    async def _in_session(
        self, named: Mapping[bytes, bytes], body: bytes, *, asked: Asking, receive: Receive, send: Send
    ) -> bool:
        message = plain_in_session(named, body)
        if message is None or not self._at_once(message):
            return False
        session, ongoing = named[SESSION].decode("latin-1"), self._sessions.ongoing
        version = self._sessions.version(session, asked.credential)
        if version is None or named.get(VERSION, version.encode()) != version.encode():
            return False
        if not ongoing.takes(session, message.id):
            return False
        status = 200
        self._sessions.used(session)
        try:
            async with listened(receive) as listening:
                with ongoing.kept(session, message.id, listening):
                    ran = await self._ran(message, Spoken(version, message.id, session), asked=asked)
            told: Mapping[str, Any] = {"result": ({"_meta": ran.told} if ran.told else {}) | _result(ran)}
        except Gone:
            return True
        except Cancelled:
            told = {"error": {"code": REQUEST_CANCELLED, "message": "Request cancelled"}}
        except SessionEnded:
            status, told = 500, {"id": None, "error": {"code": mcp_types.INTERNAL_ERROR, "message": _ENDED}}
        except Exception as error:
            told = {"error": _error(refused(error, asked).error)}
        finally:
            self._sessions.used(session)
        await _tell(send, message, told, status=status, headers=((SESSION, named[SESSION]),))
        return True

    async def _ran(self, message: Message, spoken: Spoken, *, asked: Asking) -> Ran:
        params = message.params
        return await self._calls.call(
            params.name, params.arguments, asked=asked, meta=params.meta, spoken=spoken, progress=_unheard
        )

    def _at_once(self, message: Message) -> bool:
        """Whether there is a tool of that name which has one answer, as soon as it can."""
        tool = self._tools.find(message.params.name)
        return tool is not None and tool.kind == "one" and tool.method.full_name != WAIT_HOLD


def _result(ran: Ran) -> dict[str, Any]:
    return {
        "content": [{"type": "text", "text": text} for text in ran.texts],
        "structuredContent": ran.structure,
        "isError": ran.failed,
    }


def _error(said: mcp_types.ErrorData) -> Mapping[str, Any]:
    return said.model_dump(exclude_unset=True)


async def _tell(
    send: Send, message: Message, told: Mapping[str, Any], *, status: int = 200, headers: Headers = ()
) -> None:
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": message.id, **told})
    await answer(send, status, body, headers=headers)


async def _unheard(_done: float, _text: str) -> None:
    """Tools that answer at once have none to tell of."""
