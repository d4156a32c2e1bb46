"""Keeps what waits for a second person in Redis, so that all control planes know it. Two never decide the same one."""

from typing import Any, Final

import msgspec

from gateway.redis_clients import Client
from services.control.access.stored import CONTROL
from services.control.approvals.asked import KEPT_MS, Approval, ended

APPROVALS: Final = f"{CONTROL}:approvals"
"""Hash: id -> approval, as JSON."""
WAITING: Final = f"{CONTROL}:approvals:waiting"
"""Hash: what is asked for -> id of the approval that waits for it."""
MOST_WAITING: Final = 1_000

# KEYS: approvals, waiting; ARGV: id, approval, what it asks for, the most that may wait.
# Gives the id that waits for it now; empty where too many wait.
_CREATE: Final = """
local there = redis.call('HGET', KEYS[2], ARGV[3])
if there then return there end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) then return '' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[1])
return ARGV[1]
"""
# KEYS: approvals, waiting; ARGV: id, as it was, as it shall be, what it asks for.
_CHANGE: Final = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if redis.call('HGET', KEYS[2], ARGV[4]) == ARGV[1] then redis.call('HDEL', KEYS[2], ARGV[4]) end
return 1
"""
_encode: Final = msgspec.json.encode
_decoder: Final = msgspec.json.Decoder(Approval)


class ApprovalStore:
    """Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def create(self, approval: Approval) -> str:
        """Keep one that waits; gives its id, or that of another that waits for the same; empty where too many wait."""
        found = await self._redis.eval(
            _CREATE, 2, APPROVALS, WAITING, approval.id, _encode(approval), _asked(approval), MOST_WAITING
        )
        return str(found.decode())

    async def change(self, before: Approval, after: Approval) -> bool:
        """Put one in the place of what it was; says whether it still was that. It waits no more."""
        changed = await self._redis.eval(
            _CHANGE, 2, APPROVALS, WAITING, before.id, _encode(before), _encode(after), _asked(before)
        )
        return bool(changed)

    async def read(self, approval_id: str) -> Approval | None:
        """The one of that id; `None` where there is none."""
        found = await self._redis.hget(APPROVALS, approval_id)
        return None if found is None else _decoder.decode(found)

    async def all(self) -> tuple[Approval, ...]:
        """All of them, in no order."""
        return tuple(map(_decoder.decode, (await self._redis.hgetall(APPROVALS)).values()))

    async def tidy(self, *, now_ms: int) -> None:
        """Let what has expired wait no longer, and forget customers' names and what has been over for long."""
        for each in await self.all():
            if each.at(now_ms) == "expired" != each.state:
                await self.change(each, ended(each, "expired"))
            elif each.at(now_ms) != "running" and now_ms >= each.asked_ms + KEPT_MS:
                await self._redis.hdel(APPROVALS, each.id)


def _asked(approval: Approval) -> str:
    return f"{approval.kind}/{approval.subject_ref}"
