"""What one gateway process consists of: what decides, and the gRPC server around it; start, swap and drain."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

import grpc

from gateway.activation.standing import Standing
from gateway.certificates import Certificates
from gateway.clock import clock_ms
from gateway.core.authority import Authority
from gateway.core.revision.compiled import Revision
from gateway.decisions import Decisions
from gateway.envoy.doors import SERVICES as FOR_ENVOY
from gateway.envoy.engine.agents import serving as serving_agents
from gateway.envoy.engine.configuration import Places
from gateway.envoy.engine.engine import engine_of
from gateway.envoy.services import EnvoyServices, envoy_services, wanted
from gateway.governing import AWAY, Governing, governing
from gateway.key_files import Keys
from gateway.pipeline import Pipeline
from gateway.proxy import Proxy
from gateway.rpc.reflecting import Reflecting
from gateway.rpc.server_tls import grpc_credentials
from gateway.rpc.serving import Secure, serving, until_told_to_stop
from gateway.settings import Settings
from gateway.stating import Objectives
from gateway.upstream.guards import monotonic_ms
from pilote.decision.v1 import decision_service_pb2_grpc
from pilote.envoy import access_log_pb2_grpc, auth_pb2_grpc, ext_proc_pb2_grpc, ratelimit_pb2_grpc
from pilote.objective.v1 import objective_service_pb2_grpc

_log = logging.getLogger(__name__)

Deciding = Callable[[Places], contextlib.AbstractAsyncContextManager[None]]
SERVICES: Final = ("pilote.decision.v1.DecisionService", "pilote.objective.v1.ObjectiveService")
"""What the gateway answers itself."""


class Gateway:
    """One gateway process."""

    def __init__(self, pipeline: Pipeline, standing: Standing) -> None:
        self.pipeline: Final = pipeline
        self.standing: Final = standing
        self.port = 0
        self.envoy_port = 0
        """Where Envoy connects by mutual TLS; 0: nowhere."""


@contextlib.asynccontextmanager
async def gateway(
    settings: Settings,
    *,
    redis_url: str,
    keys: Keys,
    clock: Callable[[], int] = clock_ms,
    trusted_people: Authority | None = None,
    monotonic: Callable[[], int] = monotonic_ms,
    deciding: Deciding | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway that serves until the block ends, then drains; see `governing` for the rest.

    `deciding` runs what decides about the calls that an Envoy carries, for as long as its block lasts; `None`: this
    process does.

    Raises:
        ValueError: what it has pinned of the people it trusts cannot be read, or what Envoy is known by.
        StoreDown, CallEnded: the store does not answer at the start.
        DataNewer: a newer version of Pilote keeps its data there.
        OSError: the address is taken.
        EnvoyMissing: it is to be the engine, and is not installed.
    """
    governs = governing(
        settings, redis_url=redis_url, keys=keys, clock=clock, trusted_people=trusted_people, monotonic=monotonic
    )
    async with contextlib.AsyncExitStack() as stack:
        governed = await stack.enter_async_context(governs)
        engine = None
        if settings.engine == "envoy":
            engine = stack.enter_context(engine_of(settings, apart=deciding is not None))
        proxy = _proxy(governed, settings)
        reflecting = Reflecting(SERVICES)

        def use(revision: Revision) -> None:
            proxy.forget_kinds()
            reflecting.use(revision.services, revision.pool)

        governed.activating.tell(use)
        if engine is not None:
            governed.activating.tell(engine.use)
        running = Gateway(governed.pipeline, governed.standing)
        for_envoy = None
        if wanted(settings):
            for_envoy = envoy_services(
                settings,
                governed.pipeline,
                admission=governed.admission,
                watch=governed.watch,
                hold_keys=keys.hold,
                reach=None if engine is None else engine.reach,
                own_key="" if engine is None else engine.places.key,
            )
            if engine is not None and for_envoy.agents is not None:
                engine.under_way = for_envoy.agents.carried.__len__

        def add_services(server: grpc.aio.Server) -> None:
            _add_own(server, governed)
            if for_envoy is not None:
                _add_for_envoy(server, for_envoy)

        serves = serving(
            add_services,
            listen=settings.gateway_listen if engine is None else f"unix:{engine.places.gateway}",
            names=SERVICES,
            drain_seconds=settings.drain_seconds,
            max_message_bytes=settings.max_message_bytes,
            otherwise=proxy,
            reflecting=reflecting,
            secure=_secure(settings, running),
            callers="everybody",
            behind=engine is not None,
        )
        running.port = await stack.enter_async_context(serves)
        if engine is not None:
            decides = deciding or _deciding_here(for_envoy, settings)
            await stack.enter_async_context(decides(engine.places))
            running.port = await stack.enter_async_context(engine.carrying(drain_seconds=settings.drain_seconds))
        yield running
        governed.stop()


