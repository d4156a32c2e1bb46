"""`pilote audit`: one process that writes the decisions and answers questions about them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import grpc
from grpc_health.v1 import health
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.clock import clock_ms
from gateway.core.errors import CallEnded, Reason
from gateway.instance import Instance, instance
from gateway.redis_clients import agree_on_layout, client, is_cluster, seeds
from gateway.rpc.serving import serving, until_told_to_stop
from gateway.watching.exposing import NOWHERE, Metering, metering
from gateway.watching.tracing import Tracing, otlp
from pilote.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from services.audit.after_erasures import TRIMMED_SECONDS, tell
from services.audit.cluster import ClusterStreams
from services.audit.explaining import Policies, no_policies
from services.audit.health import tell_health
from services.audit.in_use import consuming, using
from services.audit.metrics import ObjectiveMetrics
from services.audit.objectives import Follow, ObjectiveBook
from services.audit.opening import opened
from services.audit.outcome_spans import OutcomeSpans
from services.audit.progress import Progress
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.audit.queries import Queries
from services.audit.shared_tails import SharedTails
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import KEEPING
from services.audit.store import DecisionStore
from services.audit.streams import DecisionStreams, Streams
from services.audit.tails import Tails
from services.audit.writer import Writer, pause
from services.audit.writing_metrics import WritingMetrics
from services.proof.notes import Key, Signer

RETRY_SECONDS: Final = 0.2
TEND_SECONDS: Final = 10.0
"""Pause between two looks at what there is to do in the background. Deleted files outlive it: queries are shorter."""

SERVICE: Final = audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"].full_name

_log = logging.getLogger(__name__)


async def serve(
    *,
    listen: str,
    redis_url: str,
    home: Path,
    pseudonym_key: bytes,
    drain_seconds: float,
    store_url: str | None = None,
    signer: Signer | None = None,
    witnesses: Sequence[Key] = (),
    follow: Follow | None = None,
    policies: Policies = no_policies,
    to: Metering = NOWHERE,
    keeping: Keeping = KEEPING,
    trace_ratio: float = 1.0,
) -> None:
    """Write and answer until SIGTERM or SIGINT. `pseudonym_key` is the gateways' key of `subject_ref`.

    `store_url` names a database of PostgreSQL; without one the store is in `home`.
    `witnesses` may sign the checkpoints of the log too.

    `follow` tells what the active revision promises of its routes; without it no objectives are known. `to` says where
    metrics and spans go, `trace_ratio` which share of the spans. `signer` signs the log; without one, the key in `home`
    does, made where there is none. `policies` gives the policies that decided, for explanations; `keeping` says
    how long decisions stay in which form.

    Raises:
        OSError: when the address is taken.
        CallEnded: STORE_UNAVAILABLE when the embedded store cannot be opened.
        ValueError: `store_url` is no URL of PostgreSQL.
    """
    async with (
        until_told_to_stop() as stop,
        running(
            listen=listen,
            redis_url=redis_url,
            home=home,
            pseudonym_key=pseudonym_key,
            drain_seconds=drain_seconds,
            store_url=store_url,
            signer=signer,
            witnesses=witnesses,
            follow=follow,
            policies=policies,
            to=to,
            keeping=keeping,
            trace_ratio=trace_ratio,
        ) as port,
    ):
        _log.info("the audit service answers", extra={"port": port})
        await stop.wait()


@contextlib.asynccontextmanager
async def running(
    *,
    listen: str,
    redis_url: str,
    home: Path,
    pseudonym_key: bytes,
    drain_seconds: float,
    store_url: str | None = None,
    signer: Signer | None = None,
    witnesses: Sequence[Key] = (),
    follow: Follow | None = None,
    policies: Policies = no_policies,
    to: Metering = NOWHERE,
    keeping: Keeping = KEEPING,
    trimmed_seconds: float = TRIMMED_SECONDS,
    trace_ratio: float = 1.0,
) -> AsyncIterator[int]:
    """The service until the block ends; yields its port. See `serve`.

    A writer that fails by a mistake of ours ends the block: better no process than one that only looks alive.
    """
    stop = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        meters = await stack.enter_async_context(metering(instance("audit"), to))
        stack.enter_context(using(home, alone=False))
        consumer = stack.enter_context(consuming(home))
        store = opened(home, url=store_url, keeping=keeping)
        stack.push_async_callback(store.close)
        tails = SharedTails(store.log) if store.shared else Tails()
        book = ObjectiveBook(store, clock_ms=clock_ms)
        checkpoints = Checkpoints(
            store.log, signer=signer or log_signer(home / KEY_FILE), clock_ms=clock_ms, witnesses=witnesses
        )
        queries = Queries(
            store,
            tails=tails,
            objectives=book,
            checkpoints=checkpoints,
            pseudonym_key=pseudonym_key,
            clock_ms=clock_ms,
            policies=policies,
        )
        progress, health_servicer = Progress(), health.aio.HealthServicer()
        WritingMetrics(meters, progress, checkpoints=checkpoints, store=store, clock_ms=clock_ms)
        spans = _outcome_spans(stack, store, to=to, ratio=trace_ratio, own=meters.instance)

        def begin(streams: DecisionStreams) -> Writer:
            told = None if spans is None else spans.stored
            return Writer(streams, store=store, tails=tails, clock_ms=clock_ms, progress=progress, stored=told)

        group = await stack.enter_async_context(asyncio.TaskGroup())
        port = await stack.enter_async_context(
            serving(
                lambda server: _add(queries, server),
                listen=listen,
                names=(SERVICE,),
                drain_seconds=drain_seconds,
                health_servicer=health_servicer,
            )
        )
        writing = group.create_task(_write(redis_url, stop, consumer=consumer, progress=progress, begin=begin))
        works = [checkpoints.run(), _tend(store), tell_health(health_servicer, progress, service=SERVICE)]
        if isinstance(tails, SharedTails):
            works.append(tails.run())
        endless = [group.create_task(work) for work in works]
        telling = tell(redis_url, store.personal, clock_ms=clock_ms, trimmed_seconds=trimmed_seconds)
        endless.append(group.create_task(telling))
        if spans is not None:
            group.create_task(spans.run())
            writing.add_done_callback(lambda _: spans.stop())
        if follow is not None:
            endless.append(group.create_task(follow(book.promise)))
        if to.anywhere:
            endless.append(group.create_task(book.export(ObjectiveMetrics(meters))))
        try:
            yield port
        finally:
            for task in endless:
                task.cancel()
            tails.drain()
            stop.set()


async def _tend(store: DecisionStore) -> None:
    """Do what the store has to do in the background."""
    while True:
        try:
            await store.tend(now_ms=clock_ms())
        except CallEnded as error:
            if error.reason is not Reason.STORE_UNAVAILABLE:
                raise
            _log.warning(
                "the store does not answer: it is tended later", extra={"error": str(error.__cause__ or error)}
            )
        await asyncio.sleep(TEND_SECONDS)


def _outcome_spans(
    stack: contextlib.AsyncExitStack, store: DecisionStore, *, to: Metering, ratio: float, own: Instance
) -> OutcomeSpans | None:
    """Who makes spans of what customers did; nobody where none are exported."""
    if to.otlp_endpoint is None:
        return None
    tracing = Tracing(own, exporter=otlp(to.otlp_endpoint))
    stack.push_async_callback(asyncio.to_thread, tracing.close)
    return OutcomeSpans(store, tracing, ratio=ratio, clock_ms=clock_ms)


async def _write(
    redis_url: str,
    stop: asyncio.Event,
    *,
    consumer: str,
    progress: Progress,
    begin: Callable[[DecisionStreams], Writer],
) -> None:
    """Write until `stop` is set; begin as soon as Redis says whether it is one server or a cluster."""
    async with contextlib.AsyncExitStack() as stack:
        cluster: bool | None = None
        while cluster is None:
            try:
                found = await is_cluster(redis_url)
                async with client(redis_url, cluster=found, retry=Retry(NoBackoff(), 0), socket_timeout=2) as asked:
                    await agree_on_layout(asked)
                cluster = found
            except (RedisError, OSError) as error:
                progress.failing = True
                _log.warning("Redis does not answer yet", extra={"error": str(error)})
                await pause(stop, RETRY_SECONDS)
                if stop.is_set():
                    return
        streams: DecisionStreams
        if cluster:
            streams = ClusterStreams(redis_url, consumer=consumer, connect=shard_client)
            stack.push_async_callback(streams.close)
        else:
            redis = connected(redis_url)
            stack.push_async_callback(redis.aclose)
            streams = Streams(redis, consumer=consumer)
        await begin(streams).run(stop)


def connected(redis_url: str, *, block_ms: int = 400) -> "Redis":
    """A client for the writer: no answer for two seconds beyond `block_ms` is a failure, and so is a lost connection.

    It does not retry by itself: of a batch whose connection broke we must know, because it was delivered to us.
    """
    return Redis.from_url(
        seeds(redis_url)[0],
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=0.5,
        socket_timeout=block_ms / 1_000 + 2,
    )


def shard_client(url: str, *, patience_s: float = 0.5) -> Redis:
    """A client for one server of a cluster, which does not wait long: the others must not wait for it either."""
    return Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=patience_s, socket_timeout=patience_s
    )


def _add(queries: Queries, server: grpc.aio.Server) -> None:
    audit_service_pb2_grpc.add_AuditServiceServicer_to_server(queries, server)
