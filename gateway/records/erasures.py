"""Tells every gateway that customers were erased, so that it forgets the keys that it still holds of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast

from redis.asyncio import RedisCluster
from redis.exceptions import RedisError, ResponseError

from gateway.core import keys
from gateway.core.used import KEY_LIFE_MS
from gateway.redis_clients import Client

_log = logging.getLogger(__name__)

POLL_SECONDS: Final = 2.0
"""A gateway that misses the announcement looks again after so long."""
KEPT_MS: Final = 2 * KEY_LIFE_MS
"""How long an erasure is told: no gateway holds a key for so long."""


class Erasures:
    """The list of customers who were erased of late. Raises what redis-py does."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def announce(self, people: Sequence[tuple[str, str]], *, now_ms: int) -> None:
        """Let all gateways forget the keys of these customers: (tenant, pseudonym)."""
        told = {f"{tenant}/{subject_ref}": now_ms for tenant, subject_ref in people}
        await self._redis.zadd(keys.ERASED, cast("Any", told))
        await self._redis.zremrangebyscore(keys.ERASED, "-inf", now_ms - KEPT_MS)
        await self._redis.publish(keys.ERASED, "1")

    async def follow(self, drop: Callable[[str, str], None]) -> None:
        """Call `drop` with tenant and pseudonym of everybody who is erased; runs until cancelled."""
        seen: frozenset[tuple[bytes, float]] = frozenset()
        us = asyncio.current_task()
        while us is None or not us.cancelling():  # see `RevisionStore.follow`
            try:
                listed: Any = await self._redis.zrange(keys.ERASED, 0, -1, withscores=True)
                now = frozenset((member, score) for member, score in listed)
                for member, _ in now - seen:
                    tenant, _, subject_ref = member.decode(errors="replace").partition("/")
                    drop(tenant, subject_ref)
                seen = now
                await self._announced()
            except (RedisError, OSError, TimeoutError):
                _log.warning("erasures cannot be heard: keys that are held go on being used, for an hour at most")
                await asyncio.sleep(POLL_SECONDS)

    async def rewrite_files(self) -> bool:
        """Have every server of the store rewrite its append-only file, so that nothing deleted stays there.

        False where a server rewrites it already: ask again later. Nothing is to be done of a server without such a
        file, nor of one that we may not ask.
        """
        done = True
        for info, rewrite in await self._servers():
            if not info.get("aof_enabled"):
                continue
            try:
                await rewrite()
            except ResponseError as error:
                if "in progress" in str(error):  # another rewrite, which may have begun before the deletion
                    done = False
                else:  # of a server that somebody else keeps
                    text = "the store lets us not rewrite its append-only file: what was deleted is in it until it does"
                    _log.warning(text, extra={"error": str(error)})
        return done

    async def _servers(self) -> list[tuple[Any, Callable[[], Awaitable[Any]]]]:
        redis = cast("Any", self._redis)
        if not isinstance(self._redis, RedisCluster):
            return [(await redis.info("persistence"), redis.bgrewriteaof)]
        await redis.initialize()
        found: list[tuple[Any, Callable[[], Awaitable[Any]]]] = []
        for node in redis.get_nodes():  # replicas have files too
            info = await redis.execute_command("INFO", "persistence", target_nodes=node)

            def rewrite(node: Any = node) -> Awaitable[Any]:
                return cast("Awaitable[Any]", redis.execute_command("BGREWRITEAOF", target_nodes=node))

            found.append((info, rewrite))
        return found

    async def _announced(self) -> None:
        """Wait for an announcement, at most until the next look."""
        async with self._redis.pubsub() as messages:
            await messages.subscribe(keys.ERASED)
            end = asyncio.get_running_loop().time() + POLL_SECONDS
            while (left := end - asyncio.get_running_loop().time()) > 0:
                message = await messages.get_message(timeout=left)
                if message is not None and message["type"] == "message":
                    return
