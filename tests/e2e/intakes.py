"""An intake behind a gateway, as an upstream of its policy."""

from typing import Any, Final

import grpc

from pilote.cdp.v1 import profile_service_pb2
from pilote.cdp.v1.profile_service_pb2_grpc import ProfileServiceStub
from services.intake.server import Options, running
from tests.e2e.policy import agent, policy
from tests.e2e.requests import ADA
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, World, told

ROUTED: Final = ("/pilote.cdp.v1.*", "/pilote.dmp.v1.*")
NEW_AGENT: Final = "intake-watcher"
_ANSWERS: Final = (grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND)


async def route_to_intake(world: World, *rules: dict[str, Any], **sections: Any) -> str:
    """Let the world's gateways route profiles and audiences to a real intake; gives its address."""
    options = Options(
        listen="127.0.0.1:0",
        grpc_listen="127.0.0.1:0",
        redis_url=world.redis_url,
        pseudonym_key=KEY,
        drain_seconds=1,
        audit="127.0.0.1:1",
        home=world.home / "intake",
    )
    ports = await world.stack.enter_async_context(running(options))
    address = f"127.0.0.1:{ports.grpc}"
    data = policy("127.0.0.1:1", rules=[{"name": "all", "effect": "allow"}, *rules], **sections)
    data["agents"] += [agent(NEW_AGENT)]  # whom only the policy names that is waited for
    data["upstreams"] += [{"name": "intake", "address": address}]
    data["routes"] += [{"name": "intake", "methods": ROUTED, "arms": [{"name": "intake", "upstream": "intake"}]}]
    await world.publish(data)
    channel = await world.stack.enter_async_context(grpc.aio.insecure_channel(address))
    own: Any = ProfileServiceStub(channel)

    async def knows() -> bool | None:
        request = profile_service_pb2.GetProfileRequest(customer=ADA)
        ended = await told(own.GetProfile(request, metadata=(("pilote-agent", NEW_AGENT),)))
        return ended.code in _ANSWERS or None

    await eventually(knows, what="the policy at the intake")
    return address
