"""What the active revision promises of its routes, for the audit service, which knows no store of revisions."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.adapters.revisions import Published, RevisionStore
from gateway.adapters.trust import Trust
from gateway.core.authority import Authority
from gateway.core.policy.serving import Objectives
from services.audit.objectives import Follow, Promised

RETRY_SECONDS: Final = 0.5

_log = logging.getLogger(__name__)


class _Route(msgspec.Struct, frozen=True):
    name: str
    objectives: Objectives | None = None


class _Document(msgspec.Struct, frozen=True):
    """The part of a policy that is needed here; it was checked whole before it was published."""

    routes: tuple[_Route, ...] = ()


def promised_by(number: int, published: Published) -> Promised:
    """What a revision promises."""
    document = msgspec.json.decode(published.document, type=_Document)
    return Promised(number, tuple((each.name, each.objectives) for each in document.routes if each.objectives))


def following(redis_url: str, *, pin_file: Path | None = None, trusted_people: Authority | None = None) -> Follow:
    """Follows the active revision in the store; while that does not answer, what was promised last goes on.

    `pin_file` and `trusted_people` say which revisions are trusted, see `gateway.adapters.trust`.
    """

    async def follow(tell: Callable[[Promised], None]) -> None:
        async def swap(number: int, published: Published) -> None:
            tell(promised_by(number, published))

        while True:
            try:
                async with await redis_clients.connected(redis_url) as redis:
                    store = RevisionStore(redis)
                    trust = Trust(store, root=trusted_people, pin_file=pin_file)
                    await store.follow(swap, judge=trust.judge)
                    return
            except (RedisError, OSError) as error:
                _log.warning("the store of revisions does not answer yet", extra={"error": str(error)})
            await asyncio.sleep(RETRY_SECONDS)

    return follow
