"""MCP over standard input and output: for an agent that starts its own front, with one API key."""

import asyncio
import contextlib

import grpc
from mcp.server.stdio import stdio_server

from gateway.ending import ended
from services.agents.calling import calling
from services.agents.catalogue import Catalogue
from services.agents.comments import comments
from services.agents.mcp.asking import by_key
from services.agents.mcp.calls import Calls
from services.agents.mcp.offers import Offers
from services.agents.mcp.resources import Resources
from services.agents.mcp.serving import Serving
from services.agents.mcp.tools import Tools
from services.agents.options import Options
from services.agents.spans import Spans


async def serve_stdio(options: Options, *, key: str, language: str) -> None:
    """Answer the agent of that key until the input ends; it reads refusals in that language, "en" or "fr"."""
    async with contextlib.AsyncExitStack() as stack:
        caller, channel = await stack.enter_async_context(
            calling(options.gateway, max_message_bytes=options.max_message_bytes)
        )
        catalogue = Catalogue(channel, comments=comments())
        with contextlib.suppress(grpc.aio.AioRpcError):  # a gateway that is not there yet is waited for below
            await catalogue.refresh()
        stack.push_async_callback(ended, asyncio.create_task(catalogue.follow()))
        asked = by_key(key, language=language)
        tools, offers = Tools(catalogue), Offers(caller)
        calls = Calls(catalogue, caller, tools, offers, spans=Spans(None))
        server = Serving(tools, calls, offers, Resources(caller), asked=lambda _context: asked).server()
        read, write = await stack.enter_async_context(stdio_server())
        await server.run(read, write, server.create_initialization_options())
