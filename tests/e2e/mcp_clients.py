"""The agents' front of these tests, and the official client of MCP before it."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import CallToolResult, Tool

from services.agents.options import Options
from services.agents.server import running
from services.crm.server import running as crm_running
from tests.e2e.policy import key_of
from tests.e2e.waiting import eventually
from tests.e2e.world import World

LEGACY: Final = "legacy"
"""The way of clients that shake hands first."""
MODERN: Final = "auto"


@contextlib.asynccontextmanager
async def fronting(world: World, **options: Any) -> AsyncIterator[int]:
    """The agents' front before the first gateway until the block ends; yields its port once it knows the contracts."""
    chosen: dict[str, Any] = {"drain_seconds": 1, "max_message_bytes": 4_194_304}
    made = Options(listen="127.0.0.1:0", gateway=f"127.0.0.1:{world.gateways[0].port}", **(chosen | options))
    async with running(made) as port:
        await eventually(lambda: ready(port), what="the front")
        yield port


async def ready(port: int) -> bool | None:
    """True once the front knows what the gateway serves."""
    async with create_mcp_http_client() as http:
        return (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200 or None


@contextlib.asynccontextmanager
async def crm(home: Path) -> AsyncIterator[str]:
    """A real CRM until the block ends; yields its address."""
    async with crm_running(listen="127.0.0.1:0", home=home / "crm", drain_seconds=1) as port:
        yield f"127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def client(
    port: int, agent: str = "sales-bot", *, mode: str = MODERN, headers: dict[str, str] | None = None
) -> AsyncIterator[Client]:
    """The official client as one agent."""
    async with create_mcp_http_client({"x-api-key": key_of(agent)} | (headers or {})) as http:
        transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
        async with Client(transport, mode=mode) as found:
            yield found


async def tools_of(found: Client) -> dict[str, Tool]:
    """All tools, by name."""
    tools: dict[str, Tool] = {}
    cursor = None
    while True:
        page = await found.list_tools(cursor=cursor)
        tools |= {tool.name: tool for tool in page.tools}
        cursor = page.next_cursor
        if cursor is None:
            return tools


def text_of(result: CallToolResult) -> str:
    """All that a model reads of a result."""
    return "\n".join(each.text for each in result.content if each.type == "text")
