"""A call of a tool by its name, whichever way it came: looked up, traced and made."""

from collections.abc import Mapping
from typing import Any

import grpc

from services.agents.calling import Caller
from services.agents.catalogue import Catalogue
from services.agents.mcp.asking import Asking
from services.agents.mcp.offers import Offers
from services.agents.mcp.running import Progress, Ran, Running
from services.agents.mcp.spans import Spoken, end
from services.agents.mcp.tools import Tool, Tools
from services.agents.spans import Spans


class NoTool(Exception):
    """There is no tool of that name; the text says so."""


class Calls:
    """Makes calls of tools."""

    def __init__(self, catalogue: Catalogue, caller: Caller, tools: Tools, offers: Offers, *, spans: Spans) -> None:
        self._catalogue = catalogue
        self._tools = tools
        self._offers = offers
        self._spans = spans
        self._running = Running(catalogue, caller)

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        asked: Asking,
        meta: Mapping[str, Any] | None,
        spoken: Spoken,
        progress: Progress,
    ) -> Ran:
        """What came of it. A tool that this agent is not offered is refused by the gateway, which records that.

        Raises:
            NoTool: the contracts have none of that name.
            grpc.aio.AioRpcError: UNAUTHENTICATED: the credential has run out meanwhile.
        """
        tool = await self._tool(name)
        ran: Ran | None = None
        metadata = asked.metadata(meta)
        span = self._spans.begun(metadata)
        if span is not None:
            metadata = span.below(metadata)
        try:
            ran, trailers = await self._running.run(
                tool, arguments, metadata=metadata, language=asked.language, progress=progress
            )
        except grpc.aio.AioRpcError:
            self._offers.forget(asked.credential)  # so that the next request is told by HTTP
            raise
        finally:
            if span is not None:
                end(span, tool.name, spoken, ran)
        self._offers.answered(trailers)
        return ran

    async def _tool(self, name: str) -> Tool:
        tool = self._tools.find(name)
        if tool is None and await self._catalogue.look_again():
            tool = self._tools.find(name)
        if tool is None:
            raise NoTool(f"There is no tool of the name {name[:80]!r}.")
        return tool
