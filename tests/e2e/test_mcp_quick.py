"""Plain calls of tools take a shorter way than the SDK's, and nobody can tell by the answer."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.e2e.mcp_clients import crm, fronting
from tests.e2e.policy import allow_all, cap, key_of, policy
from tests.e2e.world import World
from tests.services.agents.mcp_calls import HEADERS as SAID
from tests.services.agents.mcp_calls import META

_SECONDS: Final = re.compile(r"(?<=\d\dT\d\d:)\d\d:\d\d(?=Z)|(?<=retry_after_seconds\":)6048\d\d")
HEADERS: Final = SAID | {"x-api-key": key_of("sales-bot")}
MAIL: Final = {
    "customer": "contacts/ada",
    "channel": "email",
    "category": "marketing",
    "subject_line": "News",
    "body": "Dear",
}


@pytest.fixture
async def http(empty_world: World, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the front before a gateway before a real CRM, where a person may be contacted once a week."""
    await empty_world.gateway()
    async with crm(tmp_path) as address:
        await empty_world.publish(policy(address, rules=[allow_all()], caps=[cap(1)]))
        async with (
            fronting(empty_world) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=30) as found,
        ):
            yield found


def message(tool: str, arguments: Any, **meta: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments, "_meta": META | meta}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


async def said(http: httpx2.AsyncClient, asked: dict[str, Any], **headers: str) -> httpx2.Response:
    return await http.post("/mcp", json=asked, headers={"mcp-name": asked["params"]["name"]} | headers)


def stripped(answer: httpx2.Response) -> Any:
    """An answer without what differs from call to call, or with the second."""
    found = json.loads(_SECONDS.sub("0", answer.text))
    result = found.get("result", {})
    result.get("_meta", {}).pop("pilote/decision-id", None)
    result.get("structuredContent", {}).get("error", {}).pop("decision", None)
    return found


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("contacts_get", {"name": "contacts/ada"}),
        ("contacts_get", {"name": "contacts/nobody"}),
        ("contacts_get", {"nam": "contacts/ada"}),
        ("contacts_get", {}),
        ("contacts_list", {"page_size": 1}),
        ("messages_send", {"message": MAIL, "request_id": "r-2"}),
        ("holds_get", {"name": "holds/none"}),
        ("no_such_tool", {}),
    ],
)
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_answers_are_those_of_the_sdk(
    http: httpx2.AsyncClient, tool: str, arguments: dict[str, Any], language: str
) -> None:
    for each in ({"display_name": "Ada", "email": "ada@example.org"}, {"display_name": "Bo"}):
        asked = message("contacts_create", {"contact": each, "contact_id": each["display_name"].lower()})
        assert (await said(http, asked)).json()["result"]["isError"] is False
    await said(http, message("messages_send", {"message": MAIL, "request_id": "r-1"}))
    by_sdk = message(tool, arguments) | {"later": "extensions of JSON-RPC are left aside"}
    quick = await said(http, message(tool, arguments, progressToken=1), **{"accept-language": language})
    slow = await said(http, by_sdk, **{"accept-language": language})
    assert (quick.status_code, stripped(quick)) == (slow.status_code, stripped(slow))
    assert quick.headers["content-type"] == slow.headers["content-type"] == "application/json"
