"""People see what happens now: calls of a real gateway, and what is not known without its taking the rest along."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from gateway.adapters.stops import StopStore
from gateway.core.stops import Stop
from services.control.live.scope import Scope
from tests.e2e.holding import HOLD_CONTACTS
from tests.e2e.office import Office, opened
from tests.e2e.policy import policy
from tests.e2e.requests import get, send
from tests.e2e.test_decisions_over_http import _stream
from tests.e2e.waiting import eventually
from tests.e2e.world import World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE

LIMIT: Final = {
    "name": "hourly",
    "methods": ["/pilote.crm.v1.ContactService/*"],
    "by": ["agent"],
    "max": 5,
    "window": "1h",
}
DENY: Final = {"name": "no-sms", "effect": "deny", "when": 'call.channel == "sms"'}
HELD: Final = HOLD_CONTACTS | {"when": 'agent.name == "marketing-bot" && call.channel == "email"'}
SALES: Final = credential("sales-bot")


def document(upstream: FakeUpstream) -> dict[str, Any]:
    rules = [{"name": "allow-all", "effect": "allow"}, DENY, HELD]
    objectives = {"availability": 99.9}
    replay = {"share": 10_000}  # so that every decision can be decided once more
    found = policy(upstream.address, people=PEOPLE, limits=[LIMIT], rules=rules, replay=replay)
    found["routes"][0]["objectives"] = objectives
    return found


@pytest.fixture
async def office(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Office]:
    """A gateway, its audit service and a control plane; nobody has called yet."""
    async with (
        auditing(empty_world.redis_url, tmp_path / "audit") as auditor,
        opened(empty_world, document(upstream), audit=auditor.address) as office,
    ):
        await empty_world.gateway()
        await empty_world.wait_for(1)
        yield office


async def shown(office: Office, *, calls: int, target: str = "/v1/now") -> Any:
    """What happens now, once so many calls are shown."""

    async def look() -> Any:
        status, answer = await office["ada"].ask("GET", target)
        assert (status, answer["unknown"]) == (200, [])
        return answer if answer["traffic"]["calls"] >= calls else None

    return await eventually(look, what=f"{calls} calls")


async def test_before_the_first_call_nothing_is_counted_and_everything_is_known(office: Office) -> None:
    found = await shown(office, calls=0)
    assert (found["traffic"]["everCalled"], found["traffic"]["callsPerSecond"]) == (False, 0)
    assert (found["holds"], found["stops"]) == ({"waiting": 0, "oldestTime": None}, [])
    assert (found["tenants"], found["workers"]["activeRevision"]) == (None, 1)
    assert [(each["route"], each["state"]) for each in found["objectives"]] == [("crm", "NO_TRAFFIC")]


async def test_calls_are_shown_with_who_made_them_and_what_stands_in_their_way(
    office: Office, empty_world: World
) -> None:
    stubs = empty_world.agent()
    for _ in range(6):
        await told(stubs.contacts.GetContact(get(), metadata=SALES))
    await told(stubs.messages.SendMessage(send(channel="sms"), metadata=SALES))
    held = await told(stubs.messages.SendMessage(send(), metadata=credential("marketing-bot")))
    await StopStore(empty_world.redis).stop("acme", Stop(what="channel=push", reason="it drifts", since_ms=1, by="bob"))
    found = await shown(office, calls=8)
    traffic = found["traffic"]

    assert held.reason == "APPROVAL_REQUIRED"
    assert {each["verdict"]: each["calls"] for each in traffic["verdicts"]} == {
        "ALLOW": 5,
        "DENY": 2,
        "HOLD": 1,
        "DEFER": 0,
    }
    assert sum(traffic["seconds"]["allow"]) == 5
    assert {each["reason"]: each["calls"] for each in traffic["reasons"]} == {
        "LIMIT_EXCEEDED": 1,
        "POLICY_DENIED": 1,
        "APPROVAL_REQUIRED": 1,
    }
    assert [(each["agent"], each["calls"], each["refused"]) for each in traffic["agents"]] == [
        ("sales-bot", 7, 2),
        ("marketing-bot", 1, 1),
    ]
    assert [(each["version"], each["route"], each["share"]) for each in traffic["versions"]] == [("3.1", "crm", 1.0)]
    (near,) = traffic["nearLimits"]
    assert (near["limit"], near["by"], near["used"], near["capacity"]) == ("hourly", "agent=sales-bot", 5, 5)
    assert (near["room"], near["kind"], near["roomTime"] > near["seenTime"]) == ("AT", "window", True)
    assert found["holds"]["waiting"] == 1
    assert [(each["what"], each["reason"], each["by"]) for each in found["stops"]] == [
        ("channel=push", "it drifts", "bob")
    ]
    assert found["workers"]["revisions"] == [{"revision": 1, "workers": 2}]
    assert (found["workers"]["refusing"], found["workers"]["spooled"]) == ([], 0)
    assert found["stream"]["quarantined"] == 0


async def test_what_happens_now_is_followed_in_the_words_of_what_is_asked_once(
    office: Office, empty_world: World
) -> None:
    await told(empty_world.agent().contacts.GetContact(get(), metadata=SALES))
    once = await shown(office, calls=1)
    stream = await asyncio.to_thread(_stream, office, "/v1/now:follow")
    first, second = await asyncio.to_thread(lambda: _events(stream, 2))
    stream.close()

    assert first.keys() == once.keys()
    assert first["traffic"]["calls"] == 1
    assert second["time"] > first["time"]


async def test_a_stream_does_not_keep_the_control_plane_from_stopping(
    empty_world: World, upstream: FakeUpstream
) -> None:
    async with opened(empty_world, policy(upstream.address, people=PEOPLE)) as office:
        stream = await asyncio.to_thread(_stream, office, "/v1/now:follow")
        await asyncio.to_thread(lambda: _events(stream, 1))
        asked = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - asked < 20


async def test_without_the_audit_service_the_rest_is_shown_and_what_to_do_is_said(
    empty_world: World, upstream: FakeUpstream
) -> None:
    async with opened(empty_world, policy(upstream.address, people=PEOPLE), audit="127.0.0.1:1") as office:
        status, english = await office["ada"].ask("GET", "/v1/now")
        _, french = await office["ada"].ask("GET", "/v1/now", lang="fr")

    assert status == 200
    assert (english["traffic"], english["objectives"]) == (None, None)
    assert [(each["part"], each["reason"]) for each in english["unknown"]] == [
        ("traffic", "STORE_UNAVAILABLE"),
        ("objectives", "STORE_UNAVAILABLE"),
    ]
    assert english["unknown"][0]["message"].startswith("The audit service does not answer: start it")
    assert french["unknown"][0]["message"].startswith("Le service d’audit ne répond pas")
    assert english["workers"]["activeRevision"] == 1
    assert english["holds"] == {"waiting": 0, "oldestTime": None}


async def test_one_tenant_can_be_looked_at_by_itself(office: Office, empty_world: World) -> None:
    stubs = empty_world.agent()
    await told(stubs.contacts.GetContact(get(), metadata=SALES))
    await told(stubs.contacts.GetContact(get(), metadata=credential("globex-bot")))
    await StopStore(empty_world.redis).stop("globex", Stop(what="all", reason="theirs", since_ms=1))
    await shown(office, calls=2)
    acme = await shown(office, calls=1, target="/v1/now?tenant=acme")
    globex = await shown(office, calls=1, target="/v1/now?tenant=globex")
    nobody = await shown(office, calls=0, target="/v1/now?tenant=initech")

    assert [each["agent"] for each in acme["traffic"]["agents"]] == ["sales-bot"]
    assert [each["agent"] for each in globex["traffic"]["agents"]] == ["globex-bot"]
    assert ([len(each["stops"]) for each in (acme, globex, nobody)], nobody["traffic"]["calls"]) == ([0, 1, 0], 0)
    assert (acme["tenants"], nobody["stream"]["entries"]) == (["acme"], 0)


async def test_who_is_not_known_sees_nothing(office: Office) -> None:
    for target in ("/v1/now", "/v1/now:follow"):
        answer = await asyncio.to_thread(requests.get, f"{office.url}{target}", timeout=10)
        assert answer.status_code == 401


def test_a_scope_holds_only_tenants_that_are_known() -> None:
    assert Scope(("acme", "initech")).among(("acme", "globex")) == ("acme",)
    assert Scope(None).among(("acme", "globex")) == ("acme", "globex")


def _events(stream: requests.Response, count: int) -> list[Any]:
    found: list[Any] = []
    for line in stream.iter_lines():
        if line.startswith(b"data: "):
            found.append(json.loads(line.removeprefix(b"data: ")))
        if len(found) == count:
            break
    return found
