"""The interface describes itself exactly, for programs and for people, and loads nothing from elsewhere."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import requests
import schemathesis

from gateway.redis_clients import Client
from services.control.access.rights import Right
from services.control.api.operation_ids import operation_id
from tests.e2e.insiders import Inside, inside

METHODS = ("get", "post", "put", "patch", "delete")
WHOLE = {"/v1/inputs", "/v1/session/columns"}
"""Sums of a whole span, what streams until its end, and what somebody has put in order."""


@pytest.fixture
async def house(redis: Client, redis_url: str) -> AsyncIterator[Inside]:
    async with inside(redis, redis_url) as house:
        yield house


async def test_every_operation_says_who_may_and_what_can_come(house: Inside) -> None:
    schema = (await house.browser().ask("GET", "/schema/openapi.json")).json()
    schemathesis.openapi.from_dict(schema).validate()
    operations = [
        (path, method, item[method]) for path, item in schema["paths"].items() for method in METHODS if method in item
    ]
    ids = [each["operationId"] for _, _, each in operations]
    assert len(ids) == len(set(ids)) > 80
    assert not [path for path, _, _ in operations if "/:" in path]
    schemes = set(schema["components"]["securitySchemes"])
    for path, method, each in operations:
        right = Right(each["x-pilote-right"])
        assert all(set(way) <= schemes for way in each["security"]), path
        assert bool(each["security"]) == (right is not Right.ANYONE), path
        assert each["tags"]
        assert each["summary"]
        assert {"400", "429", "503"} <= set(each["responses"]), path
        if method != "get" and right not in (Right.ANYONE, Right.AGENT):
            assert {"session": [], "csrf": []} in each["security"], path
            assert {"401", "403", "409", "422"} <= set(each["responses"]), path


async def test_every_list_comes_in_pages(house: Inside) -> None:
    schema = (await house.browser().ask("GET", "/schema/openapi.json")).json()
    lists = {path: item["get"] for path, item in schema["paths"].items() if _lists(schema, path, item.get("get"))}
    assert len(lists) > 15
    whole = {
        path
        for path, operation in lists.items()
        if not {"pageSize", "pageToken"} <= {each["name"] for each in operation.get("parameters", ())}
        or "nextPageToken" not in _answer(schema, operation)["properties"]
    }
    assert whole == WHOLE


def _lists(schema: Any, path: str, operation: Any) -> bool:
    """Whether an operation answers what its path names, many times over."""
    name = path.rpartition("/")[2]
    if operation is None:
        return False
    kind = _answer(schema, operation).get("properties", {}).get(name, {}).get("type")
    return bool(kind == "array")


def _answer(schema: Any, operation: Any) -> Any:
    content = operation["responses"].get("200", {}).get("content", {})
    answer = content.get("application/json", {}).get("schema", {})
    return schema["components"]["schemas"][answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("get", "/v1/holds", "listHolds"),
        ("get", "/v1/holds/{hold}", "getHold"),
        ("get", "/v1/holds/{hold}/request", "getHoldRequest"),
        ("post", "/v1/holds/{hold}:approve", "approveHold"),
        ("post", "/v1/stops", "createStop"),
        ("post", "/v1/stops:resume", "resumeStops"),
        ("patch", "/v1/policy-drafts/{draft}", "editPolicyDraft"),
        ("get", "/v1/activity", "getActivity"),
        ("delete", "/v1/session", "logOut"),
    ],
)
def test_operations_are_called_after_what_they_do(method: str, path: str, name: str) -> None:
    assert operation_id(method, path) == name


async def test_people_read_it_without_scripts_and_without_anything_from_elsewhere(house: Inside) -> None:
    page = await asyncio.to_thread(requests.get, f"{house.url}/schema", timeout=10)
    policy = page.headers["content-security-policy"]
    assert (page.status_code, "script" in policy, "default-src 'none'" in policy) == (200, False, True)
    assert "<script" not in page.text
    assert re.findall(r'(?:src|href)="(?!#)([^"]*)"', page.text) == ["/schema/schema.css", "/schema/openapi.json"]
    assert 'id="approveHold"' in page.text
    style = await asyncio.to_thread(requests.get, f"{house.url}/schema/schema.css", timeout=10)
    assert style.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("OPTIONS", "/v1/views", 204, "GET, OPTIONS, POST"),
        ("OPTIONS", "/v1/views/a", 204, "DELETE, GET, OPTIONS, PUT"),
        ("PUT", "/v1/stops", 405, "GET, OPTIONS, POST"),
        ("DELETE", "/v1/holds/a:approve", 405, "OPTIONS, POST"),
    ],
)
async def test_a_path_says_what_can_be_done_with_it(
    house: Inside, method: str, path: str, status: int, allow: str
) -> None:
    answer = await house.browser().ask(method, path)
    assert (answer.status_code, ", ".join(sorted(answer.headers["allow"].split(", ")))) == (status, allow)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("PUT", "/v1/stops", 405), ("GET", "/v1/holds/a/b/c", 404)],
)
async def test_what_the_framework_refuses_is_a_problem_too(house: Inside, method: str, path: str, status: int) -> None:
    answer = await house.browser().ask(method, path, lang="fr")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
