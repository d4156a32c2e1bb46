"""Passwords: hashed with Argon2id (RFC 9106), in a few threads, so that a flood of logins takes no more than those.

Browsers that are known have a thread of their own: strangers who log in all the time cannot keep the owner waiting.
"""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw

from services.control.access.texts import say
from services.not_done import NotDone

PROFILE: Final = argon2.profiles.RFC_9106_LOW_MEMORY
"""Argon2id with 3 passes over 64 MiB in 4 lanes: the second recommended option of RFC 9106, section 4."""
KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
WAITING: Final = 16
"""Most that wait for a thread; whoever comes after them is told to come back. At 0.1 s each they wait 2 s at most."""

T = TypeVar("T")


class Costs(NamedTuple):
    """What Argon2id is told to spend."""

    passes: int
    kibibytes: int
    lanes: int


class Busy(NotDone):
    """Too many passwords are being checked; come back in `retry_ms`."""

    say = staticmethod(say)

    def __init__(self, retry_ms: int = 1_000) -> None:
        seconds = -(-retry_ms // 1_000)
        super().__init__("login-busy", wait_s=seconds, seconds=seconds)
        self.retry_ms = retry_ms


class Passwords:
    """Hashes, checks and makes keys of passwords, at most `strangers` at once for strangers and one for the known."""

    def __init__(self, profile: argon2.Parameters = PROFILE, *, strangers: int = 1, waiting: int = WAITING) -> None:
        self._profile = profile
        self._hasher = argon2.PasswordHasher.from_parameters(profile)
        self._lanes = {True: _Lane(1, waiting), False: _Lane(strangers, waiting)}
        # Nobody's: as long to check as any other, and no password matches it.
        salt, digest = (_base64(secrets.token_bytes(count)) for count in (profile.salt_len, profile.hash_len))
        costs = f"m={profile.memory_cost},t={profile.time_cost},p={profile.parallelism}"
        self._nobodys = f"$argon2id$v={profile.version}${costs}${salt}${digest}"

    async def hashed(self, password: str) -> str:
        """What is kept of a password, with its salt and parameters.

        Raises:
            Busy: too many wait.
        """
        return await self._lanes[True].run(lambda: self._hasher.hash(normal(password)))

    async def matches(self, password: str, kept: str, *, known: bool = True) -> bool:
        """Whether the password is the one that `kept` was made of; empty: nobody's, which takes as long to say no.

        `known`: the browser has a device cookie, or somebody is logged in.

        Raises:
            Busy: too many wait.
        """
        return await self._lanes[known].run(lambda: self._verified(kept or self._nobodys, password))

    def stale(self, kept: str) -> bool:
        """Whether it was made with other parameters than today's, so that it should be made anew at the next login."""
        return self._hasher.check_needs_rehash(kept)

    @property
    def costs(self) -> Costs:
        """Those of today."""
        return Costs(self._profile.time_cost, self._profile.memory_cost, self._profile.parallelism)

    async def key(self, password: str, salt: bytes, *, costs: Costs) -> bytes:
        """A key of 32 bytes that only the password gives, with this salt and these costs.

        Raises:
            Busy: too many wait.
        """

        def derived() -> bytes:
            return hash_secret_raw(
                normal(password).encode(),
                salt,
                time_cost=costs.passes,
                memory_cost=costs.kibibytes,
                parallelism=costs.lanes,
                hash_len=KEY_BYTES,
                type=Type.ID,
            )

        return await self._lanes[True].run(derived)

    def close(self) -> None:
        """End the threads; what waits is cancelled."""
        for lane in self._lanes.values():
            lane.close()

    def _verified(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, normal(password))
        except (VerificationError, InvalidHashError):
            return False


def normal(password: str) -> str:
    """The password in the one form (NFKC) that every keyboard's way of writing an accent leads to."""
    return unicodedata.normalize("NFKC", password)


class _Lane:
    """A pool, not a semaphore: one that gives up waiting does not end a thread that hashes for it already."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="argon2")
        self._most = threads + waiting
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        if self._inside >= self._most:
            raise Busy
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._inside -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _base64(plain: bytes) -> str:
    return base64.b64encode(plain).rstrip(b"=").decode()
