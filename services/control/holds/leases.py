"""Who looks at a hold now, so that two people never decide about the same one.

A lease is a courtesy among people: it says who is at it, and keeps others from deciding meanwhile. That a hold is
decided once only does not rest on it; see `gateway.core.holds`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.redis_clients import Client

LEASE_MS: Final = 5 * 60_000
"""How long a lease lasts, unless its holder renews it."""
_PREFIX: Final = "pilote:control:{control}:lease:"

# KEYS[1] the lease; ARGV: who asks, now, and the lease as it would be. Gives the lease that is in force then.
_CLAIM: Final = """
local kept = redis.call('GET', KEYS[1])
if kept then
  local lease = cjson.decode(kept)
  if lease.holder ~= ARGV[1] and lease.until_ms > tonumber(ARGV[2]) then return kept end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return ARGV[3]
"""
# KEYS[1] the lease; ARGV[1]: who gives it back. Only its holder can.
_RELEASE: Final = """
local kept = redis.call('GET', KEYS[1])
if kept and cjson.decode(kept).holder == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody looks at a hold until then, milliseconds since the epoch."""

    holder: str
    until_ms: int


class Leases:
    """The leases of all holds. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def claim(self, hold_id: str, *, by: str, now_ms: int) -> Lease:
        """Take the lease, or renew one's own; gives the one in force, which is another's where they were faster."""
        wanted = msgspec.json.encode(Lease(holder=by, until_ms=now_ms + LEASE_MS))
        kept = await self._redis.eval(_CLAIM, 1, _PREFIX + hold_id, by, now_ms, wanted, LEASE_MS)
        return msgspec.json.decode(kept, type=Lease)

    async def release(self, hold_id: str, *, by: str) -> bool:
        """Give one's own lease back; says whether one had it."""
        return bool(await self._redis.eval(_RELEASE, 1, _PREFIX + hold_id, by))

    async def of(self, ids: Sequence[str], *, now_ms: int) -> Mapping[str, Lease]:
        """The leases of these holds that are in force."""
        kept = await self._redis.mget([_PREFIX + each for each in ids]) if ids else ()
        found = {
            each: msgspec.json.decode(blob, type=Lease)
            for each, blob in zip(ids, kept, strict=True)
            if blob is not None
        }
        return {each: lease for each, lease in found.items() if lease.until_ms > now_ms}
