"""A change that is sent again under its idempotency key is made once, and told as at first."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.adapters.stops import StopStore
from services.control.access.rights import Role
from tests.e2e.steering import EVERYWHERE, Steering, steering
from tests.e2e.world import Auditor, World

OFFICER = {"*": [Role.OFFICER]}


@pytest.fixture
async def people(world: World, auditor: Auditor) -> AsyncIterator[Steering]:
    async with steering(world, audit=auditor.address) as found:
        yield found


def stop(what: str = "agent=sales-bot", reason: str = "it drifts") -> dict[str, str]:
    return {"tenant": "acme", "what": what, "reason": reason}


async def test_a_repeat_gets_the_first_answer_and_changes_nothing(people: Steering, world: World) -> None:
    first = await people.ask("POST", "/v1/stops", stop(), idempotency_key="k-1")
    await people.ask("POST", "/v1/stops:resume", stop(reason="mended"))
    again = await people.ask("POST", "/v1/stops", stop(), idempotency_key="k-1")
    assert (first, first[0]) == (again, 201)
    assert await StopStore(world.redis).list("acme") == ()
    assert (await people.ask("POST", "/v1/stops", stop(), idempotency_key="k-2"))[0] == 201


async def test_of_a_hundred_at_once_one_makes_the_change(people: Steering) -> None:
    told = await asyncio.gather(*(people.ask("POST", "/v1/stops", stop(), idempotency_key="k-1") for _ in range(100)))
    made = [answer for status, answer in told if status == 201]
    assert {status for status, _ in told} <= {201, 409}
    assert len({answer["stops"][0]["createTime"] for answer in made}) == 1
    assert {answer["reason"] for status, answer in told if status == 409} <= {"IDEMPOTENCY_KEY_RUNNING"}


async def test_a_key_is_for_one_change_of_one_person(people: Steering) -> None:
    await people.ask("POST", "/v1/stops", stop(), idempotency_key="k-1")
    for method, target, body in (
        ("POST", "/v1/stops", stop(reason="another")),
        ("POST", "/v1/stops", stop("channel=email")),
        ("POST", "/v1/stops:resume", stop()),
    ):
        status, refused = await people.ask(method, target, body, idempotency_key="k-1", accept_language="fr")
        assert (status, refused["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert "clé d’idempotence" in refused["detail"]
    assert (await people.ask("POST", "/v1/stops", stop("channel=email"), who="bob", idempotency_key="k-1"))[0] == 201


async def test_of_what_failed_nothing_is_kept(people: Steering) -> None:
    assert (await people.ask("POST", "/v1/stops:resume", stop(), idempotency_key="k-1"))[0] == 404
    await people.ask("POST", "/v1/stops", stop())
    assert (await people.ask("POST", "/v1/stops:resume", stop(), idempotency_key="k-1"))[0] == 200
    assert (await people.ask("POST", "/v1/stops:resume", stop(), idempotency_key="k-1"))[0] == 200


async def test_a_secret_is_told_once_and_kept_nowhere(people: Steering, world: World) -> None:
    status, made = await people.ask("POST", "/v1/agents/sales-bot:newKey", roles=OFFICER, idempotency_key="k-1")
    assert status == 200
    status, refused = await people.ask("POST", "/v1/agents/sales-bot:newKey", roles=OFFICER, idempotency_key="k-1")
    assert (status, refused["reason"]) == (409, "ALREADY_EXISTS")
    names = [name async for name in world.redis.scan_iter("pilote:control:*once:*")]
    assert len(names) == 1
    assert made["key"].encode() not in (await world.redis.get(names[0]) or b"")


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "\t"])
async def test_what_is_no_key_is_refused(people: Steering, key: str) -> None:
    status, refused = await people.ask("POST", "/v1/stops", stop(), idempotency_key=key)
    assert (status, refused["mistakes"][0]["path"]) == (400, "idempotency-key")


async def test_who_may_not_gets_no_answer_that_another_got(people: Steering) -> None:
    await people.ask("POST", "/v1/stops", stop(), roles=EVERYWHERE, idempotency_key="k-1")
    roles = {"acme": [Role.COPILOT]}
    assert (await people.ask("POST", "/v1/stops", stop(), roles=roles, idempotency_key="k-1"))[0] == 403
