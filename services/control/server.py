"""`pilote control`: one process that answers over HTTP."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway import redis_clients
from gateway.activation.following import following
from gateway.activation.standing import Standing
from gateway.clock import clock_ms
from gateway.ending import ended
from gateway.instance import instance
from gateway.redis_clients import Client
from gateway.rpc.channels import channel_to
from gateway.rpc.serving import until_told_to_stop
from gateway.watching.exposing import metering
from gateway.watching.meters import Meters
from gateway.watching.metrics import RevisionMetrics
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.composing import composed
from services.control.options import Options
from services.control.owed_metrics import OwedMetrics
from services.control.owing import Owing
from services.control.policy import ActivePolicy
from services.control.serving import serving

_REDIS: Final[dict[str, Any]] = {
    "retry": Retry(NoBackoff(), 1),
    "socket_connect_timeout": 5,
    "socket_timeout": 5,
}
_MOST_BYTES: Final = 64 << 20
"""Of one answer of the audit service: a whole export's entry may be larger than what a client takes by default."""
_AUDIT: Final = (
    ("grpc.max_receive_message_length", _MOST_BYTES),
    # By default gRPC looks every two minutes in the end whether a service is back: people wait for this one.
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
_log = logging.getLogger(__name__)


async def serve(options: Options) -> None:
    """Answer until SIGTERM or SIGINT, then drain.

    Raises:
        OSError: the address is taken.
    """
    async with until_told_to_stop() as stop, running(options) as port:
        _log.info("the control plane answers", extra={"port": port})
        await stop.wait()


@contextlib.asynccontextmanager
async def running(options: Options) -> AsyncIterator[int]:
    """Answer until the block ends; yields the port.

    Raises:
        ValueError: the file with what was trusted last cannot be read.
        OSError: the address is taken.
    """
    own = instance("control")
    async with (
        await redis_clients.patiently(options.redis_url, **_REDIS) as redis,
        metering(own, options.to) as meters,
        channel_to(options.audit, options=_AUDIT) as channel,
    ):
        stub = AuditServiceStub(channel)
        standing = Standing(own, clock_ms=clock_ms, told=RevisionMetrics(meters).tell)
        policy = ActivePolicy(standing)
        async with (
            following(
                redis,
                policy.swap,
                standing=standing,
                trusted_people=options.trusted_people,
                pin_file=options.pin_file,
            ),
            _paid(redis, stub, meters) as owed,
            composed(options, redis, stub, owing=owed, policy=policy, clock_ms=clock_ms) as made,
            serving(
                made.application(),
                listen=options.listen,
                drain_seconds=options.drain_seconds,
                ending=made.drain,
                proxies=options.proxies,
            ) as port,
        ):
            yield port


@contextlib.asynccontextmanager
async def _paid(redis: Client, stub: AuditServiceStub, meters: Meters) -> AsyncIterator[Owing]:
    """Bring to the log what is owed to it, until the block ends."""
    found = Owing(redis, stub, clock_ms=clock_ms, told=OwedMetrics(meters))
    task = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        await ended(task)
