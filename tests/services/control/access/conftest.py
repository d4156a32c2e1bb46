"""Accounts on a real store, with passwords that are hashed as cheaply as can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import argon2
import pytest

from gateway.redis_clients import Client
from services.control.access.accesses import Access
from services.control.access.accounts import Account
from services.control.access.entrance import LoggedIn, Refused
from services.control.access.rights import Role

KEY: Final = b"k" * 32
GOOD: Final = "seven green umbrellas"
NETWORK: Final = "192.0.2.7"


@dataclass
class Clock:
    """The time, as tests set it."""

    now_ms: int = 1_790_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class House:
    """Access with a clock, and shortcuts."""

    access: Access
    clock: Clock

    async def log_in(self, name: str, password: str = GOOD, **more: Any) -> LoggedIn | Refused:
        options = {"network": NETWORK, "now_ms": self.clock.now_ms, **more}
        return await self.access.entrance.log_in(name, password, **options)

    async def somebody(self, name: str = "ada", **grants: tuple[Role, ...]) -> LoggedIn:
        """An account whose owner has chosen the password `GOOD`, and has a session."""
        account = Account(name=name, grants=grants or {"*": (Role.OFFICER,)}, created_ms=self.clock.now_ms)
        _, once = await self.access.administration.add(account, now_ms=self.clock.now_ms)
        first = await self.log_in(name, once)
        assert isinstance(first, LoggedIn)
        done = await self.access.entrance.change_password(
            first.session, account=first.account, old=once, new=GOOD, device=first.device, now_ms=self.clock.now_ms
        )
        assert isinstance(done, LoggedIn)
        return done


@pytest.fixture
def house(redis: Client) -> Iterator[House]:
    """Access on an empty store."""
    clock = Clock()
    access = Access(redis, keys=(KEY,), clock_ms=clock, profile=argon2.profiles.CHEAPEST)
    yield House(access, clock)
    access.close()
