"""What a model reads while the gateway is away."""

import contextlib

from services.agents.options import Options
from services.agents.server import running
from tests.e2e.mcp_clients import client, ready, text_of, tools_of
from tests.e2e.policy import policy
from tests.e2e.waiting import eventually
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream


async def test_a_gateway_that_is_away_is_said_to_be_without_naming_its_address(
    world: World, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address))
    async with contextlib.AsyncExitStack() as stack:
        other = await stack.enter_async_context(world.started())
        options = Options(
            listen="127.0.0.1:0", gateway=f"127.0.0.1:{other.port}", drain_seconds=1.0, max_message_bytes=65_536
        )
        async with running(options) as port:
            await eventually(lambda: ready(port), what="the front")
            async with client(port) as found:
                assert "contacts_get" in await tools_of(found)
                await stack.aclose()
                result = await found.call_tool("contacts_get", {"name": "contacts/c-1"})
    assert result.is_error
    assert "The gateway does not answer; retry." in text_of(result)
    assert "127.0.0.1" not in result.model_dump_json()
