"""Two tenants on one gateway and one store: nothing of one is where the other looks, and no secret is anywhere."""

import base64
import hashlib
import logging
import random
from typing import Any, Final

import pytest

from gateway.core import keys
from tests.e2e.policy import allow_all, cap, key_of, policy
from tests.e2e.requests import get, send
from tests.e2e.world import HOLD_KEY, KEY, RECORD_KEY, REPLAY_KEY, Told, World, credential, told
from tests.fakes.collector import Collector, points
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.one_store

AGENTS: Final = {"acme": "sales-bot", "globex": "globex-bot"}
CALLS: Final = 24


def planted(tenant: str, number: int) -> str:
    """What only this tenant says; a customer, an id of a request, a body and a campaign are named so."""
    return f"{tenant}-canary-{number}"


def forms(secret: bytes) -> set[str]:
    """How a secret might be written somewhere."""
    texts = {secret.hex(), base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode(), repr(secret)}
    return texts | ({secret.decode()} if secret.isascii() else set())


async def values(world: World, key: bytes) -> str:
    """All that the store keeps under a key, as text."""
    kind, redis = _text(await world.redis.type(key)), world.redis
    readers: dict[str, Any] = {
        "string": lambda: redis.get(key),
        "hash": lambda: redis.hgetall(key),
        "set": lambda: redis.smembers(key),
        "zset": lambda: redis.zrange(key, 0, -1),
        "list": lambda: redis.lrange(key, 0, -1),
        "stream": lambda: redis.xrange(key),
    }
    return str(await readers[kind]()) if kind in readers else ""


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


async def calls(world: World, seed: int) -> list[tuple[str, Told]]:
    """Calls of both tenants in any order, allowed, refused and wrong ones; each with what its tenant alone says."""
    draw, agent, ends = random.Random(seed), world.agent(), []  # noqa: S311
    for number in range(CALLS):
        tenant = draw.choice(sorted(AGENTS))
        name = planted(tenant, draw.randrange(4))
        metadata = credential(AGENTS[tenant])
        if draw.random() < 0.2:
            metadata = (("x-api-key", f"{key_of(AGENTS[tenant])}-{name}"),)  # of nobody
        if draw.random() < 0.6:
            request = send(f"contacts/{name}", request_id=f"{name}-{number}", body=name, campaign=name)
            call: Any = agent.messages.SendMessage(request, metadata=metadata)
        else:
            call = agent.contacts.GetContact(get(f"contacts/{name}"), metadata=metadata)
        ends.append((tenant, await told(call)))
    return ends


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_key_record_span_metric_or_error_of_one_tenant_says_anything_of_another(
    seed: int, empty_world: World, upstream: FakeUpstream, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    document = policy(upstream.address, caps=[cap(2)], rules=[allow_all()])
    async with empty_world.started(otlp_endpoint=collector.endpoint, call_log="all", log_level="DEBUG"):
        await empty_world.publish(document)
        ends = await calls(empty_world, seed)
    assert {each.reason for _, each in ends} == {"", "CAP_EXCEEDED", "AGENT_UNAUTHENTICATED"}
    others = {"acme": ("globex",), "globex": ("acme", AGENTS["acme"])}

    for tenant, end in ends:  # errors, and what else its caller was told
        said = f"{end.text} {end.status} {end.trailers}"
        assert [other for other in others[tenant] if other in said] == []
    found = set[str]()
    async for key in empty_world.redis.scan_iter(count=1_000):
        kept, tenant = f"{key!r} {await values(empty_world, key)}", keys.tenant_of(_text(key))
        found.add(tenant)
        assert [other for other in others.get(tenant, ()) if other in kept] == [], key
        if tenant not in AGENTS:  # what all share: the policy, which streams there are, and whoever is nobody
            assert "canary" not in kept, key
    assert found >= set(AGENTS)
    assert collector.spans
    assert collector.metrics.exported
    assert len(caplog.records) >= CALLS
    for span in collector.spans:
        text = str(span)
        assert not all(agent in text for agent in AGENTS.values())
        assert not ("acme" in text and "globex" in text)
    for metrics in collector.metrics.exported.values():
        for text in (str(point) for metric in metrics for point in points(metric)):
            assert not ("acme" in text and "globex" in text)
            assert not any(name in text for name in ("canary", "contacts/"))
    everywhere = "\n".join(
        (
            *(str(span) for span in collector.spans),
            *(str(metrics) for metrics in collector.metrics.exported.values()),
            *(f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "asyncio" not in record.name),
            *(f"{end.text} {end.status} {end.trailers}" for _, end in ends),
        )
    )
    assert "canary" not in everywhere
    for secret in (KEY, HOLD_KEY, REPLAY_KEY, RECORD_KEY, *(key_of(agent).encode() for agent in AGENTS.values())):
        assert [form for form in forms(secret) if form in everywhere] == []
    assert [key for key in map(key_of, AGENTS.values()) if hashlib.sha256(key.encode()).hexdigest() in everywhere] == []
