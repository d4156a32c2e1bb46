"""Accounts in Redis. Every change names what it was made from, and is one script: no admin overwrites another.

The script also sees to it that an active admin stays whose role holds everywhere, whoever asks at the same time.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import msgspec

from gateway.redis_clients import Client
from services.control.access.accounts import Account, AccountProblem, Secrets
from services.control.access.stored import ACCOUNTS, ADMINS, LINKS, SECRETS

ATTEMPTS: Final = 50
_PUT: Final = """
local name, before, after, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local admin, was, link, first = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if first == '1' and redis.call('HLEN', KEYS[1]) > 0 then return 'not-first' end
if (redis.call('HGET', KEYS[1], name) or '') ~= before then return 'changed' end
local is_admin = redis.call('SISMEMBER', KEYS[3], name) == 1
if is_admin and admin == '0' and redis.call('SCARD', KEYS[3]) == 1 then return 'last-admin' end
if link ~= '' then
  local other = redis.call('HGET', KEYS[4], link)
  if other and other ~= name then return 'linked' end
end
redis.call('HSET', KEYS[1], name, after)
if kept ~= '' then redis.call('HSET', KEYS[2], name, kept) end
redis.call(admin == '1' and 'SADD' or 'SREM', KEYS[3], name)
if was ~= link and was ~= '' then redis.call('HDEL', KEYS[4], was) end
if link ~= '' then redis.call('HSET', KEYS[4], link, name) end
return 'done'
"""
Edit = Callable[[Account], Account]


class AccountStore:
    """Reads and changes accounts. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def read(self, name: str) -> Account | None:
        """The account of that name."""
        body = await self._body(name)
        return None if body is None else msgspec.json.decode(body, type=Account)

    async def known(self, name: str) -> Account:
        """The account of that name.

        Raises:
            AccountProblem: there is none.
        """
        account = await self.read(name)
        if account is None:
            raise AccountProblem("account-unknown", name=name)
        return account

    async def linked(self, link: str) -> Account | None:
        """The account that an OIDC provider knows by that."""
        name = await cast("Awaitable[bytes | None]", self._redis.hget(LINKS, link))
        return None if name is None else await self.read(name.decode())

    async def all(self) -> tuple[Account, ...]:
        """All accounts, by name."""
        bodies = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(ACCOUNTS))
        return tuple(msgspec.json.decode(bodies[name], type=Account) for name in sorted(bodies))

    async def any(self) -> bool:
        """Whether there is an account."""
        return bool(await self._redis.hlen(ACCOUNTS))

    async def secrets(self, name: str) -> Secrets:
        """What is kept of their password."""
        body = await cast("Awaitable[bytes | None]", self._redis.hget(SECRETS, name))
        return Secrets() if body is None else msgspec.json.decode(body, type=Secrets)

    async def create(self, account: Account, kept: Secrets, *, only_first: bool = False) -> None:
        """Add an account; `only_first`: if there is none at all yet.

        Raises:
            AccountProblem: there is one of that name, or of that person at a provider, or any where none may be.
        """
        await self._put(account, b"", kept=kept, was="", only_first=only_first)

    async def change(
        self, name: str, edit: Edit, *, version: int | None = None, kept: Secrets | None = None
    ) -> Account:
        """Replace an account by what `edit` makes of it, which may be asked again where somebody else was faster.

        Answers the new one. `version` is the one that the change was made from; with none any will do. `kept` replaces
        its secrets in the same step; give the version then, since they were made for one.

        Raises:
            AccountProblem: there is none; it has another version; the last admin would go; another one has the link.
        """
        for _ in range(ATTEMPTS):
            body = await self._body(name)
            if body is None:
                raise AccountProblem("account-unknown", name=name)
            before = msgspec.json.decode(body, type=Account)
            if version is not None and before.version != version:
                raise AccountProblem("account-changed", etag=before.etag, name=name)
            edited = edit(before)
            if edited == before and kept is None:
                return before
            after = msgspec.structs.replace(edited, version=before.version + 1)
            try:
                await self._put(after, body, kept=kept, was=before.link)
            except AccountProblem as problem:
                if problem.code == "account-changed":
                    continue
                raise
            return after
        raise AccountProblem("account-changed", name=name)

    async def _body(self, name: str) -> bytes | None:
        return await cast("Awaitable[bytes | None]", self._redis.hget(ACCOUNTS, name))

    async def _put(
        self, account: Account, before: bytes, *, kept: Secrets | None, was: str, only_first: bool = False
    ) -> None:
        done: Any = await self._redis.eval(
            _PUT,
            4,
            *(ACCOUNTS, SECRETS, ADMINS, LINKS),
            *(account.name, before, msgspec.json.encode(account)),
            b"" if kept is None else msgspec.json.encode(kept),
            *(_flag(account.is_admin), was, account.link, _flag(only_first)),
        )
        code = done.decode()
        if code == "changed" and not before:
            code = "there"
        if code != "done":
            raise AccountProblem(f"account-{code}", name=account.name)


def _flag(value: object) -> str:
    return "1" if value else "0"
