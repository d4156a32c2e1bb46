"""Which clusters Envoy has by now: whoever decides sends calls to those only, so that none is dropped by a swap."""

import asyncio
from typing import Final

from gateway.core.revision.compiled import Revision
from gateway.ending import ended
from gateway.envoy.engine.admin import Admin
from gateway.envoy.engine.clusters import names_of

LOOK_SECONDS: Final = 0.02


class Reach:
    """Looks after each change of the policy until Envoy has all clusters of it."""

    def __init__(self, admin: Admin, *, certified: bool) -> None:
        """`certified`: whether Envoy has a certificate of this process to show to upstreams."""
        self._admin = admin
        self._certified = certified
        self._reached: frozenset[str] = frozenset()
        self._looking: asyncio.Task[None] | None = None

    def has(self, cluster: str) -> bool:
        """Whether Envoy can send calls there."""
        return cluster in self._reached

    def use(self, revision: Revision) -> None:
        """Look for the clusters of this revision; until they are seen, none of its new ones is there."""
        wanted = names_of(revision, certified=self._certified)
        self._reached &= wanted
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.create_task(self._look(wanted))

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            await ended(self._looking)

    async def _look(self, wanted: frozenset[str]) -> None:
        while self._reached != wanted:
            self._reached = wanted & await self._admin.clusters()
            if self._reached != wanted:
                await asyncio.sleep(LOOK_SECONDS)
