"""What one gateway process consists of: settings -> adapters -> pipeline -> running server; start, swap and drain."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import grpc
import msgspec
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway import redis_clients, secret_files
from gateway.activation.following import left
from gateway.activation.standing import UNUSABLE, Standing, guards
from gateway.activation.swaps import Swaps
from gateway.adapters.admission import Admission
from gateway.adapters.facts import FactStore
from gateway.adapters.failures import RuleFailures
from gateway.adapters.holds import HoldStore, over_connection
from gateway.adapters.identity import Identity
from gateway.adapters.lineages import Lineages
from gateway.adapters.openai.upstreams import OpenAIUpstreams
from gateway.adapters.progress import ObjectiveStore
from gateway.adapters.redis_cluster import opened
from gateway.adapters.redis_connection import StoreDown
from gateway.adapters.revisions import Published, RevisionStore
from gateway.adapters.sealing import Sealer
from gateway.adapters.spool import Spool
from gateway.adapters.subject_keys import SubjectKeys
from gateway.adapters.trust import PIN_FILE, Trust
from gateway.adapters.upstreams import Upstreams
from gateway.adapters.workers import Report, Workers, reporting
from gateway.certificates import Certificates
from gateway.clock import clock_ms
from gateway.copies.shadowing import Shadowing
from gateway.core.authority import Authority
from gateway.core.errors import CallEnded
from gateway.core.revision.decode import PolicyInvalid
from gateway.decisions import Decisions
from gateway.ending import ended
from gateway.envoy.access_log import AccessLog
from gateway.envoy.authorization import Authorization
from gateway.envoy.doors import SERVICES as FOR_ENVOY
from gateway.envoy.doors import Authority as Signing
from gateway.envoy.doors import Doors, envoy_keys
from gateway.envoy.processing import Processing
from gateway.envoy.ratelimit import RateLimit
from gateway.envoy.seals import Seals
from gateway.gathering import Gathering
from gateway.holds.holding import Holding
from gateway.holds.keeping import Keeping
from gateway.holds.waiting import Waiting
from gateway.instance import Instance, instance
from gateway.mistakes.saying import words
from gateway.pipeline import Pipeline
from gateway.progressing import ProgressBook
from gateway.proxy import Proxy
from gateway.records.erasures import Erasures
from gateway.records.recording import Recorder
from gateway.records.recording_values import Values
from gateway.rpc.reflecting import Reflecting
from gateway.rpc.server_tls import grpc_credentials
from gateway.rpc.serving import Secure, serving, until_told_to_stop
from gateway.settings import Settings
from gateway.starting import answered
from gateway.stating import Objectives
from gateway.upstream.guards import monotonic_ms
from gateway.upstream.kinds import UpstreamKinds
from gateway.watching.exposing import Metering, metering
from gateway.watching.metrics import Metrics
from gateway.watching.tracing import Tracing, otlp
from gateway.watching.watch import Watch
from pilote.decision.v1 import decision_service_pb2_grpc
from pilote.envoy import access_log_pb2_grpc, auth_pb2_grpc, ext_proc_pb2_grpc, ratelimit_pb2_grpc
from pilote.objective.v1 import objective_service_pb2_grpc

_log = logging.getLogger(__name__)
_AWAY: Final = (StoreDown, CallEnded)
"""What says at the start that the store does not answer."""

FIRST_LOOK_SECONDS: Final = 10.0
"""Longest wait for the active revision at the start; then calls are refused until it comes."""
SERVICES: Final = ("pilote.decision.v1.DecisionService", "pilote.objective.v1.ObjectiveService")
"""What the gateway answers itself."""


class Gateway:
    """One gateway process."""

    def __init__(self, *, pipeline: Pipeline, proxy: Proxy, standing: Standing) -> None:
        self.pipeline = pipeline
        self.standing = standing
        self.proxy = proxy
        self.reflecting = Reflecting(SERVICES)
        self.swaps = Swaps()
        self.port = 0
        self.envoy_port = 0
        """Where Envoy connects by mutual TLS; 0: nowhere."""

    async def swap(self, number: int, published: Published) -> None:
        """Answer by another revision; one that cannot be used here is said so, and the old one goes on.

        Raises:
            CallEnded: STORE_UNAVAILABLE, so that it is tried again.
        """
        began = time.monotonic()
        try:
            document, before = bytes(published.document), self.pipeline.revision
            revision = await self.swaps.ready(document, number=number, before=before)
            await self.pipeline.use(revision)
            await self.swaps.done(document, before=before)
        except CallEnded:
            raise
        except PolicyInvalid as invalid:
            mistakes = [f"{mistake.path}: {words(mistake, language='en').problem}" for mistake in invalid.mistakes]
            _log.error("revision %d cannot be used here", number, extra={"mistakes": mistakes})
            self.standing.refuses(number, UNUSABLE)
            return
        except Exception:  # whatever is wrong with it must not end the follower, or no later one would be seen
            _log.exception("revision %d cannot be used here", number)
            self.standing.refuses(number, UNUSABLE)
            return
        self.proxy.forget_kinds()
        self.reflecting.use(revision.services, revision.pool)
        self.standing.runs(number, revision.sha256, swap_ms=round((time.monotonic() - began) * 1000))
        _log.info("revision %d is active", number, extra={"sha256": revision.sha256})


@contextlib.asynccontextmanager
async def gateway(
    settings: Settings,
    *,
    redis_url: str,
    pseudonym_key: bytes,
    hold_keys: Sequence[bytes],
    replay_keys: Sequence[bytes] = (),
    record_keys: Sequence[bytes] = (),
    clock: Callable[[], int] = clock_ms,
    trusted_people: Authority | None = None,
    monotonic: Callable[[], int] = monotonic_ms,
) -> AsyncIterator[Gateway]:
    """A gateway that serves until the block ends, then drains.

    With `replay_keys` the inputs of calls are kept where a policy wants that, with `record_keys` records say what calls
    were decided by; without, neither. `clock` says when kept calls are due, `monotonic` how time passes for breakers;
    both give milliseconds.

    Raises:
        ValueError: what it has pinned of the people it trusts cannot be read.
        StoreDown, CallEnded: the store does not answer at the start.
        DataNewer: a newer version of Pilote keeps its data there.
        OSError: the address is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        connection = await answered(lambda: opened(redis_url, timeout_ms=settings.store_timeout_ms), away=_AWAY)
        stack.push_async_callback(connection.close)
        options = {"protocol": 2, "retry": Retry(NoBackoff(), 1), "socket_connect_timeout": 1}
        redis = await redis_clients.agreed(redis_url, cluster=connection.servers != ("",), **options)
        stack.push_async_callback(redis.aclose)
        spool = Spool(settings.home / "spool", worker=f"gateway-{os.getpid()}")
        stack.push_async_callback(spool.close)
        admission = Admission(connection, spool)
        stack.push_async_callback(admission.close)
        await answered(lambda: admission.prepare(()), away=_AWAY)  # calls are recorded before the first revision too
        facts = FactStore(connection, lambda server: redis_clients.server(redis_url, server, **options))
        stack.push_async_callback(facts.close)
        failures = RuleFailures(connection)
        stack.push_async_callback(failures.close)
        upstreams = UpstreamKinds({"grpc": Upstreams(), "openai": OpenAIUpstreams()})
        stack.push_async_callback(upstreams.close)
        own = instance("gateway")
        watch = await _watch(settings, own, stack)
        watch.observe_store(admission.latency)
        watch.observe_spool(lambda: (spool.waiting, spool.size_bytes))
        gathering = Gathering()
        stack.callback(gathering.close)
        recorder = Recorder(admission, Sealer(replay_keys) if replay_keys else None)
        keeping = Keeping(HoldStore(over_connection(connection), Sealer(hold_keys)), note=recorder.note)
        await answered(keeping.store.prepare, away=_AWAY)
        shadowing = Shadowing(
            upstreams, admission, failures=failures, pseudonym_key=pseudonym_key, watched=watch.copied
        )
        stack.push_async_callback(shadowing.close)
        pipeline = Pipeline(
            identity=Identity(pseudonym_key=pseudonym_key),
            facts=facts,
            admission=admission,
            upstreams=upstreams,
            failures=failures,
            gathering=gathering,
            keeping=keeping,
            lineages=Lineages(connection),
            shadowing=shadowing,
            recorder=recorder,
            progress=ProgressBook(ObjectiveStore(redis)),
            values=Values(_subject_keys(stack, redis, record_keys)),
            pseudonym_key=pseudonym_key,
            clock=monotonic,
        )
        watch.observe(pipeline.forwarding.guards.looks)
        proxy = Proxy(pipeline, watch, trace_ratio=settings.trace_ratio, also_own=_served_for_envoy(settings))
        running = Gateway(
            pipeline=pipeline, proxy=proxy, standing=Standing(own, clock_ms=clock_ms, told=watch.standing)
        )
        stack.push_async_callback(running.swaps.close)
        looked = await _follow(stack, redis, running, settings=settings, spool=spool, trusted_people=trusted_people)
        # A worker that takes its share of the port's calls before it knows the policy would refuse them.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await looked.wait()
        waiting = Waiting(keeping.store, cells_of=pipeline.cells_of)
        holding = Holding(pipeline, keeping, waiting, ended=watch.ended, clock=clock)
        stack.push_async_callback(holding.close)
        stack.push_async_callback(ended, asyncio.create_task(holding.run()))

        def add_services(server: grpc.aio.Server) -> None:
            _add_own(server, pipeline, waiting=waiting)
            _add_for_envoy(server, settings, pipeline=pipeline, admission=admission, watch=watch, keys=hold_keys)

        running.port = await stack.enter_async_context(
            serving(
                add_services,
                listen=settings.gateway_listen,
                names=SERVICES,
                drain_seconds=settings.drain_seconds,
                max_message_bytes=settings.max_message_bytes,
                otherwise=proxy,
                reflecting=running.reflecting,
                secure=_secure(settings, running),
                callers="everybody",
            )
        )
        yield running
        pipeline.draining = True
        shadowing.stop()
        holding.stop(within_s=settings.drain_seconds)


