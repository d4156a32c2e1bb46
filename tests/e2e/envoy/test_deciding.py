"""Decision workers: what decides, inside an Envoy of its own, asked over a Unix socket as another Envoy asks."""

import stat
from pathlib import Path

from tests.e2e.envoy.deciding import worker
from tests.e2e.envoy.front import SEND_METHOD, with_api
from tests.e2e.envoy.test_asking import AS_ENVOY, ended, request
from tests.e2e.policy import cap
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream


async def test_a_worker_decides_as_a_gateway_does_and_settles_what_it_is_told(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    world = empty_world
    number = await world.publish(with_api(upstream.address, caps=[cap(1)]))
    async with worker(world, tmp_path / "worker") as running:
        assert stat.S_IMODE(running.socket.stat().st_mode) == 0o600
        await world.run_by("gateway", number)
        answer = await running.checking.Check(request(), metadata=AS_ENVOY, timeout=10)
        assert answer.HasField("ok_response")
        refused = await running.checking.Check(request(), metadata=AS_ENVOY, timeout=10)
        assert refused.denied_response.status.code == 429
        await running.logs.StreamAccessLogs(iter([ended(answer, 503)]), metadata=AS_ENVOY, timeout=10)
        kept = await world.settled(2)
        assert kept[0].record.method == SEND_METHOD
        assert await world.taken() == 0
