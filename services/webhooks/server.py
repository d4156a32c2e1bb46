"""`pilote webhooks run`: one process that finds events and sends them. Several may run; each event is queued once."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

import grpc
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.adapters.consents import ConsentStore
from gateway.adapters.sealing import Sealer
from gateway.clock import clock_ms
from gateway.ending import ended
from gateway.instance import instance
from gateway.rpc.channels import channel_to
from gateway.rpc.serving import serving, until_told_to_stop
from gateway.watching.exposing import NOWHERE, Metering, metering
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.webhooks.delivering import Deliverer
from services.webhooks.following import CONTACTS, Follower
from services.webhooks.metrics import Seen, WebhookMetrics
from services.webhooks.store import WebhookStore
from services.webhooks.targets import Network

LOOK_SECONDS: Final = 1.0
"""Pause between two looks at stops and the active revision."""
TELL_SECONDS: Final = 5.0
"""Pause between two looks at how endpoints do."""
PATIENCE_SECONDS: Final = 1.0
"""Pause while the store or the audit service does not answer."""

_log = logging.getLogger(__name__)


async def serve(
    *,
    listen: str,
    redis_url: str,
    audit: str,
    sealing: tuple[bytes, ...],
    networks: Sequence[Network],
    drain_seconds: float,
    to: Metering = NOWHERE,
) -> None:
    """Run until SIGTERM or SIGINT. `audit` is the address of the audit service; `listen` answers for our health.

    Raises:
        OSError: the address is taken.
    """
    async with (
        until_told_to_stop() as stop,
        metering(instance("webhooks"), to) as meters,
        serving(lambda _server: None, listen=listen, names=(), drain_seconds=drain_seconds),
    ):
        metrics = WebhookMetrics(meters)

        async def work() -> None:
            async with running(redis_url, audit, sealing=sealing, networks=networks, metrics=metrics) as tasks:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

        working, told = asyncio.create_task(work()), asyncio.create_task(stop.wait())
        await asyncio.wait((working, told), return_when=asyncio.FIRST_COMPLETED)
        await ended(working, told)  # a mistake of ours is raised: better no process than one that only looks alive


@contextlib.asynccontextmanager
async def running(
    redis_url: str,
    audit: str,
    *,
    sealing: tuple[bytes, ...],
    networks: Sequence[Network],
    metrics: WebhookMetrics | None = None,
) -> AsyncIterator[tuple[asyncio.Task[None], ...]]:
    """Find and send events until the block ends; a task that ends before has met a mistake of ours."""
    options: dict[str, Any] = {"retry": Retry(NoBackoff(), 1), "socket_connect_timeout": 1, "socket_timeout": 2}
    async with contextlib.AsyncExitStack() as stack:
        channel = await stack.enter_async_context(channel_to(audit))

        async def connected() -> tuple[Any, WebhookStore]:
            redis = await redis_clients.patiently(redis_url, **options)
            stack.push_async_callback(redis.aclose)
            return redis, WebhookStore(redis, Sealer(sealing))

        redis, store = await _patiently(connected)
        follower = Follower(redis, store, AuditServiceStub(channel), clock_ms=clock_ms)
        counted: dict[str, Any] = {} if metrics is None else {"told": metrics.count}
        contacts = Follower(redis, store, AuditServiceStub(channel), clock_ms=clock_ms, feed=CONTACTS)
        deliverer = Deliverer(
            store,
            networks=networks,
            clock_ms=clock_ms,
            draw=random.random,
            consents=ConsentStore(redis),
            **counted,
        )
        await stack.enter_async_context(deliverer)

        async def look() -> None:
            await follower.look()
            await contacts.note()
            await asyncio.sleep(LOOK_SECONDS)

        async def tell() -> None:
            now_ms = clock_ms()
            ids = [each.id for each in await store.endpoints()]
            found = [Seen(each, await store.standing(each, now_ms=now_ms), now_ms) for each in ids]
            if metrics is not None:
                metrics.tell(found, follows=follower.follows)
            await asyncio.sleep(TELL_SECONDS)

        async def follow_contacts() -> None:
            if await contacts_wanted(store):
                await contacts.follow()
            await asyncio.sleep(LOOK_SECONDS)

        tasks = tuple(
            asyncio.create_task(_always(each)) for each in (follower.follow, follow_contacts, look, deliverer.run, tell)
        )
        try:
            yield tasks
        finally:
            await ended(*tasks)


async def contacts_wanted(store: WebhookStore) -> bool:
    """Whether any tracker is told of contacts; the first one is from when it was added on.

    Raises:
        RedisError, OSError: the store does not answer.
    """
    added = [each.created_ms for each in await store.endpoints() if each.tracker is not None]
    if not added:
        await store.know(CONTACTS.mark, None)
    elif CONTACTS.mark not in await store.known():
        await store.know(CONTACTS.mark, str(min(added)).encode())
    return bool(added)


async def _patiently(do: Any) -> Any:
    while True:
        try:
            return await do()
        except (RedisError, OSError):
            _log.warning("the store does not answer: webhooks wait")
            await asyncio.sleep(PATIENCE_SECONDS)


async def _always(do: Callable[[], Awaitable[None]]) -> None:
    """Do it again and again; what does not answer is said once, and waited for."""
    down = False
    while True:
        try:
            await do()
            down = False
        except (RedisError, OSError, grpc.aio.AioRpcError) as error:
            if not down:
                _log.warning("webhooks wait for what does not answer", extra={"error": type(error).__name__})
            down = True
            await asyncio.sleep(PATIENCE_SECONDS)
