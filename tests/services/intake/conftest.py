"""A real intake on a real store, with one source of its policy."""

import hashlib
import io
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from gateway.redis_clients import Client
from services.intake.server import Options, running
from tests.e2e.waiting import eventually
from tests.policies import policy


def digest(write_key: str) -> str:
    """What a policy keeps of a write key."""
    return hashlib.sha256(write_key.encode()).hexdigest()


PSEUDONYM_KEY: Final = b"pseudonym key of these tests...."
WRITE_KEY: Final = "pilote_site_key"
SOURCE: Final[Mapping[str, Any]] = {
    "name": "site",
    "tenant": "acme",
    "keys": [{"id": "one", "sha256": digest(WRITE_KEY)}],
    "audiences": ["vip", "suppressed"],
    "consents": [
        {
            "place": "context.consent.categoryPreferences.Marketing",
            "channels": ["email", "sms"],
            "purpose": "marketing",
        },
        {"event": "Unsubscribed", "channels": ["email"], "purpose": "marketing"},
        {"place": "context.tcf", "reads": "tcf", "purposes": [1, 3], "vendor": 8, "channels": ["ads"]},
        {"place": "context.gpp", "reads": "gpp", "purposes": [1, 3], "vendor": 8, "channels": ["ads"]},
        {"place": "context.gpc", "reads": "gpc", "channels": ["ads"]},
    ],
    "facts": {
        "traits.plan": "traits.plan",
        "traits.age": "traits.age",
        "traits.churn": "scores.churn",
        "traits.vip": "segments.vip",
        "context.timezone": "time_zone",
        "context.locale": "language",
        "properties.cart.value": "traits.cart",
        "groupId": "traits.account",
        "group.industry": "traits.industry",
    },
}
Answer = tuple[int, dict[str, Any]]


def basic(write_key: str) -> str:
    """The header by which a client names its write key."""
    return aiohttp.encode_basic_auth(write_key, "")


@dataclass
class Door:
    """An intake, and who sends to it."""

    redis: Client
    http: aiohttp.ClientSession
    url: str

    async def send(self, path: str, body: Any, **headers: str) -> Answer:
        """Post a body - bytes as they are, all else as JSON - and give status and answer."""
        sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
        named = {"authorization": basic(WRITE_KEY)} | {name.replace("_", "-"): each for name, each in headers.items()}
        async with self.http.post(f"{self.url}{path}", data=io.BytesIO(sent), headers=named) as response:
            return response.status, await response.json()

    async def facts(self, user: str = "ada") -> Facts | None:
        """What is known of a customer."""
        ref = subject_ref(PSEUDONYM_KEY, tenant="acme", subject=f"contacts/{user}")
        stored: Any = await self.redis.get(keys.facts(keys.cell("acme"), ref))
        return None if stored is None else msgspec.json.decode(stored, type=Facts)

    async def publish(self, *sources: Mapping[str, Any], write_key: str = WRITE_KEY) -> None:
        """Make a policy with these sources the active one, and wait until the intake goes by it."""
        document = canonical(load(policy(sources=list(sources))).document)
        published = Published(sha256="0" * 64, author="test", created_ms=1, document=msgspec.Raw(document))
        await RevisionStore(self.redis).publish(published)
        names = itertools.count()

        async def look() -> bool | None:
            asked = {"anonymousId": "x", "event": f"ask {next(names)}"}
            status, _ = await self.send("/v1/track", asked, authorization=basic(write_key))
            return status == 200 or None

        await eventually(look, what="the policy")


@pytest.fixture
async def unruled(redis: Client, redis_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    """An intake without a policy."""
    options = Options(
        listen="127.0.0.1:0",
        grpc_listen="127.0.0.1:0",
        redis_url=redis_url,
        pseudonym_key=PSEUDONYM_KEY,
        drain_seconds=1,
        audit="127.0.0.1:1",
        home=tmp_path,
    )
    async with running(options) as ports, aiohttp.ClientSession() as http:
        yield Door(redis, http, f"http://127.0.0.1:{ports.http}")


@pytest.fixture
async def door(unruled: Door) -> Door:
    """An intake with one source."""
    await unruled.publish(SOURCE)
    return unruled
