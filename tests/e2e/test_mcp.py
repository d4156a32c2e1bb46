"""Agents that speak MCP: tools are the methods that they may use, and calls are governed like any other."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ToolAnnotations

from tests.e2e.mcp_clients import LEGACY, MODERN, client, crm, fronting, text_of, tools_of
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.world import World

READ_ONLY = {
    "name": "read-only",
    "effect": "deny",
    "operations": ["WRITE", "CONTACT", "DELETE"],
    "when": 'agent.name == "research-bot"',
}
ADA = {"contact": {"display_name": "Ada Lovelace", "email": "ada@example.org"}, "contact_id": "ada"}
MAIL = {"customer": "contacts/ada", "channel": "email", "category": "marketing", "subject_line": "News", "body": "Dear"}
both_ways = pytest.mark.parametrize("mode", [MODERN, LEGACY])


@pytest.fixture
async def port(empty_world: World, tmp_path: Path) -> AsyncIterator[int]:
    """The front before a gateway before a real CRM, where a person may be contacted once a week."""
    await empty_world.gateway()
    async with crm(tmp_path) as address:
        await empty_world.publish(policy(address, rules=[allow_all(), READ_ONLY], caps=[cap(1)]))
        async with fronting(empty_world) as found:
            yield found


@both_ways
async def test_an_agent_is_offered_the_tools_it_may_use_and_no_others(port: int, mode: str) -> None:
    async with client(port, mode=mode) as sales, client(port, "research-bot", mode=mode) as research:
        offered, reading = await tools_of(sales), await tools_of(research)
    assert {"contacts_get", "contacts_list", "messages_send", "contacts_delete"} <= set(offered)
    assert {"holds_wait", "holds_get"} <= set(offered) & set(reading)
    assert "contacts_get" in reading
    assert not {"messages_send", "contacts_delete", "contacts_create"} & set(reading)
    hints = {name: tool.annotations or ToolAnnotations() for name, tool in offered.items()}
    told = [(hints[name].read_only_hint, hints[name].destructive_hint) for name in ("contacts_get", "contacts_delete")]
    assert told == [(True, False), (False, True)]
    assert "pressure" in (offered["messages_send"].description or "")
    assert (offered["contacts_get"].description or "").startswith("Reads one contact.")
    for tool in offered.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema or {})


@both_ways
async def test_a_call_is_answered_as_text_and_as_structure_that_fits_its_schema(port: int, mode: str) -> None:
    async with client(port, mode=mode) as agent:
        await agent.list_tools()
        created = await agent.call_tool("contacts_create", ADA)
        found = await agent.call_tool("contacts_get", {"name": "contacts/ada"})
    assert not created.is_error
    assert found.structured_content["contact"]["display_name"] == "Ada Lovelace"
    assert "ada@example.org" in text_of(found)
    assert len((found.meta or {})["pilote/decision-id"]) == 32


@both_ways
async def test_a_refusal_says_why_when_and_what_to_do_in_the_callers_language(port: int, mode: str) -> None:
    async with client(port, mode=mode) as agent, client(port, mode=mode, headers={"accept-language": "fr"}) as french:
        await agent.call_tool("contacts_create", ADA)
        sent = await agent.call_tool("messages_send", {"message": MAIL, "request_id": "r-1"})
        refused = await agent.call_tool("messages_send", {"message": MAIL, "request_id": "r-2"})
        french_words = await french.call_tool("messages_send", {"message": MAIL, "request_id": "r-3"})
    assert not sent.is_error
    assert refused.is_error
    error = refused.structured_content["error"]
    assert (error["code"], error["reason"]) == ("RESOURCE_EXHAUSTED", "CAP_EXCEEDED")
    assert 600_000 < error["retry_after_seconds"] <= 604_800
    assert error["earliest_time"] in text_of(refused)
    assert "Another customer" in text_of(refused)
    assert "Un autre client" in text_of(french_words)
    assert error["decision"].startswith("decisions/")


@both_ways
async def test_a_tool_that_is_not_offered_is_refused_by_the_gateway_which_records_it(
    port: int, mode: str, empty_world: World
) -> None:
    async with client(port, "research-bot", mode=mode) as agent:
        refused = await agent.call_tool("contacts_delete", {"name": "contacts/ada"})
        with pytest.raises(MCPError, match="There is no tool"):
            await agent.call_tool("contacts_embrace", {})
    assert refused.structured_content["error"]["reason"] == "POLICY_DENIED"
    records = [kept.record for kept in (await empty_world.kept()).values()]
    assert [(record.agent, record.reason) for record in records] == [("research-bot", "POLICY_DENIED")]


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("contacts_get", {"nome": "contacts/ada"}, "nome"),
        ("contacts_get", {"name": 7}, "name"),
        ("contacts_list", {"page_size": "many"}, "page_size"),
        ("contacts_list", {"page_size": -1}, "page_size"),
        ("contacts_list", {"lifecycle_stage": "NOBODY"}, "lifecycle_stage"),
        ("contacts_stream", {"max_items": 0}, "max_items"),
        ("contacts_stream", {"skip_items": True}, "skip_items"),
        ("messages_send_many", {"requests": {}}, "requests"),
        ("messages_send_many", {"requests": [{"message": MAIL}, 3]}, r"requests\[1\]"),
    ],
)
async def test_arguments_that_do_not_fit_are_told_with_their_field(
    port: int, tool: str, arguments: dict[str, Any], says: str
) -> None:
    async with client(port) as agent:
        refused = await agent.call_tool(tool, arguments)
    assert refused.is_error
    assert refused.structured_content["error"]["reason"] == "ARGUMENT_INVALID"
    assert re.search(says, text_of(refused))
