"""Columns that somebody chooses over HTTP are theirs alone, and must be columns."""

from collections.abc import AsyncIterator

import pytest

from gateway.redis_clients import Client
from services.control.access.rights import Role
from tests.e2e.insiders import Inside, inside

USUAL = ["receive_time", "verdict", "agent", "method", "reason", "rule", "latency"]
PATH = "/v1/session/columns"


@pytest.fixture
async def house(redis: Client, redis_url: str) -> AsyncIterator[Inside]:
    async with inside(redis, redis_url) as house:
        yield house


async def test_columns_are_kept_for_whoever_chose_them_alone(house: Inside) -> None:
    ada, ben = await house.somebody("ada", Role.COPILOT), await house.somebody("ben", Role.COPILOT)
    assert (await ada.ask("GET", PATH)).json() == {"columns": USUAL}
    chosen = await ada.ask("PUT", PATH, {"columns": ["agent", "verdict", "agent"]})
    assert (chosen.status_code, chosen.json()) == (200, {"columns": ["agent", "verdict"]})
    assert (await ada.ask("GET", PATH)).json() == {"columns": ["agent", "verdict"]}
    assert (await ben.ask("GET", PATH)).json() == {"columns": USUAL}
    assert (await ada.ask("PUT", PATH, {"columns": []})).json() == {"columns": USUAL}


async def test_a_column_that_there_is_not_is_named_with_those_that_there_are(house: Inside) -> None:
    ada = await house.somebody("ada", Role.COPILOT)
    refused = await ada.ask("PUT", PATH, {"columns": ["agent", "shoe_size"]})
    problem = refused.json()
    assert (refused.status_code, problem["reason"]) == (400, "ARGUMENT_INVALID")
    assert "no column shoe_size" in problem["detail"]
    assert "latency" in problem["detail"]
    assert (await ada.ask("GET", PATH)).json() == {"columns": USUAL}
