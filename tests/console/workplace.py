"""A gateway at work, its audit service, and a control plane whose people steer them in browsers."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.adapters.stops import StopStore
from gateway.adapters.workers import Workers
from gateway.core.stops import Stop
from gateway.redis_clients import connected
from services.control.access.accesses import Access
from services.control.access.accounts import Account, Secrets
from services.control.access.passwords import PROFILE
from services.control.access.rights import Role
from services.control.options import Options
from services.control.server import running
from tests.console.visiting import Visitor
from tests.e2e.insiders import CONTROL_KEY
from tests.e2e.policy import Data
from tests.e2e.waiting import eventually
from tests.e2e.world import HOLD_KEY, KEY, Auditor, World, auditing
from tests.fakes.upstream import FakeUpstream, fake_upstream


@dataclass
class Workplace:
    """Everything that runs."""

    world: World
    upstream: FakeUpstream
    auditor: Auditor
    access: Access
    url: str

    async def publish(self, data: Data) -> int:
        """Activate a policy, and wait until gateway and control plane go by it."""
        number = await self.world.publish(data)
        await self.follows(number)
        return number

    async def follows(self, number: int) -> None:
        """Wait until the control plane goes by that revision."""

        async def look() -> bool | None:
            reports = await Workers(self.world.redis).all()
            return any(each.worker.startswith("control-") and each.revision == number for each in reports) or None

        await eventually(look, what=f"the control plane follows revision {number}")

    async def enter(self, visitor: Visitor, name: str, *roles: Role, tenant: str = "*") -> Visitor:
        """Let somebody new, with these roles, have logged in in that browser; they cannot sign."""
        now_ms = self.world.clock()
        account = Account(name=name, grants={tenant: roles}, created_ms=now_ms)
        await self.access.accounts.create(account, Secrets())
        cookie, _ = await self.access.sessions.begin(account, browser="", now_ms=now_ms)
        await visitor.context.add_cookies([{"name": self.access.cookies.session, "value": cookie, "url": self.url}])
        return visitor

    async def stop(self, what: str, reason: str, *, tenant: str = "acme") -> None:
        """Somebody else has stopped that."""
        made = Stop(what=what, reason=reason, since_ms=self.world.clock(), by="bob")
        await StopStore(self.world.redis).stop(tenant, made)


@contextlib.asynccontextmanager
async def working(
    redis_url: str, home: Path, *, options: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Workplace]:
    """All of it until the block ends; no policy is active yet.

    `options` are more of the control plane's, `settings` those of the audit service.
    """
    more = dict(options or {})
    async with contextlib.AsyncExitStack() as stack:
        redis = await connected(redis_url)
        stack.push_async_callback(redis.aclose)
        await redis.flushall()
        upstream = await stack.enter_async_context(fake_upstream())
        world = World(redis, redis_url, home, stack)
        await world.gateway()
        auditor = await stack.enter_async_context(auditing(redis_url, home / "audit", **settings))
        hashing = more.get("hashing", PROFILE)
        access = Access(redis, keys=(CONTROL_KEY,), clock_ms=world.clock, profile=hashing)
        stack.callback(access.close)
        port = await stack.enter_async_context(
            running(
                Options(
                    listen="127.0.0.1:0",
                    redis_url=redis_url,
                    audit=auditor.address,
                    pseudonym_key=KEY,
                    drain_seconds=0.5,
                    hold_keys=(HOLD_KEY,),
                    control_keys=(CONTROL_KEY,),
                    **({"insights": "127.0.0.1:1"} | more),
                )
            )
        )
        yield Workplace(world, upstream, auditor, access, f"http://127.0.0.1:{port}")
        assert await world.seen.leaks() == []
