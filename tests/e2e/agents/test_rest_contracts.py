"""Contracts that come with a revision while the front runs."""

import httpx

from tests.e2e.policy import key_of, policy
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream
from tests.gateway.test_contracts import vendor_set

SALES = {"x-api-key": key_of("sales-bot")}
DO = "/vendor.Service/Do"


async def test_a_contract_that_a_new_revision_brings_is_answered_at_once(
    front: httpx.AsyncClient, world: World, upstream: FakeUpstream
) -> None:
    upstream.behave = lambda asked, _context: _same(asked.messages[-1])
    assert (await front.post(DO, json={"text": "a"}, headers=SALES)).status_code == 404
    binding = {"method": DO, "operation": "WRITE"}
    routes = [{"name": "all", "methods": ["*"], "arms": [{"name": "crm", "upstream": "crm"}]}]
    contracts = [{"name": "vendor", "descriptor_set": vendor_set(), "methods": [binding]}]

    await world.publish(policy(upstream.address, routes=routes, contracts=contracts))
    await front.get("/v1/contacts/ada", headers=SALES)  # its answer says which revision it was decided by
    got = await front.post(DO, json={"text": "a", "texts": {"b": "c"}}, headers=SALES)
    while got.status_code == 404:  # it asks the gateway again once a second at most
        got = await front.post(DO, json={"text": "a", "texts": {"b": "c"}}, headers=SALES)

    assert (got.status_code, got.json()) == (200, {"text": "a", "texts": {"b": "c"}})
    assert DO in (await front.get("/openapi.json")).json()["paths"]


async def _same(message: bytes) -> bytes:
    return message
