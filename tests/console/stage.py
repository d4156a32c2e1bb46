"""Where stories are played: a gateway at work, and people who log in with names and passwords of their own."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import argon2
from playwright.async_api import expect

from gateway.adapters.revisions import RevisionStore
from services.control.access.rights import Role
from tests.console.visiting import Visitor
from tests.console.workplace import Workplace, working
from tests.e2e.insiders import GOOD, Inside
from tests.e2e.policy import Data
from tests.e2e.world import REPLAY_KEY
from tests.fakes.upstream import FakeUpstream, fake_upstream
from tests.signatures import PEOPLE, entry, published

expect.set_options(timeout=30_000)  # the machine may have other things to do
CAST: dict[str, Role | tuple[Role, ...]] = {
    "ora": Role.OFFICER,
    "carl": Role.COPILOT,
    "zoe": Role.MODERATOR,
    "sam": Role.SRE,
    "aud": Role.AUDITOR,
    "dora": Role.AUDITOR,
    "fleur": tuple(Role),
}
"""Who is who, in every tenant. fleur may do everything."""


@dataclass
class Stage:
    """Everything that a story needs."""

    work: Workplace
    new: FakeUpstream
    """The upstream of candidates."""
    visit: Callable[..., Awaitable[Visitor]]

    @property
    def store(self) -> RevisionStore:
        """The revisions."""
        return RevisionStore(self.work.world.redis)

    async def begins(self, data: Data, *, age_ms: int = 0) -> int:
        """Make a policy active that others have agreed to, and that names everybody who may write or approve.

        `age_ms` is how long ago it is said to have been made.
        """
        accounts = [await self.work.access.accounts.known(name) for name in ("ora", "carl", "fleur")]
        people = [*PEOPLE, *({"name": each.name, "public_key": each.public_key} for each in accounts)]
        signed = published(
            self.work.world.document(data | {"people": people}),
            author="ada",
            created_ms=self.work.world.clock() - age_ms,
        )
        base = await self.store.active()
        before = await self.store.entry(base) if base else None
        approved = entry(signed, "bob", base=base, before=before)
        number = (
            await self.store.add(signed, approved, replacing=base) if base else await self.store.add(signed, approved)
        )
        await self.runs(number)
        return number

    async def runs(self, number: int = 0) -> int:
        """Wait until gateway and control plane go by that revision, by default the active one."""
        number = number or await self.store.active()
        await self.work.world.wait_for(number)
        await self.work.follows(number)
        return number

    async def comes(self, name: str, path: str = "/", **look: Any) -> Visitor:
        """Somebody of the cast opens a browser and logs in, on the way to a page."""
        visitor = await self.visit(self.work.url, **look)
        page = await visitor.go(path)
        await visitor.log_in(name, GOOD)
        await page.wait_for_url(lambda url: "/login" not in url)
        return visitor


async def confirms(visitor: Visitor) -> None:
    """Retype the password, which the page asks for."""
    dialog = visitor.page.locator("dialog#confirm[open]")
    await dialog.locator("#confirm-password").fill(GOOD)
    await dialog.locator("button.main").click()


async def submits(visitor: Visitor, why: str) -> str:
    """Sign the draft that is being reviewed; gives the path of the proposal that it becomes."""
    visitor.expected.add(403)  # who signs retypes the password, which the server says so
    page = visitor.page
    await page.get_by_label("Why").fill(why)
    await page.get_by_role("button", name="Sign and submit").click()
    await confirms(visitor)
    await page.wait_for_url("**/policy/proposals/*")
    return page.url.removeprefix(visitor.url)


async def approves(visitor: Visitor, proposal: str) -> None:
    """Agree to a proposal of somebody else, which is then active."""
    visitor.expected.add(403)
    page = await visitor.go(proposal)
    await page.get_by_role("button", name="Approve").click()
    await confirms(visitor)
    await expect(page.locator(".page-head .badge")).to_have_text("Active")


@contextlib.asynccontextmanager
async def staged(redis_url: str, home: Path) -> AsyncIterator[tuple[Workplace, FakeUpstream]]:
    """A workplace where everybody of the cast has an account."""
    cheap = argon2.profiles.CHEAPEST  # a real one takes most of a test's time
    keys = {"hashing": cheap, "replay_keys": (REPLAY_KEY,)}
    async with fake_upstream() as new, working(redis_url, home, options=keys) as work:
        inside = Inside(work.url, work.access)
        for name, roles in CAST.items():
            await inside.somebody(name, *(roles if isinstance(roles, tuple) else (roles,)))
        yield work, new
