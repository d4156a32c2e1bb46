"""Two people over HTTP, on two control planes: what one asks for another one decides, once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.control.options import Options
from services.control.server import running
from tests.e2e.office import Office, logging, opened
from tests.e2e.policy import policy
from tests.e2e.world import KEY, World
from tests.fakes.upstream import FakeUpstream
from tests.signatures import person

PEOPLE = [person(name, roles=["erase"]) for name in ("dan", "dora", "zoe")] + [person("ada"), person("bob")]
ERASE = {"kind": "erasure", "subject": "contacts/ada", "tenant": "acme", "reason": "request of 12 May"}
WHY = {"reason": "so"}


@pytest.fixture
async def offices(empty_world: World, upstream: FakeUpstream) -> AsyncIterator[tuple[Office, Office]]:
    """Two control planes on one store."""
    data = policy(upstream.address, people=PEOPLE)
    async with (
        logging(empty_world.home / "log") as audit,
        opened(empty_world, data, audit=audit) as one,
        running(
            Options(
                listen="127.0.0.1:0", redis_url=empty_world.redis_url, audit=audit, pseudonym_key=KEY, drain_seconds=0.5
            )
        ) as port,
    ):
        other = Office(f"http://127.0.0.1:{port}", data)
        await other.follows(1)
        yield one, other


async def test_of_two_who_agree_at_two_control_planes_at_once_one_erases(offices: tuple[Office, Office]) -> None:
    one, other = offices
    status, asked = await one["dan"].ask("POST", "/v1/approvals", ERASE)
    assert (status, asked["state"]) == (201, "waiting")
    target = f"/v1/{asked['name']}:agree"
    both = await asyncio.gather(one["dora"].ask("POST", target, WHY), other["zoe"].ask("POST", target, WHY))
    assert sorted((status, told.get("state", told.get("reason"))) for status, told in both) == [
        (200, "done"),
        (409, "CONFLICT"),
    ]
    _, notes = await other["ada"].ask("GET", "/v1/notes?kind=erasure")
    assert [note["person"] for note in notes["notes"]] == ["dan"]


async def test_refusing_and_withdrawing_end_it_and_are_in_the_log(offices: tuple[Office, Office]) -> None:
    one, other = offices
    for who, verb, state in (("dora", "refuse", "refused"), ("dan", "withdraw", "withdrawn")):
        _, asked = await one["dan"].ask("POST", "/v1/approvals", ERASE)
        status, ended = await other[who].ask("POST", f"/v1/{asked['name']}:{verb}", WHY)
        assert (status, ended["state"]) == (200, state)
        status, problem = await one["zoe"].ask("POST", f"/v1/{asked['name']}:agree", WHY, lang="fr")
        assert (status, problem["reason"]) == (409, "CONFLICT")
        assert "n’attend plus" in problem["detail"]
        _, notes = await one["ada"].ask("GET", f"/v1/notes?resource={asked['name']}")
        assert [note["change"]["operation"] for note in notes["notes"]] == [verb, "ask"]
    _, listed = await one["dan"].ask("GET", "/v1/approvals?pageSize=1")
    assert ([each["state"] for each in listed["approvals"]], bool(listed["nextPageToken"])) == (["withdrawn"], True)
    _, rest = await one["dan"].ask("GET", f"/v1/approvals?pageSize=1&pageToken={listed['nextPageToken']}")
    assert [each["state"] for each in rest["approvals"]] == ["refused"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ([], 400),
        (ERASE | {"kind": "secret"}, 400),
        (ERASE | {"reason": ""}, 400),
        (ERASE | {"subject": ""}, 400),
        (ERASE | {"person": "bob"}, 400),
        (ERASE | {"kind": "personal-export", "tenant": ""}, 400),
    ],
)
async def test_who_asks_wrongly_is_told_what_is_wrong(offices: tuple[Office, Office], body: Any, status: int) -> None:
    found, problem = await offices[0]["dan"].ask("POST", "/v1/approvals", body)
    assert (found, problem["reason"]) == (status, "ARGUMENT_INVALID")
    assert (await offices[0]["dan"].ask("GET", "/v1/approvals"))[1]["approvals"] == []


async def test_who_may_not_erase_neither_asks_nor_sees_nor_agrees(offices: tuple[Office, Office]) -> None:
    one, _ = offices
    status, problem = await one["ada"].ask("POST", "/v1/approvals", ERASE)
    assert (status, problem["reason"], problem["right"]) == (403, "RIGHT_MISSING", "subjects.erase")
    _, asked = await one["dan"].ask("POST", "/v1/approvals", ERASE)
    for verb in ("agree", "refuse", "withdraw", "retry"):
        status, problem = await one["ada"].ask("POST", f"/v1/{asked['name']}:{verb}", WHY)
        assert (status, problem["reason"]) == (404, "NOT_FOUND")
    assert (await one["ada"].ask("GET", f"/v1/{asked['name']}"))[0] == 404
    assert (await one["ada"].ask("GET", "/v1/approvals"))[1]["approvals"] == []
    status, problem = await one["dora"].ask("POST", f"/v1/{asked['name']}:agree", {"reason": " "})
    assert (status, problem["mistakes"][0]["path"]) == (400, "reason")
    assert (await one["dan"].ask("GET", "/v1/approvals/none"))[0] == 404
