"""Findings in Redis, where whoever looks for them and whoever looks after them meet. A write names what it saw."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.core import keys
from gateway.redis_clients import Client
from services.findings.finding import CLOSED, Finding, Seen, found, id_of

MOST: Final = 2_000
"""Findings of a tenant that are kept: of more, closed ones that were not seen for longest are dropped, then others."""
_TRIES: Final = 20
_READ: Final = msgspec.json.Decoder(Finding)
_WRITE: Final = """
local there = redis.call('HGET', KEYS[1], ARGV[1])
local version = there and (cjson.decode(there).version or 1) or 0
if version ~= tonumber(ARGV[2]) then return there or '' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return false
"""


class FindingChanged(Exception):
    """Somebody else has changed the finding since. Nothing was written; here is how it stands."""

    def __init__(self, finding: Finding | None) -> None:
        super().__init__("the finding was changed meanwhile")
        self.finding = finding


class FindingStore:
    """The findings of every tenant. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def all(self, tenant: str) -> tuple[Finding, ...]:
        """All of a tenant, the gravest first."""
        kept: Any = await self._redis.hgetall(keys.findings(tenant))
        read = [_READ.decode(body) for body in kept.values()]
        return tuple(sorted(read, key=lambda each: (each.state in CLOSED, -each.score, each.id)))

    async def get(self, tenant: str, finding: str) -> Finding | None:
        """One; `None` where there is none of that id."""
        body: Any = await self._redis.hget(keys.findings(tenant), finding)
        return None if body is None else _READ.decode(body)

    async def see(self, seen: Sequence[Seen], *, now_ms: int) -> tuple[Finding, ...]:
        """Keep what was seen; returns the findings that are new or have opened again."""
        news: list[Finding] = []
        for each in seen:
            before, after = await self._see(each, now_ms=now_ms)
            if before is None or before.reopened != after.reopened:
                news.append(after)
        for tenant in {each.seen.tenant for each in news}:
            await self._trim(tenant)
        return tuple(news)

    async def write(self, finding: Finding) -> Finding:
        """Write over exactly that version of a finding.

        Raises:
            FindingChanged: another version is there, or none any more.
        """
        written = msgspec.structs.replace(finding, version=finding.version + 1)
        there = await self._write(written, expected=finding.version)
        if there is not None:
            raise FindingChanged(_READ.decode(there) if there else None)
        return written

    async def _see(self, seen: Seen, *, now_ms: int) -> tuple[Finding | None, Finding]:
        """What was there and what there is now; whoever writes at the same time is not written over.

        Raises:
            FindingChanged: others write it again and again.
        """
        known: Finding | None = None
        for _ in range(_TRIES):
            known = await self.get(seen.tenant, id_of(seen))
            after = found(known, seen, now_ms=now_ms)
            if after is known:
                return known, known
            if await self._write(after, expected=0 if known is None else known.version) is None:
                return known, after
        raise FindingChanged(known)

    async def _write(self, finding: Finding, *, expected: int) -> bytes | None:
        """`None` where it was written, else what is there."""
        arguments = (finding.id, expected, msgspec.json.encode(finding))
        there: Any = await self._redis.eval(_WRITE, 1, keys.findings(finding.seen.tenant), *arguments)
        return there  # type: ignore[no-any-return]

    async def _trim(self, tenant: str) -> None:
        kept = await self.all(tenant)
        if len(kept) > MOST:
            last = sorted(kept, key=lambda each: (each.state not in CLOSED, each.seen.end_ms))
            await self._redis.hdel(keys.findings(tenant), *(each.id for each in last[: len(kept) - MOST]))
