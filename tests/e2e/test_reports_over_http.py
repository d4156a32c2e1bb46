"""Reports over HTTP: made by jobs of what whoever asks may see, noted in the log, and given to nobody else."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import requests

from pilote.audit.v1 import personal_pb2
from services.control.access.accounts import Account, Secrets
from services.control.access.rights import Right, Role
from services.control.jobs import MOST_OF_ONE, OVER
from tests.e2e.insiders import Browser, Inside, inside
from tests.e2e.requests import ADA, send
from tests.e2e.world import Agent, Auditor, World, credential, told

pytestmark = [pytest.mark.one_store, pytest.mark.timeout(600)]  # matplotlib looks for fonts the first time
FOR_SECONDS = 300.0


@pytest.fixture
async def house(world: World, auditor: Auditor) -> AsyncIterator[Inside]:
    async with inside(world.redis, world.redis_url, audit=auditor.address) as house:
        yield house


@pytest.fixture
async def silent(world: World) -> AsyncIterator[Inside]:
    """A control plane whose audit service takes questions and never answers."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await reader.read()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, inside(world.redis, world.redis_url, audit=f"127.0.0.1:{port}") as house:
        yield house


def asked(world: World, **changes: Any) -> dict[str, Any]:
    """A report of the day around now."""
    now = dt.datetime.fromtimestamp(world.clock() // 1000, dt.UTC)
    day = {"startTime": (now - dt.timedelta(days=1)).isoformat(), "endTime": (now + dt.timedelta(hours=1)).isoformat()}
    return {"kind": "period", **day, **changes}


async def over(browser: Browser, name: str) -> Any:
    """A report once it is made, or will not be."""
    jobs = (await browser.ask("GET", "/v1/jobs")).json()["jobs"]
    (job,) = [each["name"] for each in jobs if each["about"] == name]
    await browser.ask("GET", f"/v1/{job}:follow", within=FOR_SECONDS)
    found = (await browser.ask("GET", f"/v1/{name}")).json()
    assert found["state"] in OVER
    return found


async def test_a_report_is_made_once_and_is_the_one_that_the_log_names(
    house: Inside, world: World, agent: Agent, auditor: Auditor
) -> None:
    for who in ("sales-bot", "globex-bot"):
        ended = await told(agent.messages.SendMessage(send(), metadata=credential(who)))
        await auditor.decision(ended.decision)
    zoe = await house.somebody("zoe", Role.MODERATOR, tenant="acme")
    key = {"idempotency-key": "november"}
    begun = await zoe.ask("POST", "/v1/reports", asked(world, language="fr"), headers=key)
    assert (begun.status_code, begun.headers["location"]) == (202, f"/v1/{begun.json()['name']}")
    again = await zoe.ask("POST", "/v1/reports", again_of(begun), headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    name = begun.json()["name"]
    made = await over(zoe, name)
    assert (made["state"], made["tenant"], made["title"]) == ("succeeded", "", "Ce qu’ont fait les agents d’IA")
    assert [each["name"] for each in (await zoe.ask("GET", "/v1/reports")).json()["reports"]] == [name]
    assert [each["about"] for each in (await zoe.ask("GET", "/v1/jobs")).json()["jobs"]] == [name]

    page, sheet = [await zoe.ask("GET", f"/v1/{name}/{form}") for form in ("html", "pdf")]
    assert "Appels d’agents enregistrés\u00a0: n = 1." in page.content.decode()  # and none of globex
    assert sheet.content.startswith(b"%PDF-1.7")
    assert [each.headers["content-type"] for each in (page, sheet)] == ["text/html; charset=utf-8", "application/pdf"]
    for answer, ending in ((page, "html"), (sheet, "pdf")):
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith('attachment; filename="period-20')
        assert disposition.endswith(f'.{ending}"')
        assert answer.headers["cache-control"] == "no-store"
        assert {"default-src 'none'", "sandbox"} <= set(answer.headers["content-security-policy"].split("; "))

    (note,) = (await auditor.stub.ListNotes(personal_pb2.ListNotesRequest(resource="reports/"))).notes
    assert (note.resource, note.person, note.change.known_by) == (name, "zoe", "session")
    after = json.loads(note.change.after.json)
    assert after["sha256"] == made["sha256"] == hashlib.sha256(page.content).hexdigest()
    assert after["tree_size"] == made["checkpoint"]["treeSize"]
    assert after["root_hash"] == made["checkpoint"]["rootHash"]
    assert str(made["checkpoint"]["treeSize"]) in made["checkpoint"]["note"].splitlines()

    late = await zoe.ask("POST", f"/v1/{name}:cancel")
    assert (late.status_code, late.json()["state"]) == (200, "succeeded")


def again_of(begun: requests.Response) -> Any:
    """The very body that was sent."""
    body = begun.request.body
    assert isinstance(body, bytes)
    return json.loads(body)


async def test_a_report_about_a_person_is_a_file_for_whoever_asked_once_another_has_agreed(
    house: Inside, agent: Agent, auditor: Auditor
) -> None:
    ended = await told(agent.messages.SendMessage(send(), metadata=credential("sales-bot")))
    await auditor.decision(ended.decision)
    zoe, bob = [await house.somebody(name, Role.AUDITOR) for name in ("zoe", "bob")]
    wanted = {"subject": ADA, "tenant": "acme", "reason": "her request"}
    asked = await zoe.ask("POST", "/v1/persons:report?format=pdf", wanted)
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    assert (await bob.confirm()).ok
    assert (await bob.ask("POST", f"/v1/{asked.json()['name']}:agree", {"reason": "it is hers"})).ok
    assert (
        await bob.ask("POST", "/v1/persons:report?format=pdf", wanted)
    ).status_code == 202  # his own would be another
    wrong = await zoe.ask("POST", "/v1/persons:report?format=doc", wanted)
    assert (wrong.status_code, wrong.json()["reason"]) == (400, "ARGUMENT_INVALID")
    page = await zoe.ask("POST", "/v1/persons:report?format=html", wanted, lang="fr", within=FOR_SECONDS)
    assert page.headers["content-disposition"] == 'attachment; filename="person.html"'
    assert (page.headers["content-type"], page.headers["cache-control"]) == ("text/html; charset=utf-8", "no-store")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "Ce que des agents d’IA ont fait à votre sujet" in page.content.decode()
    assert ended.decision in page.content.decode()
    sheet = await zoe.ask("POST", "/v1/persons:report?format=pdf", wanted, within=FOR_SECONDS)
    assert (sheet.headers["content-type"], sheet.content[:8]) == ("application/pdf", b"%PDF-1.7")
    notes = (await auditor.stub.ListNotes(personal_pb2.ListNotesRequest(kind="access", person="zoe"))).notes
    assert [each.reason for each in notes] == ["her request"] * 2


async def test_nobody_gets_the_report_of_another_nor_of_tenants_that_are_not_theirs(
    silent: Inside, world: World
) -> None:
    account = Account(name="zoe", grants={"*": (Role.MODERATOR,)}, created_ms=world.clock())
    await silent.access.accounts.create(account, Secrets())

    async def zoe(*tenants: str) -> dict[str, str]:
        scopes, now_ms = (Right.SEE.value,), world.clock()
        _, text = await silent.access.tokens.make(account, name="t", scopes=scopes, tenants=tenants, now_ms=now_ms)
        return {"authorization": f"Bearer {text}"}

    everywhere, acme = await zoe("*"), await zoe("acme")
    outside, bob = silent.browser(), await silent.somebody("bob", Role.MODERATOR)
    names = [
        (await outside.ask("POST", "/v1/reports", asked(world, tenant=tenant), headers=everywhere)).json()["name"]
        for tenant in ("*", "acme")
    ]
    for target in (names[0], f"{names[0]}/html", f"{names[0]}/pdf", "reports/0"):
        assert (await bob.ask("GET", f"/v1/{target}")).status_code == 404
        assert (await outside.ask("GET", f"/v1/{target}", headers=acme)).json()["reason"] == "NOT_FOUND"
    assert (await bob.ask("POST", f"/v1/{names[0]}:cancel")).status_code == 404
    listed = [(await outside.ask("GET", "/v1/reports?pageSize=1", headers=each)).json() for each in (everywhere, acme)]
    assert [[each["name"] for each in one["reports"]] for one in listed] == [[names[1]], [names[1]]]
    assert [bool(each["nextPageToken"]) for each in listed] == [True, False]
    refused = await outside.ask("POST", "/v1/reports", asked(world, tenant="globex"), headers=acme)
    assert (refused.status_code, refused.json()["reason"]) == (403, "RIGHT_MISSING")


async def test_what_is_not_made_is_said_with_what_to_do(silent: Inside, world: World) -> None:
    zoe = await silent.somebody("zoe", Role.MODERATOR)
    begun = [await zoe.ask("POST", "/v1/reports", asked(world)) for _ in range(MOST_OF_ONE + 1)]
    assert [each.status_code for each in begun] == [202] * MOST_OF_ONE + [429]
    assert len((await zoe.ask("GET", "/v1/reports")).json()["reports"]) == MOST_OF_ONE
    name = begun[0].json()["name"]
    early = await zoe.ask("GET", f"/v1/{name}/pdf", lang="fr")
    assert (early.status_code, early.json()["reason"]) == (404, "NOT_FOUND")
    assert "n’est pas établi" in early.json()["detail"]
    for each in begun[:MOST_OF_ONE]:
        assert (await zoe.ask("POST", f"/v1/{each.json()['name']}:cancel")).json()["state"] == "cancelled"


async def test_without_an_audit_service_a_report_fails_and_says_so(world: World) -> None:
    async with inside(world.redis, world.redis_url) as house:
        zoe = await house.somebody("zoe", Role.MODERATOR)
        failed = await over(zoe, (await zoe.ask("POST", "/v1/reports", asked(world))).json()["name"])
    assert (failed["state"], failed["failure"]) == ("failed", "The audit service does not answer now; retry.")


async def test_who_asks_for_no_report_is_told_what_is_wrong(silent: Inside, world: World) -> None:
    zoe = await silent.somebody("zoe", Role.MODERATOR)
    for changes, said in (
        ({"kind": "person"}, "kind"),
        ({"startTime": "2026-11-24"}, "startTime"),
        ({"startTime": "2026-11-24T00:00:00"}, "startTime"),
        ({"startTime": "0001-01-01T00:00:00+14:00"}, "end after its start"),
        ({"endTime": "2020-01-01T00:00:00Z"}, "end after its start"),
        ({"startTime": "2020-01-01T00:00:00Z"}, "366 days"),
        ({"kind": "version", "model": "lead-score"}, "Name the model"),
        ({"tenant": "x" * 129}, "tenant"),
        ({"language": "de"}, "language"),
        ({"surprise": 1}, "surprise"),
    ):
        answer = await zoe.ask("POST", "/v1/reports", asked(world, **changes))
        assert (answer.status_code, answer.json()["reason"]) == (400, "ARGUMENT_INVALID"), changes
        assert said in answer.json()["detail"], changes
    assert (await zoe.ask("GET", "/v1/reports")).json()["reports"] == []
