"""What a customer data platform tells of a customer counts at the next call, on every gateway."""

import asyncio
import hashlib
from typing import Any, Final

import aiohttp
import msgspec
from segment.analytics.client import Client as SegmentClient

from gateway.core.errors import Reason
from services.intake.server import Options, running
from tests.e2e.policy import policy
from tests.e2e.requests import ADA, send
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES: Final = credential("sales-bot")
WRITE_KEY: Final = "pilote_cdp_key"
SOURCE: Final[dict[str, Any]] = {
    "name": "cdp",
    "tenant": "acme",
    "keys": [{"id": "one", "sha256": hashlib.sha256(WRITE_KEY.encode()).hexdigest()}],
    "facts": {"traits.plan": "traits.plan", "traits.vip": "segments.vip"},
}
NO_FREE: Final = {
    "name": "no-free",
    "effect": "deny",
    "when": '"plan" in facts.traits && facts.traits["plan"] == "free"',
}


async def test_what_segments_own_client_tells_counts_at_the_next_call_on_every_gateway(
    world: World, upstream: FakeUpstream
) -> None:
    await world.gateway()
    await world.publish(policy(upstream.address, sources=[SOURCE], rules=[{"name": "all", "effect": "allow"}, NO_FREE]))
    agents = [world.agent(each) for each in world.gateways]
    options = Options(listen="127.0.0.1:0", redis_url=world.redis_url, pseudonym_key=KEY, drain_seconds=1)
    for agent in agents:  # whoever is asked has the old facts in its cache
        assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""

    failures: list[object] = []
    async with running(options) as port:
        await _live(port)
        segment = SegmentClient(
            WRITE_KEY, host=f"http://127.0.0.1:{port}", gzip=True, on_error=lambda *error: failures.append(error)
        )
        segment.identify(ADA.removeprefix("contacts/"), {"plan": "free", "vip": True})
        segment.track(ADA.removeprefix("contacts/"), "Order Completed", {"revenue": 10})
        await asyncio.to_thread(segment.shutdown)
    assert failures == []

    for agent in agents:

        async def refused(agent: Any = agent) -> bool | None:
            called = await told(agent.messages.SendMessage(send(), metadata=SALES))
            return called.reason == Reason.POLICY_DENIED or None

        await eventually(refused, what="a refusal", within=1.0)


async def _live(port: int) -> None:
    """Wait until the intake goes by the policy."""
    async with aiohttp.ClientSession(headers={"authorization": aiohttp.encode_basic_auth(WRITE_KEY, "")}) as http:

        async def look() -> bool | None:
            body = msgspec.json.encode({"batch": []})
            async with http.post(f"http://127.0.0.1:{port}/v1/batch", data=body) as response:
                return response.status == 200 or None

        await eventually(look, what="the policy")
