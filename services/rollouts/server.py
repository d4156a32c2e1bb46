"""`pilote rollouts run`: one process that looks at the rollouts every few seconds."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.adapters.revisions import RevisionStore
from gateway.clock import clock_ms
from gateway.ending import ended
from gateway.instance import instance
from gateway.rpc.channels import channel_to
from gateway.rpc.serving import serving, until_told_to_stop
from gateway.watching.exposing import NOWHERE, Metering, metering
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.rollouts.controller import Controller
from services.rollouts.metrics import RolloutMetrics

REST: Final = 10.0
"""A round is followed by a pause of so many times its own length at least: sums over millions of calls take seconds,
and the audit service has other things to do."""

_log = logging.getLogger(__name__)


async def serve(
    *,
    listen: str,
    redis_url: str,
    audit: str,
    poll_seconds: float,
    drain_seconds: float,
    to: Metering = NOWHERE,
) -> None:
    """Look until SIGTERM or SIGINT. `audit` is the address of the audit service; `listen` answers for our health.

    Raises:
        OSError: the address is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        stop = await stack.enter_async_context(until_told_to_stop())
        metrics = RolloutMetrics(await stack.enter_async_context(metering(instance("rollouts"), to)))
        looking = asyncio.create_task(look_always(redis_url, audit, poll_seconds=poll_seconds, metrics=metrics))
        try:
            async with serving(lambda _server: None, listen=listen, names=(), drain_seconds=drain_seconds):
                told = asyncio.create_task(stop.wait())
                await asyncio.wait((looking, told), return_when=asyncio.FIRST_COMPLETED)
                told.cancel()
                if looking.done():
                    looking.result()  # a mistake of ours: better no process than one that only looks alive
        finally:
            await ended(looking)


@contextlib.asynccontextmanager
async def controlling(redis_url: str, audit: str, *, clock_ms: Callable[[], int]) -> AsyncIterator[Controller]:
    """A controller until the block ends.

    Raises:
        RedisError, OSError: the store does not answer.
    """
    options: dict[str, Any] = {"retry": Retry(NoBackoff(), 1), "socket_connect_timeout": 1, "socket_timeout": 2}
    async with (
        await redis_clients.patiently(redis_url, **options) as redis,
        channel_to(audit) as channel,
    ):
        yield Controller(RevisionStore(redis), AuditServiceStub(channel), clock_ms=clock_ms)


async def look_always(
    redis_url: str, audit: str, *, poll_seconds: float, metrics: RolloutMetrics | None = None
) -> None:
    """Look again and again; a store that does not answer is said once, and waited for."""
    down = False
    while True:
        try:
            async with controlling(redis_url, audit, clock_ms=clock_ms) as controller:
                while True:
                    begun = time.monotonic()
                    standings = await controller.look()
                    if metrics is not None:
                        metrics.tell(standings)
                    if down:
                        _log.info("the active policy can be read again")
                    down = False
                    await asyncio.sleep(max(poll_seconds, REST * (time.monotonic() - begun)))
        except (RedisError, OSError, TimeoutError, msgspec.DecodeError) as error:
            if not down:
                _log.warning(
                    "the active policy cannot be read: rollouts stay where they are", extra={"error": str(error)}
                )
            down = True
        await asyncio.sleep(poll_seconds)
