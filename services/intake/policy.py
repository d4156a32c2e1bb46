"""Which systems may tell us of customers: those of the active policy, followed as gateways follow it."""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from gateway.activation.standing import UNUSABLE, Standing
from gateway.adapters.revisions import Published
from gateway.core.policy.document import Document
from gateway.core.policy.sources import Source
from services.intake.meaning import Meaning, meanings

_DOCUMENT: Final = msgspec.json.Decoder(Document)
_log = logging.getLogger(__name__)


class Sources:
    """The sources of the active policy, by their write keys."""

    def __init__(self, standing: Standing) -> None:
        """`standing` is told which revision runs here."""
        self._standing = standing
        self._by_key: Mapping[str, Meaning] | None = None
        self._tenants: Mapping[str, str] = {}
        self._audiences: Mapping[str, frozenset[str]] = {}
        self._consents: Mapping[tuple[str, str], frozenset[str]] = {}

    @property
    def known(self) -> bool:
        """Whether a policy is active."""
        return self._by_key is not None

    async def swap(self, number: int, published: Published) -> None:
        """Go by another revision; one that cannot be read here is said so, and the old one goes on.

        Whether it has mistakes was asked before it was published; nothing here decides about a call.
        """
        began, document = time.monotonic(), bytes(published.document)
        try:
            decoded = _DOCUMENT.decode(document)
        except msgspec.DecodeError:
            _log.exception("revision %d cannot be used here", number)
            self._standing.refuses(number, UNUSABLE)
            return
        self._by_key = dict(meanings(decoded.sources))
        self._tenants = {agent.name: agent.tenant for agent in decoded.agents}
        self._audiences = {
            tenant: frozenset(name for each in decoded.sources if each.tenant == tenant for name in each.audiences)
            for tenant in {each.tenant for each in decoded.sources}
        }
        asked = {(each.tenant, told.type) for each in decoded.sources for told in each.outcomes}
        self._consents = {pair: frozenset(_consents(decoded.sources, *pair)) for pair in asked}
        sha256 = hashlib.sha256(document).hexdigest()
        self._standing.runs(number, sha256, swap_ms=round((time.monotonic() - began) * 1000))
        _log.info("revision %d is active", number, extra={"sha256": sha256})

    def of(self, write_key: str) -> Meaning | None:
        """The source that has this write key."""
        return (self._by_key or {}).get(hashlib.sha256(write_key.encode()).hexdigest())

    def tenant_of(self, agent: str) -> str | None:
        """The tenant of an agent; `None` for one that the policy does not name."""
        return self._tenants.get(agent)

    def consents_for(self, tenant: str, outcome: str) -> frozenset[str]:
        """What any of a tenant's sources asks the customer's consent to before an outcome of that type is kept."""
        return self._consents.get((tenant, outcome), frozenset())

    def audiences_of(self, tenant: str) -> frozenset[str]:
        """The audiences that any of a tenant's sources may say."""
        return self._audiences.get(tenant, frozenset())


def _consents(sources: tuple[Source, ...], tenant: str, outcome: str) -> Iterator[str]:
    for source in sources:
        if source.tenant == tenant:
            yield from (told.consent for told in source.outcomes if told.type == outcome and told.consent)
