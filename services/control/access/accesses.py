"""Everything about who people are, put together once for a process."""

from collections.abc import Callable, Sequence
from typing import Final

import argon2

from gateway.adapters.sealing import Sealer
from gateway.redis_clients import Client
from services.control.access.account_store import AccountStore
from services.control.access.administration import Administration
from services.control.access.cookies import Cookies
from services.control.access.devices import Devices
from services.control.access.entrance import Entrance
from services.control.access.knowing import Knowing
from services.control.access.oidc.company import Company
from services.control.access.oidc.configuration import Oidc
from services.control.access.oidc.provider import Provider
from services.control.access.passwords import PROFILE, Passwords
from services.control.access.sessions import Sessions
from services.control.access.throttling import Throttle
from services.control.access.tokens import Tokens

CALLBACK: Final = "/oidc/callback"
"""Where a provider sends browsers back to."""


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
        oidc: Oidc | None = None,
    ) -> None:
        """`keys` are the control plane's own, of 32 bytes; `url` is where browsers reach it, empty on loopback.

        With `oidc` people may log in through a provider too, which sends them back to `url`.
        """
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

        self.company: Final = self._company(oidc, keys, clock_ms=clock_ms) if oidc is not None else None

    def close(self) -> None:
        """End the threads that hash."""
        self.passwords.close()

    def _company(self, oidc: Oidc, keys: Sequence[bytes], *, clock_ms: Callable[[], int]) -> Company:
        provider = Provider(oidc, redirect_uri=f"{self.cookies.url}{CALLBACK}", clock_ms=clock_ms)
        return Company(
            oidc,
            provider,
            accounts=self.accounts,
            sessions=self.sessions,
            entrance=self.entrance,
            sealer=Sealer(keys),
            clock_ms=clock_ms,
        )
