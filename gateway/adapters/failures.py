"""Failures of rules in Redis: added up over all gateways, off the path of calls, and of bounded size."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Sequence
from typing import Any, Final, cast

import msgspec

from gateway.adapters.redis_connection import CommandRefused, StoreConnection, StoreDown
from gateway.core import keys
from gateway.core.failures import RuleFailure, added
from gateway.core.record import RuleLook
from gateway.redis_clients import Client

_log: Final = logging.getLogger(__name__)

WRITE_EVERY_SECONDS: Final = 0.2
RETRY_SECONDS: Final = 1.0
MOST_RULES: Final = 1_000
"""Rules kept for one tenant; of more, the one that has not failed for longest is dropped."""
KEPT_SECONDS: Final = 30 * 86_400
"""How long a tenant's findings are kept after its last one."""

# Exact though a reply may be lost: a batch that is sent again has its old number, and counts once.
_ADD: Final = """
if redis.call('GET', KEYS[2]) == ARGV[2] then return 0 end
for _, failed in ipairs(cjson.decode(ARGV[1])) do
  local blob = redis.call('HGET', KEYS[1], failed.rule)
  if blob then
    local known = cjson.decode(blob)
    failed.count = failed.count + known.count
    failed.first_ms = math.min(failed.first_ms, known.first_ms)
    if known.last_ms > failed.last_ms then
      failed.last_ms, failed.error = known.last_ms, known.error
      failed.revision, failed.decision = known.revision, known.decision
    end
  elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
    local oldest, at = nil, math.huge
    local all = redis.call('HGETALL', KEYS[1])
    for index = 1, #all, 2 do
      local last_ms = cjson.decode(all[index + 1]).last_ms
      if last_ms < at then oldest, at = all[index], last_ms end
    end
    redis.call('HDEL', KEYS[1], oldest)
  end
  redis.call('HSET', KEYS[1], failed.rule, cjson.encode(failed))
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('SET', KEYS[2], ARGV[2], 'EX', 3600)
return 1
"""


class RuleFailures:
    """Notes failures as they happen and writes them soon after. Use it from one loop."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._writer = secrets.token_hex(8)
        self._batch = 0
        self._due: dict[tuple[str, str], RuleFailure] = {}
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(self, tenant: str, looks: Sequence[RuleLook], *, revision: int, decision: str, at_ms: int) -> None:
        """Remember the rules that failed among those that were looked at. Never waits."""
        for look in looks:
            if look.error:
                failure = RuleFailure(
                    rule=look.rule,
                    count=1,
                    first_ms=at_ms,
                    last_ms=at_ms,
                    error=look.error,
                    revision=revision,
                    decision=decision,
                )
                known = self._due.get((tenant, look.rule))
                self._due[tenant, look.rule] = failure if known is None else added(known, failure)
        if self._writing is None and self._due:
            self._writing = self._loop.create_task(self._write())

    async def close(self) -> None:
        """Write what is still due; where the store does not answer it is lost."""
        self._closing.set()
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        """Write until nothing is due any more."""
        try:
            while self._due:
                await self._pause(WRITE_EVERY_SECONDS)
                due, self._due = self._due, {}
                tenants: dict[str, list[RuleFailure]] = {}
                for (tenant, _), failure in due.items():
                    tenants.setdefault(tenant, []).append(failure)
                for tenant, failures in tenants.items():
                    await self._add(tenant, failures)
        finally:
            self._writing = None

    async def _add(self, tenant: str, failures: list[RuleFailure]) -> None:
        """One batch, until it is written or this process ends."""
        self._batch += 1
        kept, written = keys.failures(tenant), keys.failures_written(tenant, self._writer)
        command = (
            *("EVAL", _ADD, 2, kept, written, msgspec.json.encode(failures), self._batch),
            *(MOST_RULES, KEPT_SECONDS),
        )
        while True:
            try:
                await self._connection.send(*command)
                return
            except CommandRefused:
                _log.exception("the store refuses to keep failures of rules", extra={"rules": len(failures)})
                return
            except StoreDown:
                if self._closing.is_set():
                    return
            await self._pause(RETRY_SECONDS)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return


async def failures(redis: Client, tenant: str) -> tuple[RuleFailure, ...]:
    """The rules of a tenant that failed, the one that failed last first.

    Raises:
        RedisError: the store does not answer.
    """
    found = await cast("Awaitable[dict[bytes, bytes]]", redis.hgetall(keys.failures(tenant)))
    known: list[Any] = [msgspec.json.decode(blob, type=RuleFailure) for blob in found.values()]
    return tuple(sorted(known, key=lambda failure: (-failure.last_ms, failure.rule)))
