"""An agent may start its own front and speak MCP with it over standard input and output."""

import sys
from pathlib import Path

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from gateway.settings import inherited
from tests.e2e.mcp_clients import crm, text_of, tools_of
from tests.e2e.policy import key_of, policy
from tests.e2e.world import World


async def test_tools_are_listed_and_called_over_standard_input_and_output(empty_world: World, tmp_path: Path) -> None:
    gateway = await empty_world.gateway()
    async with crm(tmp_path) as address:
        await empty_world.publish(policy(address))
        settings = {
            "PILOTE_AGENTS_GATEWAY": f"127.0.0.1:{gateway.port}",
            "PILOTE_AGENTS_KEY": key_of("sales-bot"),
            "PILOTE_LANG": "fr",
        }
        command = ["-m", "services.cli", "agents", "--stdio"]
        server = StdioServerParameters(command=sys.executable, args=command, env=inherited() | settings)
        async with Client(server) as agent:
            offered = await tools_of(agent)
            absent = await agent.call_tool("contacts_get", {"name": "contacts/nobody"})
    assert {"contacts_get", "messages_send"} <= set(offered)
    assert absent.structured_content["error"]["reason"] == "NOT_FOUND"
    assert "Cherchez le bon nom" in text_of(absent)
