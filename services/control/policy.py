"""The active policy as the control plane knows it: followed like gateways do, and the way to know who asks."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from gateway.activation.loading import load_stored
from gateway.activation.standing import UNUSABLE, Standing
from gateway.adapters.identity import Identity
from gateway.adapters.revisions import Published
from gateway.core.call import Agent
from gateway.core.errors import CallEnded, Reason
from gateway.core.flags import FlagRule, flags_of
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.mistakes.saying import words
from gateway.rpc.headers import API_KEY, AUTHORIZATION

_log = logging.getLogger(__name__)


class ActivePolicy:
    """The revision that is active, compiled."""

    def __init__(self, standing: Standing) -> None:
        """`standing` is told which revision runs here."""
        self._standing = standing
        self.revision: Revision | None = None
        self.flags: Mapping[str, FlagRule] = {}
        self._identity = Identity()

    async def swap(self, number: int, published: Published) -> None:
        """Answer by another revision; one that cannot be used here is said so, and the old one goes on."""
        began, document = time.monotonic(), bytes(published.document)
        try:
            revision = await asyncio.to_thread(load_stored, document, number=number)
        except PolicyInvalid as invalid:
            mistakes = [f"{mistake.path}: {words(mistake, language='en').problem}" for mistake in invalid.mistakes]
            _log.error("revision %d cannot be used here", number, extra={"mistakes": mistakes})
            self._standing.refuses(number, UNUSABLE)
            return
        flags = flags_of(revision.document, revision.engine)
        self._identity.use(revision)
        self.revision, self.flags = revision, flags
        self._standing.runs(number, revision.sha256, swap_ms=round((time.monotonic() - began) * 1000))
        _log.info("revision %d is active", number, extra={"sha256": revision.sha256})

    @property
    def tenants(self) -> tuple[str, ...]:
        """All tenants of the active policy, in order; none without one."""
        document = self.revision.document if self.revision else None
        return tuple(sorted({agent.tenant for agent in document.agents})) if document else ()

    @property
    def names_people(self) -> bool:
        """Whether the active policy says who may change it, so that changes must be signed."""
        return self.revision is not None and bool(self.revision.document.people)

    def identified(self, headers: Mapping[str, Any]) -> tuple[Revision, Agent]:
        """The active revision, and who asks by it.

        Raises:
            CallEnded: AGENT_UNAUTHENTICATED, or REVISION_MISSING.
        """
        revision = self.revision
        if revision is None:
            raise CallEnded(Reason.REVISION_MISSING, "No policy is active, so nothing can be evaluated.")
        metadata = {name: value for name in (API_KEY, AUTHORIZATION) if (value := headers.get(name))}
        return revision, self._identity.identify(metadata)
