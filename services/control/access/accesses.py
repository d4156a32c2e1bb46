"""Everything about who people are, put together once for a process."""

from collections.abc import Callable, Sequence
from typing import Final

import argon2

from gateway.redis_clients import Client
from services.control.access.account_store import AccountStore
from services.control.access.administration import Administration
from services.control.access.cookies import Cookies
from services.control.access.devices import Devices
from services.control.access.entrance import Entrance
from services.control.access.knowing import Knowing
from services.control.access.passwords import PROFILE, Passwords
from services.control.access.sessions import Sessions
from services.control.access.throttling import Throttle
from services.control.access.tokens import Tokens


class Access:
    """The parts; see each of them."""

    def __init__(
        self,
        redis: Client,
        *,
        keys: Sequence[bytes],
        url: str = "",
        clock_ms: Callable[[], int],
        profile: argon2.Parameters = PROFILE,
    ) -> None:
        """`keys` are the control plane's own, of 32 bytes; `url` is where browsers reach it, empty on loopback."""
        self.cookies: Final = Cookies(url)
        self.passwords: Final = Passwords(profile)
        self.accounts: Final = AccountStore(redis)
        self.sessions: Final = Sessions(redis)
        self.tokens: Final = Tokens(redis)
        self.administration: Final = Administration(self.accounts, self.sessions, passwords=self.passwords)
        self.entrance: Final = Entrance(
            self.accounts,
            self.sessions,
            passwords=self.passwords,
            throttle=Throttle(redis),
            devices=Devices(keys),
        )
        self.knowing: Final = Knowing(
            self.accounts,
            self.sessions,
            tokens=self.tokens,
            entrance=self.entrance,
            cookies=self.cookies,
            clock_ms=clock_ms,
        )

    def close(self) -> None:
        """End the threads that hash."""
        self.passwords.close()
