"""Programs read how customers are solicited, of the tenants that are theirs."""

import pytest

from services.control.access.rights import Role
from services.findings.pressure import PressureStore
from tests.e2e.policy import allow_all, policy
from tests.e2e.steering import steering
from tests.e2e.world import Auditor, World
from tests.fakes.upstream import FakeUpstream
from tests.services.findings.test_pressure import pressure

pytestmark = pytest.mark.one_store


async def test_each_sees_the_numbers_of_their_tenants_only(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    async with steering(world, audit=auditor.address) as people:
        mine = {"acme": [Role.MODERATOR]}
        assert (await people.ask("GET", "/v1/pressures", roles=mine))[1] == {"pressures": [], "nextPageToken": ""}
        for tenant in ("acme", "globex"):
            await PressureStore(world.redis).keep(pressure(tenant))
        status, told = await people.ask("GET", "/v1/pressures", roles=mine)
        (found,) = told["pressures"]
        assert (status, found["name"], found["endTime"]) == (200, "pressures/acme", "1971-12-30T00:00:00Z")
        (channel,) = found["channels"]
        assert (channel["channel"], channel["p50"]["low"], channel["p99"]["high"]) == ("email", 1, None)
        assert channel["costs"][0]["groups"][1]["per1000People"] is None
        refused, _ = await people.ask("GET", "/v1/pressures?tenant=globex", roles=mine)
        assert refused == 403
