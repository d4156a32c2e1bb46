"""Sessions: who has logged in with which browser. The cookie is 256 random bits, and the store knows only its SHA-256.

A session ends after 30 minutes in which nobody uses it, whatever pages that are left open ask for by themselves; 12
hours after it began; and with everything that raises the account's count of logins: another password, being disabled.
Where the account's rights have changed since, the next request gets a new cookie; the old one still answers for a few
seconds, for the requests that are under way.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable
from typing import Any, Final, Literal, cast

import msgspec

from gateway.redis_clients import Client
from services.control.access.accounts import Account
from services.control.access.stored import session, sessions_of

IDLE_MS: Final = 30 * 60_000
LONGEST_MS: Final = 12 * 3_600_000
CONFIRMED_MS: Final = 5 * 60_000
"""How long a retyped password counts."""
TOUCH_MS: Final = 60_000
"""How coarsely it is written down when a session was last used."""
ROTATED_MS: Final = 20_000
"""How long the cookie before the present one still answers."""
MOST: Final = 20
"""Sessions of one account; a further one ends the oldest."""
COOKIE_BYTES: Final = 32

_ADD: Final = """
redis.call('HSET', KEYS[1], 'body', ARGV[1], 'seen', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return redis.call('ZRANGE', KEYS[2], 0, -1 - tonumber(ARGV[5]))
"""
_SET: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""
_ROTATE: Final = """
local body = redis.call('HGET', KEYS[1], 'body')
if not body or redis.call('HEXISTS', KEYS[1], 'until') == 1 then return 0 end
redis.call('HSET', KEYS[2], 'body', ARGV[1], 'seen', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
redis.call('HSET', KEYS[1], 'until', ARGV[4], 'after', ARGV[6])
redis.call('HDEL', KEYS[1], 'confirmed')
redis.call('ZREM', KEYS[3], ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[6])
return 1
"""


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """Its owner has just shown once more who they are."""

    until_ms: int
    key: bytes = b""
    """Their signing key, sealed under the cookie; empty where they have none."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What stays of a session from its beginning to its end."""

    account: str
    logins: int
    """The account's, when it began."""
    rights: int
    """The account's, when the cookie was made."""
    began_ms: int
    browser: str = ""
    way: Literal["password", "oidc"] = "password"
    csrf: str
    """What the tokens of its forms are made of."""
    id_token: str = ""
    """Of an OIDC provider, for logging out there."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that somebody has."""

    digest: str
    body: Body
    seen_ms: int
    confirmed: Confirmed | None = None
    until_ms: int = 0
    """Of one whose cookie was replaced: how long it still answers."""

    @property
    def id(self) -> str:
        """What it is called in lists. Nobody gets from it to the cookie."""
        return self.digest[:16]

    @property
    def ends_ms(self) -> int:
        """When it ends if nobody uses it any more."""
        return min(self.seen_ms + IDLE_MS, self.body.began_ms + LONGEST_MS, self.until_ms or self.seen_ms + IDLE_MS)

    @property
    def csrf(self) -> str:
        """The token that every unsafe request of this session must bring."""
        return hmac.new(self.body.csrf.encode(), b"pilote.dev/csrf/v1", hashlib.sha256).hexdigest()

    def is_token(self, given: str) -> bool:
        """Whether a request brings the token."""
        return hmac.compare_digest(self.csrf.encode(), given.encode())

    def is_confirmed(self, *, now_ms: int) -> bool:
        """Whether its owner has shown of late who they are."""
        return self.confirmed is not None and now_ms < self.confirmed.until_ms


class Sessions:
    """Begins, finds and ends sessions. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def begin(
        self,
        account: Account,
        *,
        browser: str,
        now_ms: int,
        way: Literal["password", "oidc"] = "password",
        id_token: str = "",
    ) -> tuple[str, Session]:
        """A new session of the account, and its cookie, which nobody can read again."""
        cookie = secrets.token_urlsafe(COOKIE_BYTES)
        body = Body(
            account=account.name,
            logins=account.logins,
            rights=account.rights,
            began_ms=now_ms,
            browser=browser,
            way=way,
            csrf=secrets.token_hex(COOKIE_BYTES),
            id_token=id_token,
        )
        digest = digest_of(cookie)
        found: Any = await self._redis.eval(
            _ADD,
            2,
            *(session(digest), sessions_of(account.name)),
            *(msgspec.json.encode(body), str(now_ms), str(now_ms + LONGEST_MS), digest, str(MOST), str(LONGEST_MS)),
        )
        for oldest in found:
            await self._end(account.name, oldest.decode())
        return cookie, Session(digest=digest, body=body, seen_ms=now_ms)

    async def find(self, cookie: str, *, now_ms: int) -> Session | None:
        """The session of a cookie, if it has not ended. Whether its account still lets it, see `holds`."""
        return await self._read(digest_of(cookie), now_ms=now_ms)

    async def touch(self, found: Session, *, now_ms: int) -> Session:
        """Write down that it is used; at most once a minute."""
        if now_ms - found.seen_ms < TOUCH_MS:
            return found
        await self._set(found.digest, "seen", str(now_ms))
        return msgspec.structs.replace(found, seen_ms=now_ms)

    async def rotate(self, found: Session, account: Account, *, now_ms: int) -> tuple[str, Session] | None:
        """A new cookie for a session whose account has got other rights; `None` where it has one already.

        What was confirmed under the old one must be confirmed again.
        """
        cookie = secrets.token_urlsafe(COOKIE_BYTES)
        digest = digest_of(cookie)
        body = msgspec.structs.replace(found.body, rights=account.rights)
        done: Any = await self._redis.eval(
            _ROTATE,
            3,
            *(session(found.digest), session(digest), sessions_of(account.name)),
            *(msgspec.json.encode(body), str(now_ms), str(body.began_ms + LONGEST_MS), str(now_ms + ROTATED_MS)),
            *(found.digest, digest, str(max(1, body.began_ms + LONGEST_MS - now_ms))),
        )
        return (cookie, Session(digest=digest, body=body, seen_ms=now_ms)) if done else None

    async def confirm(self, found: Session, key: bytes, *, now_ms: int) -> Session:
        """Write down that its owner has shown who they are; `key` is theirs, sealed under the cookie."""
        confirmed = Confirmed(until_ms=now_ms + CONFIRMED_MS, key=key)
        await self._set(found.digest, "confirmed", msgspec.json.encode(confirmed))
        return msgspec.structs.replace(found, confirmed=confirmed)

    async def of(self, account: Account, *, now_ms: int) -> tuple[Session, ...]:
        """The sessions of an account that have not ended, last used first."""
        found = [await self._read(digest, now_ms=now_ms) for digest in await self._digests(account.name)]
        mine = [each for each in found if each is not None and holds(each, account)]
        return tuple(sorted(mine, key=lambda each: (-each.seen_ms, each.digest)))

    async def end(self, account: str, *, only: str = "", but: str = "") -> int:
        """End sessions of an account: all, the one with the id `only`, or all but the one with the id `but`.

        Answers how many there were.
        """
        ended = 0
        for digest in await self._digests(account):
            named = digest[:16]
            if (only and named != only) or (but and named == but):
                continue
            await self._end(account, digest)
            ended += 1
        return ended

    async def _digests(self, account: str) -> list[str]:
        found: Any = await self._redis.zrange(sessions_of(account), 0, -1)
        return [digest.decode() for digest in found]

    async def _read(self, digest: str, *, now_ms: int) -> Session | None:
        fields = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(session(digest)))
        if b"body" not in fields:
            return None
        confirmed = fields.get(b"confirmed")
        after = fields.get(b"after")
        if after is not None and not await self._redis.exists(session(after.decode())):
            return None  # it has ended under its new cookie
        found = Session(
            digest=digest,
            body=msgspec.json.decode(fields[b"body"], type=Body),
            seen_ms=int(fields.get(b"seen", b"0")),
            confirmed=None if confirmed is None else msgspec.json.decode(confirmed, type=Confirmed),
            until_ms=int(fields.get(b"until", b"0")),
        )
        return found if now_ms < found.ends_ms else None

    async def _set(self, digest: str, field: str, value: str | bytes) -> None:
        result: Any = self._redis.eval(_SET, 1, session(digest), field, value)
        await result

    async def _end(self, account: str, digest: str) -> None:
        await self._redis.delete(session(digest))
        await self._redis.zrem(sessions_of(account), digest)


def digest_of(cookie: str) -> str:
    """What the store knows of a cookie."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def holds(found: Session, account: Account) -> bool:
    """Whether the account still lets this session be one of its own."""
    return account.state == "active" and found.body.logins == account.logins
