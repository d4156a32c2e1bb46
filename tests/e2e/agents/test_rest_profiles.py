"""Profiles, consents and audiences for agents without gRPC: paths and tools come from the contracts alone."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.agents.conftest import fronting
from tests.e2e.intakes import route_to_intake
from tests.e2e.mcp_clients import client, text_of, tools_of
from tests.e2e.policy import key_of
from tests.e2e.requests import ADA
from tests.e2e.world import World

SALES = {"x-api-key": key_of("sales-bot")}
PROFILE = f"/v1/{ADA}/profile"


@pytest.fixture
async def front(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A front before a gateway before a real intake."""
    await route_to_intake(world)
    async with fronting(world) as found:
        yield found


async def test_profiles_are_changed_and_consents_told_by_rest(front: httpx.AsyncClient) -> None:
    body = {"traits": {"plan": "pro", "loyalty_tier": "gold"}, "timeZone": "Europe/Paris"}
    made = await front.patch(PROFILE, json=body, headers=SALES)
    assert made.status_code == 200, made.text
    assert made.json()["profile"]["traits"] == {"plan": "pro", "loyalty_tier": "gold"}
    masked = await front.patch(
        PROFILE, params={"updateMask": "traits.plan"}, json={"traits": {"plan": "free"}}, headers=SALES
    )
    assert masked.json()["profile"]["traits"] == {"plan": "free", "loyalty_tier": "gold"}
    wrong = await front.patch(PROFILE, params={"updateMask": "consents"}, json={}, headers=SALES)
    assert (wrong.status_code, "SetConsents" in wrong.text) == (400, True)
    consent = {
        "purpose": "news",
        "channel": "email",
        "status": "CONSENT_STATUS_GRANTED",
        "legalBasis": "LEGAL_BASIS_CONSENT",
    }
    told = await front.post(f"{PROFILE}:setConsents", json={"consents": [consent]}, headers=SALES)
    assert told.status_code == 200, told.text
    (found,) = (await front.get(PROFILE, headers=SALES)).json()["profile"]["consents"]
    assert {name: found[name] for name in consent} == consent


async def test_profiles_are_changed_by_a_tool_of_mcp(front: httpx.AsyncClient) -> None:
    async with client(front.base_url.port or 0) as sales:
        tools = await tools_of(sales)
        assert {"profiles_get", "profiles_update", "profile_set_consents"} <= set(tools)
        arguments = {"profile": {"customer": ADA, "traits": {"plan": "pro"}}, "update_mask": "traits.plan"}
        changed = await sales.call_tool("profiles_update", arguments)
        assert not changed.is_error, text_of(changed)
        refused = await sales.call_tool("profiles_update", arguments | {"update_mask": "scores"})
        assert refused.is_error
        assert "scores" in text_of(refused)


async def test_members_are_listed_by_rest_and_by_a_tool(front: httpx.AsyncClient) -> None:
    made = await front.post("/v1/audiences", params={"audienceId": "vip"}, json={"displayName": "VIP"}, headers=SALES)
    assert made.status_code == 200, made.text
    added = await front.post("/v1/audiences/vip:addMembers", json={"customers": [ADA]}, headers=SALES)
    assert added.json()["addedCount"] == 1
    got = (await front.get("/v1/audiences/vip/members", params={"pageSize": 5}, headers=SALES)).json()
    assert [each["customer"] for each in got["members"]] == [ADA]
    async with client(front.base_url.port or 0) as sales:
        listed = await sales.call_tool("audience_list_members", {"audience": "audiences/vip"})
        assert not listed.is_error, text_of(listed)
        assert ADA in text_of(listed)