async def serve(
    settings: Settings,
    *,
    redis_url: str,
    pseudonym_key: bytes,
    hold_keys: Sequence[bytes],
    replay_keys: Sequence[bytes],
    record_keys: Sequence[bytes],
    trusted_people: Authority | None = None,
) -> None:
    """Run a gateway until SIGTERM or SIGINT."""
    running = gateway(
        settings,
        redis_url=redis_url,
        pseudonym_key=pseudonym_key,
        hold_keys=hold_keys,
        replay_keys=replay_keys,
        record_keys=record_keys,
        trusted_people=trusted_people,
    )
    async with until_told_to_stop() as stop, contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(running)
        except _AWAY:
            _log.critical("the store does not answer: start it, or say where it is by PILOTE_REDIS_URL")
            raise SystemExit(1) from None
        await stop.wait()


def pseudonym_key(path: Path) -> bytes:
    """The key that subjects' pseudonyms are made with, from a file; made where the file does not exist yet.

    Raises:
        ValueError: the file holds less than 32 bytes.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        secret_files.make(path, os.urandom(32))
        key = path.read_bytes()
    if len(key) < 32:
        raise ValueError(f"{path} holds {len(key)} bytes; a pseudonym key needs 32 or more.")
    return key


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


def _add_own(server: grpc.aio.Server, pipeline: Pipeline, *, waiting: Waiting) -> None:
    """Serve `SERVICES`."""
    decision_service_pb2_grpc.add_DecisionServiceServicer_to_server(Decisions(pipeline, waiting), server)
    objective_service_pb2_grpc.add_ObjectiveServiceServicer_to_server(Objectives(pipeline), server)


def _served_for_envoy(settings: Settings) -> tuple[str, ...]:
    return () if settings.envoy_key_file is None and not settings.envoy_listen else FOR_ENVOY


def _add_for_envoy(
    server: grpc.aio.Server,
    settings: Settings,
    *,
    pipeline: Pipeline,
    admission: Admission,
    watch: Watch,
    keys: Sequence[bytes],
) -> None:
    """Serve what Envoy asks, where this process knows it by a key or certificate; `keys` are those of held calls.

    Raises:
        ValueError, OSError: the key file cannot be used.
    """
    if not _served_for_envoy(settings):
        return
    known = () if settings.envoy_key_file is None else envoy_keys(settings.envoy_key_file)
    folder = settings.envoy_tls_dir if not known else None
    authority = None if folder is None else _authority(Certificates(folder))
    doors = Doors(known, only_tls=settings.envoy_listen != "", authority=authority)
    seals = Seals(Sealer(keys))
    checking = Authorization(pipeline, watch, seals=seals, doors=doors, trace_ratio=settings.trace_ratio)
    auth_pb2_grpc.add_AuthorizationServicer_to_server(checking, server)
    limits = RateLimit(pipeline, watch, doors=doors, trace_ratio=settings.trace_ratio)
    ratelimit_pb2_grpc.add_RateLimitServiceServicer_to_server(limits, server)
    ext_proc_pb2_grpc.add_ExternalProcessorServicer_to_server(Processing(seals=seals, doors=doors), server)
    log = AccessLog(admission, seals=seals, doors=doors, revision=lambda: pipeline.revision, clock=clock_ms)
    access_log_pb2_grpc.add_AccessLogServiceServicer_to_server(log, server)


def _authority(certificates: Certificates) -> Signing:
    return lambda: certificates.now().authority


async def _watch(settings: Settings, own: Instance, stack: contextlib.AsyncExitStack) -> Watch:
    """What is told of calls that have ended; exports what is left when the stack ends."""
    tracing, metrics = None, None
    if settings.otlp_endpoint is not None:
        tracing = Tracing(own, exporter=otlp(settings.otlp_endpoint))
        stack.push_async_callback(asyncio.to_thread, tracing.close)
    to = Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home)
    if to.anywhere:
        metrics = Metrics(await stack.enter_async_context(metering(own, to)))
    watch = Watch(tracing, metrics, call_log=settings.call_log)
    stack.callback(watch.flush)
    return watch


async def _follow(
    stack: contextlib.AsyncExitStack,
    redis: redis_clients.Client,
    running: Gateway,
    *,
    settings: Settings,
    spool: Spool,
    trusted_people: Authority | None,
) -> asyncio.Event:
    """Follow the active revision, and tell which one runs here; what is given is set after the first look."""
    standing, workers, looked = running.standing, Workers(redis), asyncio.Event()
    revisions = RevisionStore(redis)
    trust = Trust(revisions, root=trusted_people, pin_file=settings.home / PIN_FILE)
    following = revisions.follow(running.swap, judge=trust.judge, refused=standing.refuses, looked=looked)
    stack.push_async_callback(ended, asyncio.create_task(following))
    stack.push_async_callback(left, workers, standing)
    objectives = running.pipeline.progress.follow(lambda: running.pipeline.revision)
    stack.push_async_callback(ended, asyncio.create_task(objectives))

    def report() -> Report:
        looks = running.pipeline.forwarding.guards.looks()
        return msgspec.structs.replace(standing.report, spooled=spool.waiting, guards=guards(looks))

    reporter = asyncio.create_task(reporting(workers, report, standing.changed))
    stack.push_async_callback(ended, reporter)
    return looked


def _subject_keys(
    stack: contextlib.AsyncExitStack, redis: redis_clients.Client, master_keys: Sequence[bytes]
) -> SubjectKeys | None:
    """What seals the values of records, and forgets whoever is erased; `None` without a master key."""
    if not master_keys:
        return None
    found = SubjectKeys(Sealer(master_keys))
    stack.push_async_callback(ended, asyncio.create_task(Erasures(redis).follow(found.drop)))
    return found