async def serve(
    settings: Settings,
    *,
    redis_url: str,
    keys: Keys,
    trusted_people: Authority | None = None,
    deciding: Deciding | None = None,
) -> None:
    """Run a gateway until SIGTERM or SIGINT."""
    running = gateway(settings, redis_url=redis_url, keys=keys, trusted_people=trusted_people, deciding=deciding)
    async with until_told_to_stop() as stop, contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(running)
        except AWAY:
            _log.critical("the store does not answer: start it, or say where it is by PILOTE_REDIS_URL")
            raise SystemExit(1) from None
        await stop.wait()


def _deciding_here(for_envoy: EnvoyServices | None, settings: Settings) -> Deciding:
    """What this process has besides its own port, where it decides about calls that an Envoy carries."""

    @contextlib.asynccontextmanager
    async def deciding(places: Places) -> AsyncIterator[None]:
        assert for_envoy is not None and for_envoy.agents is not None  # noqa: PT018, S101 - there is an engine
        async with serving_agents(for_envoy.agents, places.home, max_message_bytes=settings.max_message_bytes):
            yield

    return deciding


def _proxy(governed: Governing, settings: Settings) -> Proxy:
    also_own = FOR_ENVOY if wanted(settings) else ()
    return Proxy(governed.pipeline, governed.watch, trace_ratio=settings.trace_ratio, also_own=also_own)


def _secure(settings: Settings, running: Gateway) -> Secure | None:
    """Where Envoy comes by mutual TLS.

    Raises:
        ValueError, OSError: the certificates cannot be used, or half of the settings is missing.
    """
    if not settings.envoy_listen and settings.envoy_tls_dir is None:
        return None
    if not settings.envoy_listen or settings.envoy_tls_dir is None:
        raise ValueError("Set PILOTE_ENVOY_LISTEN and PILOTE_ENVOY_TLS_DIR, or neither.")

    def bound(port: int) -> None:
        running.envoy_port = port

    credentials = grpc_credentials(Certificates(settings.envoy_tls_dir), callers="processes")
    return Secure(settings.envoy_listen, credentials, bound)


def _add_own(server: grpc.aio.Server, governed: Governing) -> None:
    """Serve `SERVICES`."""
    decisions = Decisions(governed.pipeline, governed.waiting)
    decision_service_pb2_grpc.add_DecisionServiceServicer_to_server(decisions, server)
    objective_service_pb2_grpc.add_ObjectiveServiceServicer_to_server(Objectives(governed.pipeline), server)


def _add_for_envoy(server: grpc.aio.Server, services: EnvoyServices) -> None:
    auth_pb2_grpc.add_AuthorizationServicer_to_server(services.checking, server)
    ratelimit_pb2_grpc.add_RateLimitServiceServicer_to_server(services.limits, server)
    ext_proc_pb2_grpc.add_ExternalProcessorServicer_to_server(services.processing, server)
    access_log_pb2_grpc.add_AccessLogServiceServicer_to_server(services.access_log, server)
