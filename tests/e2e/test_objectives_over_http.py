"""Programs read what agents are to achieve and how it stands, of the tenants that are theirs."""

import pytest

from gateway.adapters.progress import ObjectiveStore
from services.cockpit.alerting import WatchStore
from services.cockpit.watched import Watch, Watched
from services.control.access.rights import Role
from services.insights.pace.standing import Stands
from tests.e2e.policy import policy
from tests.e2e.steering import steering
from tests.e2e.test_objectives import GUARDED, HALF, objective
from tests.e2e.world import Auditor, World
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.one_store


async def test_each_sees_the_objectives_of_their_tenants_only(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    stated = [objective("spring", **GUARDED), objective("theirs", tenant="globex")]
    await world.publish(policy(upstream.address, objectives=stated))
    await ObjectiveStore(world.redis).put("acme", {"spring": HALF})
    risk = Watched(part="target", measure="conversion_rate", stands=Stands.AT_RISK, limit=0.05, since_ms=5)
    await WatchStore(world.redis).put("acme", {"spring": Watch(at_ms=5, watched=(risk,))})
    async with steering(world, audit=auditor.address) as people:
        mine = {"acme": [Role.COPILOT]}
        status, told = await people.ask("GET", "/v1/objectives", roles=mine)
        (found,) = told["objectives"]
        assert (status, found["name"], found["campaign"], found["state"]) == (
            200, "objectives/spring", "ete-2026", "RUNNING",
        )  # fmt: skip
        assert (found["shareOfTarget"], found["low"], found["sampleSize"], found["contacts"]) == (0.5, 0.02, 4000, 18)
        assert [(each["measure"], each["breached"]) for each in found["guardrails"]] == [("opt_out_rate", True)]
        (watched,) = found["watched"]
        assert (found["atRisk"], watched["stands"], watched["limit"]) == (True, "AT_RISK", 0.05)
        assert watched["finding"].startswith("findings/acme/")
        assert found["agents"] == ["sales-bot", "marketing-bot", "research-bot"]
        assert (await people.ask("GET", "/v1/objectives/spring", roles=mine))[0] == 200
        assert (await people.ask("GET", "/v1/objectives/theirs", roles=mine))[0] == 404
        assert (await people.ask("GET", "/v1/objectives?tenant=globex", roles=mine))[0] == 403
