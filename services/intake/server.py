"""`pilote intake`: one process that takes what other systems tell of customers, and tells it to agents who may know."""

import contextlib
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc
import msgspec
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway import redis_clients
from gateway.activation.following import following
from gateway.activation.standing import Standing
from gateway.adapters.admission import Admission
from gateway.adapters.fact_changes import FactChanges
from gateway.adapters.redis_cluster import opened
from gateway.adapters.spool import Spool
from gateway.clock import clock_ms
from gateway.core.authority import Authority
from gateway.instance import instance
from gateway.redis_clients import Client
from gateway.rpc.channels import channel_to
from gateway.rpc.http_serving import http_serving
from gateway.rpc.serving import serving, until_told_to_stop
from gateway.watching.exposing import NOWHERE, Metering, metering
from gateway.watching.metrics import RevisionMetrics
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.cdp.v1 import profile_service_pb2
from pilote.cdp.v1.profile_service_pb2_grpc import add_ProfileServiceServicer_to_server
from pilote.dmp.v1 import audience_service_pb2
from pilote.dmp.v1.audience_service_pb2_grpc import add_AudienceServiceServicer_to_server
from pilote.tracking.v1 import event_service_pb2
from pilote.tracking.v1.event_service_pb2_grpc import add_EventServiceServicer_to_server
from services.intake.app import application
from services.intake.audience_calls import AudienceServicer
from services.intake.audiences import Audiences
from services.intake.bodies import Patience
from services.intake.metrics import IntakeMetrics
from services.intake.outcomes import Outcomes
from services.intake.policy import Sources
from services.intake.profiles import ProfileServicer
from services.intake.registry import Registry
from services.intake.repeats import Repeats
from services.intake.taking import Taking
from services.intake.tracking import EventServicer

SERVICES: Final = tuple(
    service.full_name
    for module in (profile_service_pb2, audience_service_pb2, event_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)
_REDIS: Final[dict[str, Any]] = {
    "retry": Retry(NoBackoff(), 1),
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
STORE_TIMEOUT_MS: Final = 5_000
_log = logging.getLogger(__name__)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """See also `gateway.settings.Settings`."""

    listen: str
    """Where systems tell, over HTTP."""
    grpc_listen: str
    """Where gateways ask, over gRPC."""
    redis_url: str
    pseudonym_key: bytes
    drain_seconds: float
    audit: str
    """Address of the audit service, which knows what contacts there were."""
    home: Path
    """Where state is kept."""
    pin_file: Path | None = None
    """Which policy was trusted last, see `gateway.adapters.trust`."""
    trusted_people: Authority | None = None
    to: Metering = NOWHERE
    """Where metrics go."""
    patience: Patience = Patience()
    """With clients that send slowly."""


class Ports(NamedTuple):
    """Where an intake answers."""

    http: int
    grpc: int


async def serve(options: Options) -> None:
    """Answer until SIGTERM or SIGINT, then drain.

    Raises:
        OSError: the address is taken.
    """
    async with until_told_to_stop() as stop, running(options) as ports:
        _log.info("the intake answers", extra={"port": ports.http, "grpc_port": ports.grpc})
        await stop.wait()


@contextlib.asynccontextmanager
async def running(options: Options) -> AsyncIterator[Ports]:
    """Answer until the block ends; yields the ports.

    Raises:
        ValueError: the file with what was trusted last cannot be read.
        OSError: the address is taken.
    """
    own = instance("intake")
    async with (
        await redis_clients.patiently(options.redis_url, **_REDIS) as redis,
        metering(own, options.to) as meters,
        _outcomes(options, redis) as outcomes,
    ):
        standing = Standing(own, clock_ms=clock_ms, told=RevisionMetrics(meters).tell)
        sources = Sources(standing)
        facts = FactChanges(redis)
        audiences = Audiences(redis, facts, pseudonym_key=options.pseudonym_key, clock_ms=clock_ms)
        registry = Registry(redis, sources, clock_ms=clock_ms)
        repeats = Repeats(redis)
        calls = AudienceServicer(sources, audiences, registry, repeats)
        profiles = ProfileServicer(
            sources, facts, registry, repeats, pseudonym_key=options.pseudonym_key, clock_ms=clock_ms
        )
        events = EventServicer(sources, outcomes, pseudonym_key=options.pseudonym_key, clock_ms=clock_ms)
        taking = Taking(
            facts,
            outcomes,
            pseudonym_key=options.pseudonym_key,
            clock_ms=clock_ms,
            told=IntakeMetrics(meters).count,
        )
        async with (
            following(
                redis,
                sources.swap,
                standing=standing,
                trusted_people=options.trusted_people,
                pin_file=options.pin_file,
            ),
            http_serving(
                application(sources, taking, audiences, patience=options.patience),
                listen=options.listen,
                drain_seconds=options.drain_seconds,
                lifespan="on",
            ) as port,
            serving(
                lambda server: _add_services(server, profiles, calls, events),
                listen=options.grpc_listen,
                names=SERVICES,
                drain_seconds=options.drain_seconds,
            ) as grpc_port,
        ):
            yield Ports(port, grpc_port)


def _add_services(
    server: grpc.aio.Server, profiles: ProfileServicer, audiences: AudienceServicer, events: EventServicer
) -> None:
    add_ProfileServiceServicer_to_server(profiles, server)
    add_AudienceServiceServicer_to_server(audiences, server)
    add_EventServiceServicer_to_server(events, server)


@contextlib.asynccontextmanager
async def _outcomes(options: Options, redis: Client) -> AsyncIterator[Outcomes]:
    """What reports outcomes as a gateway does, until the block ends.

    Raises:
        StoreDown, CallEnded: the store does not answer at the start.
    """
    async with contextlib.AsyncExitStack() as stack:
        connection = await opened(options.redis_url, timeout_ms=STORE_TIMEOUT_MS)
        stack.push_async_callback(connection.close)
        spool = Spool(options.home / "spool", worker=f"intake-{os.getpid()}")
        stack.push_async_callback(spool.close)
        admission = Admission(connection, spool)
        stack.push_async_callback(admission.close)
        await admission.prepare(())
        channel = await stack.enter_async_context(channel_to(options.audit))
        yield Outcomes(redis, admission, AuditServiceStub(channel))
