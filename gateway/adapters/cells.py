"""How many cells each tenant has, as the store knows it.

What is counted for a subject lies in the subject's cell, so another number of cells would look for it elsewhere and
find nothing: caps would begin anew. So the number is fixed by whoever first stores anything for a tenant - a policy,
facts or a stop - and a policy with another number is refused. `pilote cells` moves a tenant, on purpose.
"""

from collections.abc import Awaitable, Mapping
from typing import Any, Final, cast

import msgspec

from gateway.core import keys
from gateway.core.cells import cell_of
from gateway.redis_clients import Client

LIVE_MS: Final = 5_000
"""By then every gateway goes by a policy that was just published, or has no store to admit anything with."""

# Fix every number that is not fixed yet, or nothing, if one differs: ARGV are tenants and numbers in turn. A tenant
# that was moved has arrived once gateways have had the time to take the policy up.
_FIX: Final = """
for i = 1, #ARGV, 2 do
  local has = redis.call('HGET', KEYS[1], ARGV[i])
  if has and has ~= ARGV[i + 1] then return {ARGV[i], has, ARGV[i + 1]} end
end
for i = 1, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('PEXPIRE', KEYS[1 + (i + 1) / 2], @LIVE_MS@)
end
return {}
""".replace("@LIVE_MS@", str(LIVE_MS))


class CellsFixed(Exception):
    """The tenant has so many cells already, and another number was wanted."""

    def __init__(self, tenant: str, *, cells: int, wanted: int) -> None:
        super().__init__(f"{tenant} has {cells} cells, not {wanted}")
        self.tenant = tenant
        self.cells = cells
        self.wanted = wanted


class CellsMoving(Exception):
    """The tenant was moved to another number of cells, and gateways do not go by it yet."""


class _Agent(msgspec.Struct):
    tenant: str


class _Tenant(msgspec.Struct):
    name: str
    cells: int = 1


class _Document(msgspec.Struct):
    """The parts of a policy that say which tenants there are, and how many cells each has."""

    agents: tuple[_Agent, ...] = ()
    tenants: tuple[_Tenant, ...] = ()


def cells_in(document: bytes) -> dict[str, int]:
    """The cells of every tenant of a policy, given as JSON; none where it is no policy, which gateways then say."""
    try:
        parts = msgspec.json.decode(document, type=_Document)
    except msgspec.DecodeError:
        return {}
    return {agent.tenant: 1 for agent in parts.agents} | {tenant.name: tenant.cells for tenant in parts.tenants}


class CellBook:
    """Fixes and tells the numbers. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def fix(self, cells: Mapping[str, int]) -> None:
        """Fix the tenants' numbers of cells.

        Raises:
            CellsFixed: one of them has another number already; then none was fixed.
        """
        pairs = [str(part) for item in cells.items() for part in item]
        names = (keys.CELLS, *(keys.moving(tenant) for tenant in cells))
        answer: Any = await self._redis.eval(_FIX, len(names), *names, *pairs)
        if answer:
            tenant, has, wanted = (part.decode() for part in answer)
            raise CellsFixed(tenant, cells=int(has), wanted=int(wanted))

    async def of(self, tenant: str) -> int:
        """How many cells a tenant has; one that is not known yet has one from now on."""
        found = await self._read(tenant)
        if found is None:
            await cast("Awaitable[Any]", self._redis.hsetnx(keys.CELLS, tenant, "1"))
            found = await self._read(tenant)
        return int(found or 1)

    async def move(self, tenant: str, cells: int) -> None:
        """Give a tenant another number of cells, once everything lies where it belongs."""
        await self._redis.set(keys.moving(tenant), str(cells))
        await cast("Awaitable[Any]", self._redis.hset(keys.CELLS, tenant, str(cells)))

    async def moving(self, tenant: str) -> bool:
        """Whether gateways may still go by the number of cells that the tenant had before it was moved."""
        return bool(await self._redis.exists(keys.moving(tenant)))

    async def of_subject(self, tenant: str, subject_ref: str) -> keys.Cell:
        """The cell of one of a tenant's subjects."""
        return keys.cell(tenant, cell_of(await self.of(tenant), subject_ref))

    async def all_of(self, tenant: str) -> tuple[keys.Cell, ...]:
        """All cells of a tenant."""
        return tuple(keys.cell(tenant, number) for number in range(await self.of(tenant)))

    async def _read(self, tenant: str) -> bytes | None:
        return await cast("Awaitable[bytes | None]", self._redis.hget(keys.CELLS, tenant))
