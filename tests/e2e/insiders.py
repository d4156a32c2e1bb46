"""People with accounts who ask the control plane over HTTP, as their browsers and programs do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import argon2
import requests

from gateway.clock import clock_ms
from gateway.redis_clients import Client
from services.control.access.accesses import Access
from services.control.access.accounts import Account
from services.control.access.rights import Role
from services.control.options import Options
from services.control.server import running
from tests.e2e.world import KEY

GOOD: Final = "seven green umbrellas"
CONTROL_KEY: Final = b"c" * 32


@dataclass
class Browser:
    """A browser: it keeps cookies, and the token of its session's forms."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)
    csrf: str = ""

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        lang: str = "en",
        within: float = 120,
    ) -> requests.Response:
        """What is answered, within so many seconds."""
        sent = {"accept-language": lang, "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
        sent |= {"x-csrf-token": self.csrf} if self.csrf else {}
        sent |= headers or {}
        return await asyncio.to_thread(
            lambda: self.session.request(method, f"{self.url}{path}", json=body, headers=sent, timeout=within)
        )

    async def log_in(self, name: str, password: str = GOOD, **more: Any) -> requests.Response:
        """Log in; remembers the token."""
        return self._in(await self.ask("POST", "/v1/session", {"name": name, "password": password}, **more))

    async def change_password(self, old: str, new: str = GOOD) -> requests.Response:
        """Choose another password; remembers the token of the new session."""
        return self._in(await self.ask("POST", "/v1/session/password", {"old": old, "new": new}))

    async def confirm(self, password: str = GOOD) -> requests.Response:
        """Retype the password."""
        return await self.ask("POST", "/v1/session:confirm", {"password": password})

    def _in(self, answer: requests.Response) -> requests.Response:
        if answer.ok:
            self.csrf = answer.json()["csrfToken"]
        return answer


@dataclass
class Inside:
    """A control plane with accounts."""

    url: str
    access: Access

    @property
    def now_ms(self) -> int:
        """The time."""
        return clock_ms()

    def browser(self) -> Browser:
        """A browser that nobody has used yet."""
        return Browser(self.url)

    async def somebody(self, name: str, *roles: Role, tenant: str = "*") -> Browser:
        """A browser in which somebody new has logged in, with a password of their own."""
        account = Account(name=name, grants={tenant: roles}, created_ms=clock_ms())
        _, once = await self.access.administration.add(account, now_ms=clock_ms())
        browser = self.browser()
        assert (await browser.log_in(name, once)).ok
        assert (await browser.change_password(once)).ok
        return browser


@asynccontextmanager
async def inside(redis: Client, redis_url: str, *, audit: str = "127.0.0.1:1", **more: Any) -> AsyncIterator[Inside]:
    """A control plane, and the accounts of its store. `audit` is its audit service; by default none answers."""
    cheap = argon2.profiles.CHEAPEST  # a real one takes most of a test's time
    access = Access(redis, keys=(CONTROL_KEY,), clock_ms=clock_ms, profile=cheap)
    options = {
        "listen": "127.0.0.1:0",
        "pseudonym_key": KEY,
        "hashing": cheap,
        "drain_seconds": 0.5,
        "control_keys": (CONTROL_KEY,),
        **more,
    }
    try:
        async with running(Options(redis_url=redis_url, audit=audit, **options)) as port:
            yield Inside(f"http://127.0.0.1:{port}", access)
    finally:
        access.close()
