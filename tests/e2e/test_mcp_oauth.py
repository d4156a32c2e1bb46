"""The official client finds a real provider through the front, gets a token there, and is known by the gateway."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from tests.e2e.mcp_clients import fronting, tools_of
from tests.e2e.policy import agent, policy
from tests.e2e.world import World
from tests.fakes.openid.running import SECRET, provider
from tests.fakes.upstream import FakeUpstream

CLIENT: Final = "sales-client"
GRANTS: Final[dict[str, Any]] = {
    "client_id": CLIENT,
    "grant_types": ["client_credentials"],
    "response_types": [],
    "redirect_uris": [],
    "post_logout_redirect_uris": [],
}


class Storage:
    """What a client keeps."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class House:
    """A provider, and a front that sends its callers there."""

    def __init__(self, issuer: str, url: str) -> None:
        self.issuer = issuer
        self.url = url
        self.storage = Storage()

    def signing_in(self, secret: str = SECRET) -> ClientCredentialsOAuthProvider:
        """How the client proves itself."""
        return ClientCredentialsOAuthProvider(self.url, self.storage, CLIENT, secret, issuer=self.issuer)


@pytest.fixture
async def house(world: World, upstream: FakeUpstream) -> AsyncIterator[House]:
    async with (
        provider("http://127.0.0.1:1", {}, **GRANTS) as issuer,
        fronting(world, authorization_servers=(issuer,)) as port,
        create_mcp_http_client() as http,
    ):
        made = House(issuer, f"http://127.0.0.1:{port}/mcp")
        trusted = {
            "name": "sso",
            "issuer": issuer,
            "audience": ["pilote", made.url],
            "jwks": (await http.get(f"{issuer}/jwks")).json(),
        }
        bot = agent("sales-bot") | {"tokens": [{"issuer": "sso", "subject": CLIENT}]}
        await world.publish(policy(upstream.address, agents=[bot], issuers=[trusted]))
        yield made


async def test_a_client_is_sent_to_the_provider_and_its_token_is_taken(house: House) -> None:
    async with (
        create_mcp_http_client(auth=house.signing_in()) as http,
        Client(streamable_http_client(house.url, http_client=http)) as client,
    ):
        assert "contacts_get" in await tools_of(client)
    assert house.storage.tokens is not None


async def test_a_client_that_the_provider_does_not_know_gets_no_token(house: House) -> None:
    async with create_mcp_http_client(auth=house.signing_in("another secret")) as http:
        with pytest.raises(OAuthFlowError):
            await http.post(house.url, json={})


async def test_a_token_for_something_else_is_of_no_use_here(house: House) -> None:
    async with create_mcp_http_client() as http:
        asked = {"grant_type": "client_credentials", "resource": "https://else.example.com/mcp"}
        token = (await http.post(f"{house.issuer}/token", data=asked, auth=(CLIENT, SECRET))).json()["access_token"]
        refused = await http.post(house.url, json={}, headers={"authorization": f"Bearer {token}"})
    assert (refused.status_code, 'error="invalid_token"' in refused.headers["www-authenticate"]) == (401, True)
