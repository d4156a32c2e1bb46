"""Frameworks of agents work with the tools as they come: fastmcp's client, and pydantic-ai with a model of our own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import fastmcp
import pytest
from fastmcp.client.transports import StreamableHttpTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tests.e2e.mcp_clients import crm, fronting
from tests.e2e.policy import allow_all, cap, key_of, policy
from tests.e2e.world import World

ADA = {"contact": {"display_name": "Ada Lovelace", "email": "ada@example.org"}, "contact_id": "ada"}
MAIL = {"customer": "contacts/ada", "channel": "email", "category": "marketing", "subject_line": "News", "body": "Dear"}


@pytest.fixture
async def url(empty_world: World, tmp_path: Path) -> AsyncIterator[str]:
    await empty_world.gateway()
    async with crm(tmp_path) as address:
        await empty_world.publish(policy(address, rules=[allow_all()], caps=[cap(1)]))
        async with fronting(empty_world) as port:
            yield f"http://127.0.0.1:{port}/mcp"


async def test_fastmcp_lists_and_calls_tools_and_raises_refusals(url: str) -> None:
    transport = StreamableHttpTransport(url, headers={"x-api-key": key_of("sales-bot")})
    async with fastmcp.Client(transport) as client:
        names = {tool.name for tool in await client.list_tools()}
        assert {"contacts_create", "messages_send"} <= names
        created = await client.call_tool("contacts_create", ADA)
        assert created.structured_content is not None
        assert created.structured_content["contact"]["name"] == "contacts/ada"
        await client.call_tool("messages_send", {"message": MAIL})
        refused = await client.call_tool("messages_send", {"message": MAIL}, raise_on_error=False)
        assert refused.is_error
        with pytest.raises(fastmcp.exceptions.ToolError, match="Another customer"):
            await client.call_tool("messages_send", {"message": MAIL})


async def test_a_model_reads_the_refusal_and_does_something_else(url: str) -> None:
    seen: list[str] = []
    offered: list[str] = []
    script: list[tuple[str, dict[str, Any]]] = [
        ("contacts_create", ADA),
        ("messages_send", {"message": MAIL}),
        ("messages_send", {"message": MAIL}),
    ]

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        offered[:] = [tool.name for tool in info.function_tools]
        seen.extend(str(getattr(part, "content", "")) for part in messages[-1].parts)
        if "Another customer" in seen[-1]:
            return ModelResponse(parts=[TextPart("I leave Ada alone.")])
        name, arguments = script.pop(0)
        return ModelResponse(parts=[ToolCallPart(name, arguments)])

    toolset: MCPToolset[None] = MCPToolset(url, headers={"x-api-key": key_of("sales-bot")})
    agent = Agent(FunctionModel(model), toolsets=[toolset])
    async with agent:
        answer = await agent.run("Write to Ada.")
    assert answer.output == "I leave Ada alone."
    assert script == []
    assert {"contacts_create", "messages_send", "holds_wait"} <= set(offered)
    assert any("contacts/ada" in each for each in seen)
