"""Programs read what copilots are judged by, of the tenants that are theirs, and are told what they ask wrongly."""

import datetime as dt

import pytest

from gateway.clock import clock_ms
from services.control.access.rights import Role
from tests.e2e.policy import allow_all, policy
from tests.e2e.steering import steering
from tests.e2e.world import Auditor, World
from tests.fakes.upstream import FakeUpstream
from tests.services.cockpit.kept import keep

pytestmark = pytest.mark.one_store
MINE = {"acme": [Role.COPILOT]}


async def test_each_sees_the_numbers_of_their_tenants_only(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    yesterday = clock_ms() // 86_400_000 - 1
    async with steering(world, audit=auditor.address) as people:
        assert (await people.ask("GET", "/v1/kpis", roles=MINE))[1] == {"kpis": [], "nextPageToken": ""}
        for tenant in ("acme", "globex"):
            await keep(world.redis, tenant, last_day=yesterday)
        status, told = await people.ask("GET", "/v1/kpis?by=channel", roles=MINE)
        (found,) = told["kpis"]
        day = (dt.date(1970, 1, 1) + dt.timedelta(days=yesterday)).isoformat()
        assert (status, found["name"], found["lastDay"], found["currency"]) == (200, "kpis/acme", day, "EUR")
        revenue = found["whole"]["numbers"]["revenue_cents"]
        assert (revenue["value"], revenue["sufficient"], revenue["unit"]) == (28 * 20 * 2_000, True, "money")
        assert revenue["low"] < revenue["value"] < revenue["high"]
        assert revenue["revised"]["by"] == 20_000
        one, few = found["parts"]
        assert (one["key"], few["numbers"]["nps"]["sufficient"]) == ("channel-one", True)
        rate = few["numbers"]["activation_rate"]
        assert (rate["value"], rate["n"], rate["sufficient"]) == (None, 0, False)
        assert 'channel = "channel-one"' in one["numbers"]["nps"]["filter"]
        assert found["apart"] == [{"currency": "XTS", "outcomes": 28, "cents": 28 * 500}]
        refused, _ = await people.ask("GET", "/v1/kpis?tenant=globex", roles=MINE)
        assert refused == 403


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "to=2026-13-01", "from=2026-02-01&to=2026-01-01", "from=2026-01-01&to=2026-12-31", "by=mood",
     "from=20260101", "to=9999-12-31"],
)  # fmt: skip
async def test_a_wrong_question_is_told_as_such(
    world: World, upstream: FakeUpstream, auditor: Auditor, query: str
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    async with steering(world, audit=auditor.address) as people:
        status, told = await people.ask("GET", f"/v1/kpis?{query}", roles=MINE)
        assert status == 400
        assert told["detail"]
