"""People have real calls decided upon once more, and read what they were decided by, over REST and on pages."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from gateway.adapters.facts import put
from gateway.core.call import Facts
from services.control.access.asking import header, to_sign
from tests.e2e.office import Office, opened
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import get, send
from tests.e2e.test_reading_values import DPO
from tests.e2e.test_values import REF, VIP
from tests.e2e.world import RECORD_KEY, REPLAY_KEY, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE, signer

SALES = credential("sales-bot")
VALUE = "Sale-4712 now"
"""What the policy does not say, but the request."""


@dataclass
class Desk:
    """A control plane beside a gateway that has refused a call and let one through."""

    office: Office
    refused: str
    allowed: str

    async def page(self, name: str, path: str, form: dict[str, str] | None = None, lang: str = "en") -> tuple[int, str]:
        """Status and text of a page that somebody opens, or of the form that they send from it."""
        method, sent = ("GET", b"") if form is None else ("POST", urlencode(form).encode())
        created = time.time_ns() // 1_000_000
        signature = signer(name).sign(to_sign(method, path, sent, created_ms=created))
        headers = {
            "authorization": header(name, signature, created_ms=created),
            "accept": "text/html",
            "accept-language": lang,
            "content-type": "application/x-www-form-urlencoded",
        }
        url = f"{self.office.url}{path}"
        done = await asyncio.to_thread(requests.request, method, url, data=sent, headers=headers, timeout=10)
        return done.status_code, done.text


@pytest.fixture
async def desk(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Desk]:
    world = empty_world
    people = [*(each for each in PEOPLE if each["name"] != "dan"), DPO]
    data = policy(upstream.address, people=people, rules=[allow_all(), VIP], replay={"share": 10_000})
    keys: dict[str, Any] = {"replay_keys": (REPLAY_KEY,), "record_keys": (RECORD_KEY,)}
    async with (
        auditing(world.redis_url, tmp_path / "audit") as auditor,
        opened(world, data, audit=auditor.address, **keys) as office,
    ):
        await put(world.redis, "acme", subject_ref=REF, facts=Facts(traits={"tier": "gold-4711"}))
        await world.gateway()
        await world.wait_for(1)
        agent = world.agent()
        refused = await told(agent.messages.SendMessage(send(subject_line=VALUE), metadata=SALES))
        allowed = await told(agent.contacts.GetContact(get(), metadata=SALES))
        for each in (refused, allowed):
            await auditor.decision(each.decision)
        yield Desk(office, refused.decision, allowed.decision)


async def test_calls_come_to_the_same_when_they_are_decided_upon_once_more(desk: Desk) -> None:
    for decision in (desk.refused, desk.allowed):
        status, answer = await desk.office["ada"].ask("POST", f"/v1/decisions/{decision}:replay")
        assert (status, answer["result"], answer["differences"]) == (200, "SAME", [])
        assert answer["decision"] == f"decisions/{decision}"
        assert VALUE not in str(answer)
    status, answer = await desk.office["ada"].ask("POST", f"/v1/decisions/{desk.refused}:replay", lang="fr")
    assert "refus" in " ".join(answer["sentences"])


async def test_what_there_is_not_cannot_be_replayed(desk: Desk) -> None:
    status, answer = await desk.office["ada"].ask("POST", f"/v1/decisions/{'0' * 32}:replay")
    assert (status, answer["reason"]) == (404, "NOT_FOUND")
    status, answer = await desk.office["ada"].ask("POST", "/v1/decisions/xyz:replay")
    assert (status, answer["reason"]) == (400, "ARGUMENT_INVALID")


async def test_the_page_of_a_decision_replays_it(desk: Desk) -> None:
    status, text = await desk.page("ada", f"/decisions/{desk.refused}/replay", {})
    assert status == 200
    assert "It comes to the same" in text
    status, text = await desk.page("ada", f"/decisions/{desk.refused}", lang="fr")
    assert "SendMessage a été refusé à sales-bot" in text
    assert "La condition" in text or "conditions" in text


async def test_the_page_of_a_decision_shows_values_to_who_may_read_them_and_says_why(desk: Desk) -> None:
    path = f"/decisions/{desk.refused}"
    status, text = await desk.page("dan", path)
    assert (status, "Why you read them" in text, VALUE in text) == (200, True, False)
    status, text = await desk.page("dan", f"{path}/values", {"reason": "complaint 17"})
    assert status == 200
    assert VALUE in text
    assert "facts.traits[&#34;tier&#34;]" in text
    _, notes = await desk.office["dan"].ask("GET", "/v1/notes?kind=access")
    (note,) = notes["notes"]
    assert (note["person"], note["reason"], note["decision"]) == ("dan", "complaint 17", f"decisions/{desk.refused}")


async def test_who_may_not_read_values_is_told_so_and_reads_none(desk: Desk) -> None:
    path = f"/decisions/{desk.refused}"
    _, text = await desk.page("ada", path)
    assert "Reading them needs the right values.read." in text
    status, text = await desk.page("ada", f"{path}/values", {"reason": "curious"})
    assert (status, VALUE in text) == (403, False)
    _, notes = await desk.office["ada"].ask("GET", "/v1/notes?kind=access")
    assert notes.get("notes", []) == []


async def test_without_a_reason_nothing_is_read(desk: Desk) -> None:
    status, text = await desk.page("dan", f"/decisions/{desk.refused}/values", {"reason": " "})
    assert (status, VALUE in text) == (400, False)
