"""What decides about calls in one process, whatever carries their bytes: settings -> adapters -> pipeline.

Around it stands what takes calls in: the gRPC server of `gateway.server`, or an Envoy that has this process inside.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway import redis_clients
from gateway.activating import Activating
from gateway.activation.following import first_look, left
from gateway.activation.standing import Standing, guards
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
from gateway.adapters.revisions import RevisionStore
from gateway.adapters.sealing import Sealer
from gateway.adapters.spool import Spool
from gateway.adapters.subject_keys import SubjectKeys
from gateway.adapters.trust import PIN_FILE, Trust
from gateway.adapters.upstreams import Upstreams
from gateway.adapters.workers import GATEWAY, Report, Workers, reporting
from gateway.clock import clock_ms
from gateway.copies.shadowing import Shadowing
from gateway.core.authority import Authority
from gateway.core.errors import CallEnded
from gateway.ending import ended
from gateway.gathering import Gathering
from gateway.holds.holding import Holding
from gateway.holds.keeping import Keeping
from gateway.holds.waiting import Waiting
from gateway.instance import Instance, instance
from gateway.key_files import Keys
from gateway.pipeline import Pipeline
from gateway.progressing import ProgressBook
from gateway.records.erasures import Erasures
from gateway.records.recording import Recorder
from gateway.records.recording_values import Values
from gateway.settings import Settings
from gateway.starting import answered
from gateway.upstream.guards import monotonic_ms
from gateway.upstream.kinds import UpstreamKinds
from gateway.watching.exposing import Metering, metering
from gateway.watching.metrics import Metrics
from gateway.watching.tracing import Tracing, otlp
from gateway.watching.watch import Watch

AWAY: Final = (StoreDown, CallEnded)
"""What says at the start that the store does not answer."""


class Governing(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever carries calls works with."""

    pipeline: Pipeline
    admission: Admission
    activating: Activating
    standing: Standing
    waiting: Waiting
    watch: Watch
    stop: Callable[[], None]
    """Refuse new calls from now on, and begin with nothing else: the process is about to end."""


