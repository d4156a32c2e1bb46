"""What tests of plain HTTP work with: a policy with an API, Envoy before it, and requests through it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from tests.e2e.policy import Data, key_of, policy
from tests.e2e.world import World
from tests.fakes.envoy_process import configured, envoy, with_mutual_tls
from tests.fakes.vendor import Vendor

ENVOY_KEY: Final = "key-of-envoy-in-the-tests-0123456789"
HOST: Final = "api.vendor.example"
CONTACT: Final = "/crm/v3/contacts/ada-lovelace"
SEND: Final = "/v1/messages"
GET_METHOD: Final = "/rest/vendor/contacts.get"
SEND_METHOD: Final = "/rest/vendor/messages.send"


def api(**more: Any) -> Data:
    """An API with three methods."""
    return {
        "name": "vendor",
        "hosts": [HOST],
        "methods": [
            {
                "name": "contacts.get",
                "verb": "GET",
                "path": "/crm/v3/contacts/{id}",
                "operation": "READ",
                "subject": "contacts/{path.id}",
            },
            {
                "name": "contacts.update",
                "verb": "PATCH",
                "path": "/crm/v3/contacts/{id}",
                "operation": "WRITE",
                "subject": "contacts/{path.id}",
            },
            {
                "name": "messages.send",
                "verb": "POST",
                "path": "/v1/messages",
                "operation": "CONTACT",
                "subject": "contacts/{body.to}",
                "channel": "email",
                "category": "{body.category}",
                "brand": "{headers.x-brand}",
            },
        ],
        **more,
    }


def with_api(crm: str, **sections: Any) -> Data:
    """The policy of the other tests, with the API and a route to it."""
    found = policy(crm, **{"rest": [api()]} | sections)
    found["upstreams"] = [*found["upstreams"], {"name": "vendor", "kind": "envoy", "timeout": "10s"}]
    arms = [{"name": "vendor", "upstream": "vendor"}]
    found["routes"] = [*found["routes"], {"name": "vendor", "methods": ["rest/vendor/*"], "arms": arms}]
    return found


@dataclass(slots=True)
class Reply:
    """What a caller got."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def told(self) -> Any:
        """The body, of JSON."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The `ErrorInfo` reason of a refusal."""
        return str(next(each["reason"] for each in self.told["details"] if each["@type"].endswith("ErrorInfo")))


@dataclass
class Front:
    """Envoy, as agents see it."""

    client: aiohttp.ClientSession
    port: int
    vendor: Vendor

    async def ask(
        self,
        verb: str,
        path: str,
        *,
        agent: str = "sales-bot",
        host: str = HOST,
        body: Any = None,
        raw: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """One request; `path` goes out as it is, `raw` as the body in place of `body` as JSON."""
        sent = {"host": host} | ({"x-api-key": key_of(agent)} if agent else {})
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["content-type"] = "application/json"
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        async with self.client.request(verb, url, data=data, headers=sent | (headers or {})) as response:
            return Reply(response.status, CIMultiDict(response.headers), await response.read())

    async def send(self, to: str = "ada-lovelace", **more: Any) -> Reply:
        """A message to a customer."""
        body = {"to": to, "category": "marketing", "text": "News"}
        return await self.ask("POST", SEND, body=body, **more)


@asynccontextmanager
async def front(
    world: World,
    vendor: Vendor,
    home: Path,
    *,
    example: str = "envoy.yaml",
    agent: str = "",
    certificates: Path | None = None,
    change: Callable[[Any], None] = lambda _: None,
) -> AsyncIterator[Front]:
    """Envoy before a vendor, asking the first gateway of the world; by mutual TLS where it has certificates.

    `change` is done to the example's configuration.
    """
    gateway = world.gateways[0]
    ports = {"gateway": gateway.port if certificates is None else gateway.envoy_port, "vendor": vendor.port}
    config = configured(**ports, key=ENVOY_KEY, example=example, agent=agent)
    change(config)
    if certificates is not None:
        config = with_mutual_tls(config, certificates)
    async with envoy(config, home) as port, aiohttp.ClientSession() as client:
        yield Front(client, port, vendor)


def envoy_key_file(home: Path) -> Path:
    """The file with the key by which Envoy asks."""
    file = home / "envoy.keys"
    file.write_text(f"{ENVOY_KEY}\n")
    return file
