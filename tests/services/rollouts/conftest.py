"""A policy with a rollout in a real store, an audit service that answers as it is told, and a clock of our own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.movement import rollouts_in
from gateway.core.policy.learning import Rollout
from gateway.core.rollouts import Act
from gateway.redis_clients import Client
from pilote.audit.v1 import audit_service_pb2_grpc
from services.rollouts.controller import Controller
from services.rollouts.moves import Rollouts
from tests.fakes.sums import FakeSums, fake_sums, summary
from tests.policies import policy

T0 = 1_795_514_400_000
HOUR_MS = 3_600_000
ARMS = [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm", "weight": 0}]
ROUTE = {"name": "crm", "methods": ["/pilote.*"], "arms": ARMS}


def up(**more: Any) -> dict[str, Any]:
    """A rollout of the route "crm", as people write it."""
    return {
        "name": "up",
        "route": "crm",
        "arm": "new",
        "against": "old",
        "guardrails": [{"measure": "error_rate"}],
        "success": [{"measure": "error_rate", "margin": 0.01}],
        **more,
    }


@dataclass
class Stage:
    """All of it."""

    redis: Client
    store: RevisionStore
    sums: FakeSums
    channel: grpc.aio.Channel
    now_ms: int = T0

    def controller(self) -> Controller:
        stub = audit_service_pb2_grpc.AuditServiceStub(self.channel)
        return Controller(self.store, stub, clock_ms=lambda: self.now_ms)

    async def publish(self, *rollouts: dict[str, Any], **sections: Any) -> int:
        """Publish a policy with these rollouts."""
        revision = load(policy(**{"routes": [ROUTE], "rollouts": list(rollouts)} | sections))
        document = msgspec.Raw(canonical(revision.document))
        published = Published(sha256=revision.sha256, author="", created_ms=self.now_ms, document=document)
        return await self.store.publish(published)

    async def do(self, what: Act, *, name: str = "up", by: str = "") -> Rollout:
        """What a person does."""
        rollouts = Rollouts(self.redis, language="en", clock_ms=lambda: self.now_ms)
        return (await rollouts.do(name, what, reason="because", by=by))[1]

    async def rollout(self, name: str = "up") -> Rollout:
        """The rollout as the active revision has it."""
        published = await self.store.read(await self.store.active())
        assert published is not None
        return next(each for each in rollouts_in(bytes(published.document)) if each.name == name)

    async def people(self, count: int, *, rates: tuple[float, float] = (0.02, 0.02), **more: Any) -> None:
        """So many people have come on this step, in its shares; the rates are the candidate's and the other arm's."""
        share = (await self.rollout()).share
        candidate = count * share // 10_000
        told = {"revision": await self.store.active(), "last_ms": self.now_ms - 1} | more
        self.sums.arms = [
            summary(arm, people, failed=round(people * rate), **told)
            for arm, people, rate in zip(("new", "old"), (candidate, count - candidate), rates, strict=True)
        ]

    async def reasons(self) -> list[str]:
        """Why each revision was published, from the first."""
        found = [await self.store.read(number) for number in range(1, await self.store.active() + 1)]
        return [each.reason for each in found if each is not None]


@pytest.fixture
async def stage(redis: Client) -> AsyncIterator[Stage]:
    async with contextlib.AsyncExitStack() as stack:
        sums = await stack.enter_async_context(fake_sums())
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{sums.port}"))
        yield Stage(redis, RevisionStore(redis), sums, channel)
