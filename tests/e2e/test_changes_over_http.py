"""Who changes something over HTTP is in the log, with how it was and how it is; without the log nothing changes."""

import json
import os
import pwd
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from gateway.adapters.proposals import Proposals
from gateway.adapters.revisions import RevisionStore
from gateway.clock import clock_ms
from gateway.core.record import subject_ref
from gateway.signing import verify
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.audit.v1.personal_pb2 import ListNotesRequest
from services.control.owing import Owing
from tests.e2e.office import Office, logging, opened
from tests.e2e.policy import policy
from tests.e2e.test_planning import pilote, written
from tests.e2e.world import KEY, World
from tests.fakes.upstream import FakeUpstream
from tests.signatures import person

PEOPLE = [person("ada", roles=["erase"]), person("bob")]
NIGHT = {"name": "views/night", "title": "At night", "filter": "verdict = DENY"}


@pytest.fixture
async def office(empty_world: World, upstream: FakeUpstream) -> AsyncIterator[Office]:
    async with opened(empty_world, policy(upstream.address, people=PEOPLE)) as office:
        yield office


async def notes(office: Office, query: str = "") -> list[dict[str, Any]]:
    """Oldest first."""
    status, answer = await office["bob"].ask("GET", f"/v1/notes?kind=change{query}")
    assert status == 200
    return list(answer.get("notes", ()))[::-1]


def told(note: dict[str, Any]) -> tuple[Any, ...]:
    """Who did what, and whether it was done."""
    change = note["change"]
    stage = change["stage"].removeprefix("CHANGE_STAGE_")
    return (note["person"], change["knownBy"], change["operation"], note["resource"], stage)


def value(note: dict[str, Any], which: str) -> Any:
    return json.loads(note["change"][which]["json"]) if which in note["change"] else None


async def test_a_view_is_made_changed_and_deleted_and_the_log_says_what_it_was(office: Office) -> None:
    ada, bob = office["ada"], office["bob"]
    assert (await ada.ask("POST", "/v1/views", NIGHT))[0] == 200
    assert (await bob.ask("PUT", "/v1/views/night", {"title": "Nights"}))[0] == 200
    assert (await bob.ask("DELETE", "/v1/views/night"))[0] == 200
    made, changed, deleted = await notes(office, "&resource=views/")
    assert told(made) == ("ada", "signature", "create", "views/night", "BEGUN")
    assert (value(made, "before"), value(made, "after")) == (None, NIGHT | {"owner": "ada"})
    assert told(changed) == ("bob", "signature", "update", "views/night", "BEGUN")
    assert (value(changed, "before")["title"], value(changed, "after")["title"]) == ("At night", "Nights")
    assert told(deleted) == ("bob", "signature", "delete", "views/night", "BEGUN")
    assert (value(deleted, "before")["title"], value(deleted, "after")) == ("Nights", None)
    assert await notes(office, "&person=ada") == [made]
    assert await notes(office, "&resource=stops/") == []
    assert await notes(office, "&endTime=2020-01-01T00:00:00Z") == []


async def test_what_was_refused_is_noted_as_not_done_with_the_reason(office: Office) -> None:
    assert (await office["ada"].ask("POST", "/v1/views", NIGHT | {"filter": "agnt = x"}))[0] == 400
    assert (await office["ada"].ask("PUT", "/v1/views/none", {"title": "x"}, lang="fr"))[0] == 404
    begun, ended = await notes(office)
    assert [told(each)[-1] for each in (begun, ended)] == ["BEGUN", "NOT_DONE"]
    assert ended["change"]["failure"] == "ARGUMENT_INVALID"
    assert begun["change"]["requestId"] == ended["change"]["requestId"]


async def test_a_policy_is_proposed_and_approved_and_the_log_says_by_whom_and_why(office: Office) -> None:
    number = await office.change(limits=[])
    proposing, proposed, voting, voted = await notes(office)
    assert told(proposing) == ("ada", "signature", "propose", "revisions/1", "BEGUN")
    assert proposing["reason"] == "why"
    assert told(proposed) == ("ada", "signature", "propose", "proposals/1", "DONE")
    assert told(voting) == ("bob", "signature", "approve", "proposals/1", "BEGUN")
    assert (value(voting, "before")["state"], value(voting, "before")["approved_by"]) == ("waiting", [])
    assert told(voted) == ("bob", "signature", "approve", f"revisions/{number}", "DONE")
    after = value(voted, "after")
    assert (after["state"], after["revision"], after["approved_by"]) == ("active", number, ["bob"])
    assert value(proposed, "after")["statement"] == after["statement"]


