"""Calls of tools over HTTP that need nothing of the SDK: one message came, one answer goes, as JSON.

The SDK reads, checks and writes each message with pydantic and starts three tasks for it, which takes more than the
call does. So the plain case of the protocol without sessions is answered here; whatever is in any way unusual, wrong,
older, or wants to hear of progress is left to the SDK.
"""

from collections.abc import Mapping
from typing import Any

import grpc
import msgspec
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from mcp_types import SERVER_INFO_META_KEY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from services.agents.asgi import Headers, Receive, Send, answer
from services.agents.listening import Gone, listened
from services.agents.mcp.asking import Asking
from services.agents.mcp.calls import Calls
from services.agents.mcp.plain import plain
from services.agents.mcp.running import Ran
from services.agents.mcp.serving import refused
from services.agents.mcp.spans import Spoken
from services.agents.mcp.tools import WAIT_HOLD, Tools


class Quick:
    """Answers plain calls of tools. `server` is what each answer says of who answers."""

    def __init__(self, tools: Tools, calls: Calls, *, server: Mapping[str, Any]) -> None:
        self._tools = tools
        self._calls = calls
        self._server = dict(server)

    async def answered(self, headers: Headers, body: bytes, *, asked: Asking, receive: Receive, send: Send) -> bool:
        """Whether this was a plain call, which has its answer then; else nothing was done."""
        message = plain(headers, body)
        if message is None or not self._at_once(message.params.name):
            return False
        spoken = Spoken(str(MODERN_PROTOCOL_VERSIONS[-1]), message.id)
        status, told = 200, {}
        try:
            async with listened(receive):
                ran = await self._calls.call(
                    message.params.name,
                    message.params.arguments,
                    asked=asked,
                    meta=message.params.meta,
                    spoken=spoken,
                    progress=_unheard,
                )
            told = {"result": _result(ran, self._server)}
        except Gone:
            return True
        except grpc.aio.AioRpcError as error:
            said = refused(error, asked).error
            status = ERROR_CODE_HTTP_STATUS.get(said.code, 200)
            told = {"error": {"code": said.code, "message": said.message, "data": said.data}}
        await answer(send, status, msgspec.json.encode({"jsonrpc": "2.0", "id": message.id} | told))
        return True

    def _at_once(self, name: str) -> bool:
        """Whether there is a tool of that name which has one answer, as soon as it can."""
        tool = self._tools.find(name)
        return tool is not None and tool.kind == "one" and tool.method.full_name != WAIT_HOLD


def _result(ran: Ran, server: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "_meta": {**ran.told, SERVER_INFO_META_KEY: server},
        "content": [{"type": "text", "text": text} for text in ran.texts],
        "structuredContent": ran.structure,
        "isError": ran.failed,
        "resultType": "complete",
    }


async def _unheard(_done: float, _text: str) -> None:
    """Nobody has asked to hear of progress."""
