"""Webhooks are seen over HTTP by who may see their tenant, and sent again once, by who may; it is noted."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from gateway.adapters.webhooks import Endpoint, Webhooks
from pilote.audit.v1.personal_pb2 import ListNotesRequest
from services.control.access.rights import Role
from services.control.webhooks import LATE_MS
from tests.e2e.steering import Steering, steering
from tests.e2e.world import Auditor, World

SRE: Mapping[str, Sequence[Role]] = {"*": [Role.SRE]}
ACME: Mapping[str, Sequence[Role]] = {"acme": [Role.SRE]}
GLOBEX: Mapping[str, Sequence[Role]] = {"globex": [Role.SRE]}
MODERATOR: Mapping[str, Sequence[Role]] = {"acme": [Role.MODERATOR]}


@pytest.fixture
async def people(world: World, auditor: Auditor) -> AsyncIterator[Steering]:
    async with steering(world, audit=auditor.address) as found:
        yield found


async def dead(world: World, *events: str) -> Webhooks:
    """An endpoint of acme, of which these events did not arrive, and one of all tenants."""
    store, now_ms = Webhooks(world.redis), world.clock()
    for name, tenant in (("e1", "acme"), ("e2", "")):
        url = "https://hooks.example.com:8443/secret?token=x"
        made = Endpoint(id=name, url=url, tenant=tenant, events=(), secret=b"sealed", created_ms=now_ms)
        await store.keep(made)
        for event in events if tenant else ():
            time = "2026-01-31T08:00:00.000Z"
            await store.enqueue(event, [made], kind="stop.set", body=b"{}", time=time, now_ms=now_ms)
            (taken,) = await store.claim(name, now_ms=now_ms, count=1)
            tried = msgspec.structs.replace(taken, attempts=12, status="503")
            await store.failed(tried, now_ms=now_ms)
            await store.bury(tried, now_ms=now_ms)
    return store


async def listed(people: Steering, path: str, **who: Any) -> list[Any]:
    status, answer = await people.ask("GET", path, **who)
    assert status == 200, answer
    (found,) = (each for each in answer.values() if isinstance(each, list))
    return list(found)


async def test_endpoints_are_seen_by_who_may_see_their_tenant_and_nothing_of_their_secrets(
    people: Steering, world: World
) -> None:
    await dead(world, "a")
    assert [each["name"] for each in await listed(people, "/v1/webhooks", roles=SRE)] == ["webhooks/e1", "webhooks/e2"]
    (own,) = await listed(people, "/v1/webhooks", roles=ACME)
    assert (own["host"], own["state"], own["dead"], own["waiting"]) == (
        "https://hooks.example.com:8443",
        "failing",
        1,
        0,
    )
    assert (own["lastFailure"], own["failures"], own["lastDeliveryTime"]) == ("503", 1, None)
    assert not {"secret", "url"} & set(own)
    assert await listed(people, "/v1/webhooks", roles=GLOBEX) == []
    assert (await people.ask("GET", "/v1/webhooks?tenant=acme", roles=GLOBEX))[0] == 403
    for path in ("/v1/webhooks/e1", "/v1/webhooks/e1/deliveries", "/v1/webhooks/none"):
        assert (await people.ask("GET", path, roles=GLOBEX))[0] == 404
    assert (await people.ask("GET", "/v1/webhooks/e2", roles=ACME))[0] == 404
    assert (await people.ask("GET", "/v1/webhooks/e1/deliveries?state=odd", roles=ACME))[0] == 400


async def test_one_is_sent_again_or_all_and_the_log_has_who_did(
    people: Steering, world: World, auditor: Auditor
) -> None:
    store = await dead(world, "a", "b", "c")
    found = await listed(people, "/v1/webhooks/e1/deliveries?pageSize=2", roles=ACME)
    assert [(each["lastFailure"], each["attempts"], each["dead"]) for each in found] == [("503", 12, True)] * 2
    path, key = "/v1/webhooks/e1:replay", "replay-1"
    for _ in range(2):
        status, answer = await people.ask("POST", path, {"delivery": "a"}, roles=ACME, idempotency_key=key)
        assert (status, answer) == (200, {"replayed": 1})
    notes = await auditor.stub.ListNotes(ListNotesRequest(kind="change", resource="webhooks/e1", page_size=9))
    assert {(each.change.operation, each.person) for each in notes.notes} == {("replay", "zoe")}
    assert await people.ask("POST", path, roles=SRE) == (200, {"replayed": 2})
    assert await listed(people, "/v1/webhooks/e1/deliveries", roles=ACME) == []
    assert len(await listed(people, "/v1/webhooks/e1/deliveries?state=waiting", roles=ACME)) == 3
    assert (await store.standing("e1", now_ms=world.clock())).waiting == 3


async def test_who_may_not_sends_nothing_again(people: Steering, world: World) -> None:
    store = await dead(world, "a")
    status, answer = await people.ask("POST", "/v1/webhooks/e1:replay", roles=MODERATOR)
    assert (status, answer["right"]) == (403, "webhooks.replay")
    both = {"*": [Role.MODERATOR], "acme": [Role.SRE]}
    assert (await people.ask("POST", "/v1/webhooks/e2:replay", roles=both))[0] == 403
    assert (await people.ask("POST", "/v1/webhooks/e1:replay", roles=GLOBEX))[0] == 404
    assert (await people.ask("POST", "/v1/webhooks/e1:replay", {"delivery": "x"}, roles=ACME))[0] == 404
    assert (await people.ask("POST", "/v1/webhooks/e1:replay", {"all": True}, roles=ACME))[0] == 400
    assert (await store.standing("e1", now_ms=world.clock())).dead == 1


async def test_what_nobody_sends_is_late_and_what_was_left_out_is_told(people: Steering, world: World) -> None:
    store = await dead(world)
    (one, _), long_ago = await store.endpoints(), world.clock() - LATE_MS - 1_000
    queued: dict[str, Any] = {"kind": "stop.set", "body": b"{}", "time": "2026-01-31T08:00:00.000Z"}
    assert await store.enqueue("a", [one], now_ms=long_ago, **queued) == (1, 0)
    assert await Webhooks(world.redis, most=1).enqueue("b", [one], now_ms=long_ago, **queued) == (0, 1)
    _, found = await people.ask("GET", "/v1/webhooks/e1", roles=ACME)
    assert (found["state"], found["waiting"], found["leftOut"]) == ("late", 1, 1)
    assert found["leftOutFromTime"].startswith("2026-01-31T08:00:00")