async def test_what_is_forgotten_about_a_customer_names_them_by_their_pseudonym_only(office: Office) -> None:
    ada = "contacts/ada"
    status, _ = await office["ada"].ask("POST", "/v1/inputs:forget", {"subject": ada, "tenant": "acme"})
    assert status == 200
    ref = subject_ref(KEY, tenant="acme", subject=ada)
    begun, done = await notes(office, "&tenants=acme")
    assert told(begun) == ("ada", "signature", "forget-inputs", f"subjects/{ref}", "BEGUN")
    assert value(done, "after") == {"forgotten": 0}
    assert ada not in json.dumps(await notes(office))


async def test_nothing_is_done_while_nothing_can_be_noted(empty_world: World, upstream: FakeUpstream) -> None:
    data = policy(upstream.address, people=PEOPLE)
    async with opened(empty_world, data, audit="127.0.0.1:1") as office:
        _, drafted = await office["ada"].draft(data | {"limits": []})
        status, problem = await office["ada"].propose(drafted)
        assert (status, problem["reason"]) == (503, "STORE_UNAVAILABLE")
        assert "the log cannot take down" in problem["detail"]
        assert (await office["ada"].ask("GET", "/v1/proposals")) == (200, {"proposals": [], "nextPageToken": ""})
    assert await Proposals(empty_world.redis, verify=verify).all() == ()
    assert await RevisionStore(empty_world.redis).active() == 1


async def test_what_an_operator_changes_at_the_store_is_noted_where_a_log_answers(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    await empty_world.gateway()
    file = written(policy(upstream.address, rollouts=[]), tmp_path)
    halt = ("stop", "agent=sales-bot", "--reason", "it drifts", "--tenant", "acme")
    async with logging(tmp_path / "log") as address, grpc.aio.insecure_channel(address) as channel:
        where = {"PILOTE_AUDIT_LISTEN": address}
        for command in (("apply", file, "--reason", "first"), halt, ("resume", "agent=sales-bot", "--tenant", "acme")):
            code, _, err = await pilote(empty_world, *command, **where)
            assert (code, err) == (0, "")
        code, _, err = await pilote(empty_world, "cells", "acme", "2", **where)
        assert (code, "pilote stop all" in err) == (2, True)
        found = await AuditServiceStub(channel).ListNotes(ListNotesRequest(kind="change"))
        stops = ("audit", "notes", "--kind", "change", "--about", "stops/", "--count", "1")
        code, out, err = await pilote(empty_world, *stops, **where, PILOTE_LANG="fr")
        assert (code, err) == (0, "")
        assert out.splitlines()[1].split("\t")[1:] == [
            *("modification: resume", f"operator:{pwd.getpwuid(os.getuid()).pw_name}", "", "acme"),
            "stops/acme/agent=sales-bot",
        ]
    said = [json_format.MessageToDict(note) for note in found.notes][::-1]
    who = f"operator:{pwd.getpwuid(os.getuid()).pw_name}"
    assert [told(note) for note in said] == [
        (who, "operator", "apply", "revisions/0", "BEGUN"),
        (who, "operator", "apply", "revisions/1", "DONE"),
        (who, "operator", "stop", "stops/acme/agent=sales-bot", "BEGUN"),
        (who, "operator", "resume", "stops/acme/agent=sales-bot", "BEGUN"),
        (who, "operator", "move", "cells/acme", "BEGUN"),
        (who, "operator", "move", "cells/acme", "NOT_DONE"),
    ]
    assert (said[2]["reason"], value(said[2], "after")["reason"]) == ("it drifts", "it drifts")
    assert (value(said[4], "before"), value(said[4], "after")) == ({"cells": 1}, {"cells": 2})

    code, out, err = await pilote(empty_world, *halt, PILOTE_AUDIT_LISTEN="127.0.0.1:1", PILOTE_LANG="fr")
    assert (code, "acme" in out) == (0, True)
    said_so = (
        "Le service d’audit à l’adresse 127.0.0.1:1 ne répond pas : un plan de contrôle en portera note au journal"
    )
    assert err == f"{said_so} dès que possible.\n"
    async with logging(tmp_path / "log") as address, grpc.aio.insecure_channel(address) as channel:
        stub = AuditServiceStub(channel)
        assert await Owing(empty_world.redis, stub, clock_ms=clock_ms).pay() == 1
        owed = json_format.MessageToDict((await stub.ListNotes(ListNotesRequest(kind="change"))).notes[0])
    assert told(owed) == (who, "operator", "stop", "stops/acme/agent=sales-bot", "BEGUN")
    assert "happenTime" in owed["change"]