@contextlib.asynccontextmanager
async def governing(
    settings: Settings,
    *,
    redis_url: str,
    keys: Keys,
    clock: Callable[[], int] = clock_ms,
    trusted_people: Authority | None = None,
    monotonic: Callable[[], int] = monotonic_ms,
    called: str = GATEWAY,
) -> AsyncIterator[Governing]:
    """What decides, until the block ends; then what was taken is settled, and what was recorded is written.

    `clock` says when kept calls are due, `monotonic` how time passes for breakers; both give milliseconds. `called`
    is what the process is among those that decide. Call its `stop` before you end what carries calls, and that before
    the block.

    Raises:
        ValueError: what it has pinned of the people it trusts cannot be read.
        StoreDown, CallEnded: the store does not answer at the start.
        DataNewer: a newer version of Pilote keeps its data there.
    """
    async with contextlib.AsyncExitStack() as stack:
        connection = await answered(lambda: opened(redis_url, timeout_ms=settings.store_timeout_ms), away=AWAY)
        stack.push_async_callback(connection.close)
        options = {"protocol": 2, "retry": Retry(NoBackoff(), 1), "socket_connect_timeout": 1}
        redis = await redis_clients.agreed(redis_url, cluster=connection.servers != ("",), **options)
        stack.push_async_callback(redis.aclose)
        spool = Spool(settings.home / "spool", worker=f"gateway-{os.getpid()}")
        stack.push_async_callback(spool.close)
        admission = Admission(connection, spool)
        stack.push_async_callback(admission.close)
        await answered(lambda: admission.prepare(()), away=AWAY)  # calls are recorded before the first revision too
        facts = FactStore(connection, lambda server: redis_clients.server(redis_url, server, **options))
        stack.push_async_callback(facts.close)
        failures = RuleFailures(connection)
        stack.push_async_callback(failures.close)
        upstreams = UpstreamKinds({"grpc": Upstreams(), "openai": OpenAIUpstreams()})
        stack.push_async_callback(upstreams.close)
        own = instance("gateway", called=called)
        watch = await _watch(settings, own, stack)
        watch.observe_store(admission.latency)
        watch.observe_spool(lambda: (spool.waiting, spool.size_bytes))
        gathering = Gathering()
        stack.callback(gathering.close)
        recorder = Recorder(admission, Sealer(keys.replay) if keys.replay else None)
        keeping = Keeping(HoldStore(over_connection(connection), Sealer(keys.hold)), note=recorder.note)
        await answered(keeping.store.prepare, away=AWAY)
        shadowing = Shadowing(
            upstreams, admission, failures=failures, pseudonym_key=keys.pseudonym, watched=watch.copied
        )
        stack.push_async_callback(shadowing.close)
        pipeline = Pipeline(
            identity=Identity(pseudonym_key=keys.pseudonym),
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
            values=Values(_subject_keys(stack, redis, keys.record)),
            pseudonym_key=keys.pseudonym,
            clock=monotonic,
        )
        watch.observe(pipeline.forwarding.guards.looks)
        standing = Standing(own, clock_ms=clock_ms, told=watch.standing)
        activating = Activating(pipeline, standing)
        stack.push_async_callback(activating.close)

        def report() -> Report:
            looks = pipeline.forwarding.guards.looks()
            return msgspec.structs.replace(standing.report, spooled=spool.waiting, guards=guards(looks))

        trust = Trust(RevisionStore(redis), root=trusted_people, pin_file=settings.home / PIN_FILE)
        looked = _follow(stack, redis, activating, standing=standing, trust=trust, report=report)
        followed = pipeline.progress.follow(lambda: pipeline.revision)
        stack.push_async_callback(ended, asyncio.create_task(followed))
        # A worker that takes its share of the port's calls before it knows the policy would refuse them.
        await first_look(looked)
        waiting = Waiting(keeping.store, cells_of=pipeline.cells_of)
        holding = _hold(stack, Holding(pipeline, keeping, waiting, ended=watch.ended, clock=clock))

        def stop() -> None:
            pipeline.draining = True
            shadowing.stop()
            holding.stop(within_s=settings.drain_seconds)

        yield Governing(
            pipeline=pipeline,
            admission=admission,
            activating=activating,
            standing=standing,
            waiting=waiting,
            watch=watch,
            stop=stop,
        )


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


def _follow(
    stack: contextlib.AsyncExitStack,
    redis: redis_clients.Client,
    activating: Activating,
    *,
    standing: Standing,
    trust: Trust,
    report: Callable[[], Report],
) -> asyncio.Event:
    """Follow the active revision, and tell which one runs here; what is given is set after the first look."""
    workers, looked = Workers(redis), asyncio.Event()
    following = RevisionStore(redis).follow(activating.swap, judge=trust.judge, refused=standing.refuses, looked=looked)
    stack.push_async_callback(ended, asyncio.create_task(following))
    stack.push_async_callback(left, workers, standing)
    stack.push_async_callback(ended, asyncio.create_task(reporting(workers, report, standing.changed)))
    return looked


def _hold(stack: contextlib.AsyncExitStack, holding: Holding) -> Holding:
    """Make kept calls once they are due, until the stack ends."""
    stack.push_async_callback(holding.close)
    stack.push_async_callback(ended, asyncio.create_task(holding.run()))
    return holding


def _subject_keys(
    stack: contextlib.AsyncExitStack, redis: redis_clients.Client, master_keys: Sequence[bytes]
) -> SubjectKeys | None:
    """What seals the values of records, and forgets whoever is erased; `None` without a master key."""
    if not master_keys:
        return None
    found = SubjectKeys(Sealer(master_keys))
    stack.push_async_callback(ended, asyncio.create_task(Erasures(redis).follow(found.drop)))
    return found
