"""Who may do what: every operation, asked by every role, everywhere and in one tenant only, is as the table says."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import pytest
import requests
from litestar import get

from gateway.clock import clock_ms
from gateway.redis_clients import Client
from services.control.access.accounts import Account, Secrets
from services.control.access.principals import Door, HandlerWithoutRight
from services.control.access.rights import INSTALLATION, OPEN, RIGHTS, Right, Role
from services.control.app import application
from tests.e2e.insiders import Inside, inside

METHODS: Final = ("get", "post", "put", "patch", "delete")
Operation = tuple[str, str, Right]
NEVER_ENDING: Final = (":follow", ":tail")
OF_ALL_TENANTS: Final = {("POST", "/v1/inputs:forget"), ("POST", "/v1/subjects:erase"), ("POST", "/v1/persons:report")}
"""Changes that are about all tenants where they name none, as here."""


@pytest.fixture
async def house(redis: Client, redis_url: str) -> AsyncIterator[Inside]:
    async with inside(redis, redis_url) as house:
        yield house


async def operations(house: Inside) -> Sequence[Operation]:
    """Every operation, with names that nothing has, and the right that it needs."""
    schema = (await house.browser().ask("GET", "/schema/openapi.json")).json()
    found = [
        (method.upper(), re.sub(r"\{[^}]*\}", "0", path), Right(item[method]["x-pilote-right"]))
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item and not path.endswith(NEVER_ENDING)
    ]
    assert {right for _, _, right in found} >= {Right.SEE, Right.STOPS, Right.HOLDS, Right.PEOPLE, Right.ERASE}
    return found


async def token(house: Inside, name: str, grants: Mapping[str, tuple[Role, ...]]) -> str:
    """A token that may do all that its owner may, to whom that is granted."""
    account = Account(name=name, grants=grants, created_ms=clock_ms())
    await house.access.accounts.create(account, Secrets())
    scopes = tuple(right.value for right in Right)
    return (await house.access.tokens.make(account, name="all", scopes=scopes, now_ms=clock_ms()))[1]


async def refused(house: Inside, asked: Sequence[Operation], text: str) -> set[tuple[str, str]]:
    """The operations that are refused for want of the right itself."""

    def ask(session: requests.Session, method: str, path: str) -> Any:
        headers = {"authorization": f"Bearer {text}"}
        answer = session.request(method, f"{house.url}{path}", headers=headers, json={}, timeout=30)
        return answer.status_code == 403 and answer.json().get("reason") == "RIGHT_MISSING"

    def all_of_them() -> set[tuple[str, str]]:
        with requests.Session() as session:
            return {(method, path) for method, path, _ in asked if ask(session, method, path)}

    return await asyncio.to_thread(all_of_them)


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_that_is_granted_everywhere_may_do_just_what_the_table_says(house: Inside, role: Role) -> None:
    asked = await operations(house)
    without = {(method, path) for method, path, right in asked if right not in OPEN | RIGHTS[role]}
    assert await refused(house, asked, await token(house, "somebody", {"*": (role,)})) == without


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OFFICER, Role.AUDITOR])
async def test_in_one_tenant_a_role_gives_nothing_over_what_all_share(house: Inside, role: Role) -> None:
    asked = await operations(house)
    rights = OPEN | {Right.OWN} | (RIGHTS[role] - INSTALLATION)
    without = {(method, path) for method, path, right in asked if right not in rights} | OF_ALL_TENANTS
    assert await refused(house, asked, await token(house, "somebody", {"acme": (role,)})) == without


async def test_who_is_granted_nothing_has_nothing_but_what_is_their_own(house: Inside) -> None:
    asked = await operations(house)
    without = {(method, path) for method, path, right in asked if right not in OPEN | {Right.OWN}}
    assert await refused(house, asked, await token(house, "somebody", {})) == without


async def test_without_a_credential_nothing_is_answered_that_needs_a_right(house: Inside) -> None:
    asked = [each for each in await operations(house) if each[2] not in OPEN]
    told = await asyncio.gather(*(house.browser().ask(method, path, {}) for method, path, _ in asked))
    assert {answer.status_code for answer in told} == {401}


async def test_no_change_is_made_for_a_session_without_its_token(house: Inside) -> None:
    browser = await house.somebody("ada", *Role)
    asked = [each for each in await operations(house) if each[0] != "GET" and each[2] not in OPEN]
    for method, path, _ in asked:
        answer = await browser.ask(method, path, {}, headers={"x-csrf-token": "0" * 64})
        assert (answer.status_code, answer.json()["reason"]) == (403, "CSRF"), path


def test_an_operation_that_names_no_right_stops_the_start() -> None:
    @get("/v1/anything")
    async def anything() -> None:
        """Nobody says who may."""

    with pytest.raises(HandlerWithoutRight, match="must name a right"):
        application([anything], Door(()))
