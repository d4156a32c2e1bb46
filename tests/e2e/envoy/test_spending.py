"""What a vendor's headers tell of costs and quotas, heard through Envoy's access log."""

from aiohttp import web

from tests.e2e.envoy.front import CONTACT, Front, with_api
from tests.e2e.policy import Data
from tests.e2e.waiting import eventually
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream
from tests.fakes.vendor import Behaviour


def telling(headers: dict[str, str], *, status: int = 200) -> Behaviour:
    async def behave(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return behave


def limit(**more: object) -> Data:
    return {"name": "vendor", "methods": ["rest/vendor/*"], "by": ["tenant"], "max": 1000, "window": "1d"} | more


COST = 'int(trailers["x-cost"])'
CASES = [
    (COST, "1234", 200, 1234),
    (COST, "much", 200, 40),
    (COST, "", 200, 40),
    (f"int(response.cost) + {COST}", "7", 200, 40),  # of what Envoy does not tell
    (f"size(request.path.id) + {COST}", "7", 200, 40),
    (COST, "1234", 503, 0),
    (COST, "1234", 500, 40),
]
"""The actual cost, what the vendor tells, with which status, and what that comes to."""


async def test_a_budget_settles_with_what_the_vendor_tells_or_else_with_the_estimate(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    for place, (actual, told, status, cost) in enumerate(CASES):
        budget = limit(name=f"case-{place}", cost={"unit": "EUR/1000000", "estimate": "40", "actual": actual})
        await http_world.publish(with_api(upstream.address, limits=[budget]))
        through.vendor.behave = telling({"X-Cost": told} if told else {}, status=status)
        assert (await through.send()).status == status

        async def spent(key: str = f"*:bucket:budget:case-{place}:*", wanted: int = cost) -> bool | None:
            found = [each async for each in http_world.redis.scan_iter(key)]
            values = [int(value) for each in found for value in await http_world.redis.hvals(each)]
            return sum(values) == wanted or None

        await http_world.settled(place + 1)
        await eventually(spent, what=f"a cost of {cost}")


async def test_a_quota_of_which_the_vendor_tells_is_kept_to(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    quota = {"remaining": {"header": "x-ratelimit-remaining"}, "max": {"header": "x-ratelimit-limit"}}
    await http_world.publish(with_api(upstream.address, limits=[limit(quota=quota)]))
    through.vendor.behave = telling({"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0"})
    assert (await through.ask("GET", CONTACT)).status == 200
    await http_world.settled(1)
    reply = await through.ask("GET", CONTACT)
    assert (reply.status, reply.reason) == (429, "LIMIT_EXCEEDED")
    assert reply.headers["ratelimit"].startswith('"vendor";r=')
