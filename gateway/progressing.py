"""What a gateway knows of how objectives stand: read every few seconds beside all calls, so that none waits for it."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final

from redis.exceptions import RedisError

from gateway.adapters.progress import ObjectiveStore
from gateway.core.progress import NOBODY_KNOWS, Progress
from gateway.core.revision.compiled import Revision

EVERY_SECONDS: Final = 10.0

_log = logging.getLogger(__name__)


class ProgressBook:
    """How the objectives of each tenant stood when somebody looked last."""

    def __init__(self, store: ObjectiveStore) -> None:
        self._store = store
        self._known: dict[str, Mapping[str, Progress]] = {}
        self._away = False

    def of(self, tenant: str) -> Mapping[str, Progress]:
        """How the tenant's objectives stand, by their names; without those that nobody has worked out."""
        return self._known.get(tenant, NOBODY_KNOWS)

    async def look(self, tenants: Collection[str]) -> None:
        """Read anew. Where the store does not answer, what was known stays."""
        try:
            for tenant in tenants:
                self._known[tenant] = await self._store.get(tenant)
            self._away = False
        except (RedisError, OSError, TimeoutError):
            if not self._away:
                _log.warning("the progress of objectives cannot be read; what was known goes on to count")
            self._away = True

    async def follow(self, revision: Callable[[], Revision | None], *, every_s: float = EVERY_SECONDS) -> None:
        """Read anew, again and again, for the tenants that the revision states objectives for, until cancelled."""
        while True:
            await self.look(tenants_of(revision()))
            await asyncio.sleep(every_s)


def tenants_of(revision: Revision | None) -> Collection[str]:
    """The tenants that a revision states objectives for."""
    return () if revision is None else sorted({each.tenant for each in revision.document.objectives})
