"""A gateway at work, its audit service, and a control plane whose people steer them in browsers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.activation.standing import Standing
from gateway.adapters.revisions import RevisionStore
from gateway.adapters.stops import StopStore
from gateway.core.stops import Stop
from gateway.instance import instance
from gateway.redis_clients import connected
from services.control import server
from services.control.access.principals import Asked, Door, Principal
from services.control.access.rights import Role, rights_of
from services.control.api.operations import Operations
from services.control.app import application
from services.control.audit_client import AuditClient
from services.control.console.console import Console
from services.control.console.page import Parts
from services.control.policy import ActivePolicy
from tests.console.visiting import Visitor
from tests.e2e.policy import Data
from tests.e2e.waiting import eventually
from tests.e2e.world import HOLD_KEY, Auditor, World, auditing
from tests.fakes.upstream import FakeUpstream, fake_upstream

_WHO: Final = "who"
_OF: Final = "grants"


@dataclass
class Workplace:
    """Everything that runs."""

    world: World
    upstream: FakeUpstream
    auditor: Auditor
    policy: ActivePolicy
    url: str

    async def publish(self, data: Data) -> int:
        """Activate a policy, and wait until gateway and control plane go by it."""
        number = await self.world.publish(data)

        async def followed() -> bool | None:
            return (self.policy.revision is not None and self.policy.revision.number == number) or None

        await eventually(followed, what=f"the control plane follows revision {number}")
        return number

    async def enter(self, visitor: Visitor, name: str, *roles: Role, tenant: str = "*") -> Visitor:
        """Let somebody be known in that browser, with these roles."""
        grants = ".".join(role.value for role in roles)
        values = {_WHO: name, _OF: f"{tenant}~{grants}"}
        await visitor.context.add_cookies(
            [{"name": key, "value": each, "url": self.url} for key, each in values.items()]
        )
        return visitor

    async def stop(self, what: str, reason: str, *, tenant: str = "acme") -> None:
        """Somebody else has stopped that."""
        made = Stop(what=what, reason=reason, since_ms=self.world.clock(), by="bob")
        await StopStore(self.world.redis).stop(tenant, made)


@contextlib.asynccontextmanager
async def working(redis_url: str, home: Path, **audit: Any) -> AsyncIterator[Workplace]:
    """All of it until the block ends; no policy is active yet."""
    async with contextlib.AsyncExitStack() as stack:
        redis = await stack.enter_async_context(await connected(redis_url))
        await redis.flushall()
        upstream = await stack.enter_async_context(fake_upstream())
        world = World(redis, redis_url, home, stack)
        await world.gateway()
        auditor = await stack.enter_async_context(auditing(redis_url, home / "audit", **audit))
        standing = Standing(instance("control"), clock_ms=world.clock, told=lambda _, __: None)
        policy = ActivePolicy(standing)
        await stack.enter_async_context(_following(RevisionStore(redis), policy))
        operations = Operations(
            redis, auditor.stub, policy, hold_keys=(HOLD_KEY,), signers=lambda _: None, clock_ms=world.clock
        )
        parts = Parts(
            redis=redis, policy=policy, audit=AuditClient(auditor.stub), operations=operations, clock_ms=world.clock
        )
        console = Console(parts)
        app = application(console.handlers(), Door((_known,)), templates=console.templates())
        serving = server._serving(app, listen="127.0.0.1:0", drain_seconds=0.5, ending=lambda: None)
        port = await stack.enter_async_context(serving)
        yield Workplace(world, upstream, auditor, policy, f"http://127.0.0.1:{port}")
        assert await world.seen.leaks() == []


@contextlib.asynccontextmanager
async def _following(store: RevisionStore, policy: ActivePolicy) -> AsyncIterator[None]:
    task = asyncio.create_task(store.follow(policy.swap))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _known(request: Asked) -> Principal | None:
    name = request.cookies.get(_WHO)
    if not name:
        return None
    tenant, _, roles = request.cookies[_OF].partition("~")
    rights = rights_of({tenant: [Role(role) for role in roles.split(".") if role]})
    return Principal(name=name, kind="session", rights=rights)
