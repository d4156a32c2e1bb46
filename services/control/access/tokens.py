"""API tokens: what a program of somebody's asks with. Shown once; the store keeps the SHA-256.

`plt_<id>_<secret><checksum>`: the prefix and the CRC-32 let scanners of repositories find one that leaked, and us
refuse a mistyped one without asking the store. A token gives at most what its owner may at the time of use, and dies
with the account.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Awaitable
from typing import Annotated, Any, Final, cast

import msgspec

from gateway.redis_clients import Client
from services.control.access.accounts import Account, AccountProblem
from services.control.access.keyring import Key
from services.control.access.rights import EVERYWHERE, INSTALLATION, Right, Rights
from services.control.access.stored import TOKENS, TOKENS_USED, tokens_of

SIGN: Final = "sign"
"""The scope that lets a token sign revisions with the account's key."""
DAY_MS: Final = 24 * 3_600_000
LONGEST_DAYS: Final = 365
DEFAULT_DAYS: Final = 90
MOST: Final = 50
"""Tokens of one account, those that are over included until they are revoked."""
USED_MS: Final = 10 * 60_000
"""How coarsely it is written down when a token was last used."""
PREFIX: Final = "plt"
_BASE: Final = string.digits + string.ascii_letters
_ID_CHARACTERS, _SECRET_CHARACTERS, _CHECK_CHARACTERS = 12, 43, 6  # 43 of 62 characters: 256 bits
_TOKEN: Final = re.compile(
    rf"{PREFIX}_([0-9A-Za-z]{{{_ID_CHARACTERS}}})_([0-9A-Za-z]{{{_SECRET_CHARACTERS}}})([0-9A-Za-z]{{{_CHECK_CHARACTERS}}})"
)
_ADD: Final = """
if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[3]) then return 0 end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""
_REMOVE: Final = """
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])
"""
_USED: Final = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
return 1
"""
TokenName = Annotated[str, msgspec.Meta(min_length=1, max_length=63, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token as the store keeps it."""

    id: str
    account: str
    name: str
    digest: str
    """SHA-256 of the whole token."""
    scopes: tuple[str, ...]
    """Rights, and `SIGN`."""
    tenants: tuple[str, ...] = (EVERYWHERE,)
    created_ms: int
    expires_ms: int
    public_key: str = ""
    """Of the key that it signs with; the account may have another one by now."""
    key: bytes = b""
    """That key, sealed under the token's secret; empty where it may not sign."""

    def rights(self, owner: Rights) -> Rights:
        """What it gives, of what its owner may do."""
        wanted = {Right(scope) for scope in self.scopes if scope != SIGN} | {Right.OWN}
        if EVERYWHERE in self.tenants:
            return Rights({tenant: rights & wanted for tenant, rights in owner.by_tenant.items()})
        everywhere = owner.by_tenant.get(EVERYWHERE, frozenset())
        wanted -= INSTALLATION  # over what all tenants share, which a token for some of them is not
        return Rights(
            {tenant: (owner.by_tenant.get(tenant, frozenset()) | everywhere) & wanted for tenant in self.tenants}
        )

    @property
    def may_sign(self) -> bool:
        """Whether its owner lets it sign revisions."""
        return SIGN in self.scopes


class Tokens:
    """Makes, finds and revokes tokens. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def make(
        self,
        account: Account,
        *,
        name: str,
        scopes: tuple[str, ...],
        tenants: tuple[str, ...] = (EVERYWHERE,),
        days: int = DEFAULT_DAYS,
        key: Key | None = None,
        now_ms: int,
    ) -> tuple[Token, str]:
        """A new token, and the whole of it, which nobody can read again. `key` is what it signs with, if it may.

        Raises:
            AccountProblem: its account has too many.
        """
        token_id = _characters(_ID_CHARACTERS)
        head = f"{PREFIX}_{token_id}_{_characters(_SECRET_CHARACTERS)}"
        text = head + _checksum(head)
        token = Token(
            id=token_id,
            account=account.name,
            name=name,
            digest=_digest(text),
            scopes=tuple(sorted(set(scopes))),
            tenants=tuple(sorted(set(tenants))),
            created_ms=now_ms,
            expires_ms=now_ms + days * DAY_MS,
            public_key="" if key is None else key.public_key,
            key=b"" if key is None else key.under_secret(account.name, text),
        )
        await self._add(token)
        return token, text

    async def find(self, text: str, *, now_ms: int) -> Token | None:
        """The token that somebody asks with, if it is one and not over."""
        parts = _TOKEN.fullmatch(text)
        if parts is None or _checksum(f"{PREFIX}_{parts[1]}_{parts[2]}") != parts[3]:
            return None
        body = await cast("Awaitable[bytes | None]", self._redis.hget(TOKENS, parts[1]))
        if body is None:
            return None
        token = msgspec.json.decode(body, type=Token)
        if not hmac.compare_digest(token.digest, _digest(text)) or now_ms >= token.expires_ms:
            return None
        return token

    async def use(self, token: Token, *, now_ms: int) -> None:
        """Write down that it is used; at most every ten minutes."""
        if now_ms - await self._used(token.id) >= USED_MS:
            result: Any = self._redis.eval(_USED, 2, TOKENS, TOKENS_USED, token.id, str(now_ms))
            await result

    async def of(self, account: str) -> tuple[tuple[Token, int], ...]:
        """The tokens of an account, newest first, and when each was last used: milliseconds, 0 for never."""
        ids = await cast("Awaitable[set[bytes]]", self._redis.smembers(tokens_of(account)))
        if not ids:
            return ()
        order = sorted(ids)
        bodies = await cast("Awaitable[list[bytes | None]]", self._redis.hmget(TOKENS, order))
        used = await cast("Awaitable[list[bytes | None]]", self._redis.hmget(TOKENS_USED, order))
        found = [
            (msgspec.json.decode(body, type=Token), int(at or 0))
            for body, at in zip(bodies, used, strict=True)
            if body is not None
        ]
        return tuple(sorted(found, key=lambda each: (-each[0].created_ms, each[0].id)))

    async def revoke(self, account: str, token_id: str) -> bool:
        """End a token of an account; answers whether there was one."""
        if token_id not in {token.id for token, _ in await self.of(account)}:
            return False
        done: Any = await self._redis.eval(_REMOVE, 3, TOKENS, tokens_of(account), TOKENS_USED, token_id)
        return bool(done)

    async def _add(self, token: Token) -> None:
        keys = (TOKENS, tokens_of(token.account))
        done: Any = await self._redis.eval(_ADD, 2, *keys, token.id, msgspec.json.encode(token), str(MOST))
        if not done:
            raise AccountProblem("tokens-many", most=MOST)

    async def _used(self, token_id: str) -> int:
        return int(await cast("Awaitable[bytes | None]", self._redis.hget(TOKENS_USED, token_id)) or 0)


def _characters(count: int) -> str:
    return "".join(secrets.choice(_BASE) for _ in range(count))


def _checksum(head: str) -> str:
    value, digits = zlib.crc32(head.encode()), ""
    for _ in range(_CHECK_CHARACTERS):
        value, digit = divmod(value, len(_BASE))
        digits = _BASE[digit] + digits
    return digits


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
