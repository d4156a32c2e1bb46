"""The policies that decided, for the audit service, which knows no store of revisions."""

import asyncio
import hashlib
import logging
from typing import Final

import msgspec
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.adapters.revisions import RevisionStore
from gateway.core.policy.document import Document
from gateway.redis_clients import Client
from services.audit.explaining import Policies
from services.cockpit.standing import Aims

KEPT: Final = 8
"""Policies that are kept decoded; those who look at decisions look at many of a few revisions."""
ANSWER_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


async def aimed(redis: Client) -> Aims:
    """What the active policy says of KPIs; what is usual where there is none, or it cannot be read.

    Raises:
        RedisError: the store does not answer.
    """
    revisions = RevisionStore(redis)
    found = await revisions.read(await revisions.active())
    try:
        return Aims() if found is None else msgspec.json.decode(found.document, type=Aims)
    except msgspec.DecodeError as error:
        _log.warning("what the policy says of KPIs cannot be read", extra={"error": str(error)})
        return Aims()


def published(redis_url: str) -> Policies:
    """Reads policies from the store. Only the very document that decided is given, however the store was changed."""
    kept: dict[str, Document] = {}

    async def policy(number: int, sha256: str) -> Document | None:
        if sha256 in kept:
            return kept[sha256]
        try:
            async with asyncio.timeout(ANSWER_SECONDS), await redis_clients.connected(redis_url) as redis:
                found = await RevisionStore(redis).read(number)
            if found is None or hashlib.sha256(bytes(found.document)).hexdigest() != sha256:
                return None
            document = msgspec.json.decode(found.document, type=Document)
        except (RedisError, OSError, TimeoutError, msgspec.DecodeError) as error:
            _log.warning("a policy that decided cannot be read", extra={"revision": number, "error": str(error)})
            return None
        if len(kept) >= KEPT:
            del kept[next(iter(kept))]
        kept[sha256] = document
        return document

    return policy
