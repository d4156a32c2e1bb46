"""A call of a tool is one span with the attributes of MCP, between the caller's and the gateway's."""

import pytest

from gateway.watching.exposing import Metering
from tests.e2e.mcp_clients import LEGACY, MODERN, client, fronting
from tests.e2e.policy import policy
from tests.e2e.world import World
from tests.fakes.collector import Collector, attributes
from tests.fakes.upstream import FakeUpstream

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.mark.parametrize("mode", [MODERN, LEGACY])
async def test_a_call_of_a_tool_is_a_span_above_the_gateways(
    empty_world: World, upstream: FakeUpstream, collector: Collector, mode: str
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(policy(upstream.address, rules=[]))
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        to = Metering(otlp_endpoint=collector.endpoint)
        async with fronting(empty_world, to=to) as port, client(port, mode=mode, headers=headers) as agent:
            refused = await agent.call_tool("contacts_get", {"name": "contacts/ada"})
    decision = refused.structured_content["error"]["decision"].removeprefix("decisions/")
    spans = [span for span in collector.spans if attributes(span).get("pilote.decision") == decision]
    (front,) = [span for span in spans if span.name == "tools/call contacts_get"]
    (behind,) = [span for span in spans if span.name != front.name]
    assert (front.trace_id.hex(), front.parent_span_id.hex()) == (TRACE, CALLER)
    assert (behind.trace_id.hex(), behind.parent_span_id) == (TRACE, front.span_id)
    said = attributes(front)
    assert (said["mcp.method.name"], said["gen_ai.tool.name"]) == ("tools/call", "contacts_get")
    assert (said["error.type"], said["pilote.reason"]) == ("tool_error", "POLICY_DENIED")
    assert said["mcp.protocol.version"] == ("2025-11-25" if mode == LEGACY else "2026-07-28")
    assert ("mcp.session.id" in said) is (mode == LEGACY)
