"""Who may come in by MCP: whoever has a credential that the gateway knows, from no foreign page."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import httpx2
import pytest

from tests.e2e.mcp_clients import fronting
from tests.e2e.policy import key_of
from tests.e2e.world import World

KEY: Final = {"x-api-key": key_of("sales-bot")}
ACCEPT: Final = {"accept": "application/json, text/event-stream"}
HELLO: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
LIST: Final = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        fronting(world, authorization_servers=("https://login.example.com",)) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as found,
    ):
        yield found


async def hello(http: httpx2.AsyncClient, headers: Mapping[str, str]) -> httpx2.Response:
    return await http.post("/mcp", json=HELLO, headers={**ACCEPT, **headers})


@pytest.mark.parametrize("headers", [{}, {"x-api-key": ""}, {"x-api-key": "nobody's"}, {"authorization": "Bearer no"}])
async def test_who_is_unknown_is_sent_to_where_tokens_are_had(
    http: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    refused = await hello(http, headers)
    assert refused.status_code == 401
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith(f'Bearer resource_metadata="{http.base_url}')
    metadata = await http.get(challenge.split('"')[1])
    assert metadata.json() == {
        "resource": f"{str(http.base_url).rstrip('/')}/mcp",
        "authorization_servers": ["https://login.example.com"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Pilote",
    }


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:8081", 200),
        ("https://evil.example.com", 403),
        ("http://127.0.0.1.evil.example.com", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
async def test_pages_of_foreign_origins_stay_out(http: httpx2.AsyncClient, origin: str, status: int) -> None:
    assert (await hello(http, KEY | {"origin": origin})).status_code == status


async def test_a_session_is_of_no_use_to_another_agent(http: httpx2.AsyncClient) -> None:
    opened = await hello(http, KEY)
    session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
    own = await http.post("/mcp", json=LIST, headers=ACCEPT | KEY | session)
    other = await http.post("/mcp", json=LIST, headers=ACCEPT | session | {"x-api-key": key_of("globex-bot")})
    assert (own.status_code, other.status_code) == (200, 404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}', 400),
        (b"{}", 400),
        (b"[]", 400),
        (b'"' + b"a" * 5_000_000 + b'"', 413),
    ],
)
async def test_what_is_no_message_is_refused_and_the_next_one_is_answered(
    http: httpx2.AsyncClient, body: bytes, status: int
) -> None:
    headers = ACCEPT | KEY | {"content-type": "application/json"}
    assert (await http.post("/mcp", content=body, headers=headers)).status_code == status
    assert (await hello(http, KEY)).status_code == 200


@pytest.mark.parametrize("path", ["/mcp/other", "/.well-known/openid-configuration"])
async def test_nothing_lies_beside_it(http: httpx2.AsyncClient, path: str) -> None:
    found: Any = await http.get(path, headers=KEY)
    assert found.status_code == 404
