"""`pilote insights run`: one process that reads the log on and looks for what is wrong, every few minutes."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.clock import clock_ms
from gateway.ending import ended
from gateway.instance import instance
from gateway.redis_clients import Client
from gateway.rpc.channels import channel_to
from gateway.rpc.serving import serving, until_told_to_stop
from gateway.watching.exposing import NOWHERE, Metering, metering
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.vault.v1.vault_service_pb2_grpc import add_VaultServiceServicer_to_server
from services.cockpit.standing import Aims
from services.findings.pressure import PressureStore
from services.findings.store import FindingStore
from services.insights.pressure.segments import Target
from services.reviews.item import Item
from services.reviews.ruling import RuleBook
from services.reviews.store import ReviewStore
from services.vault.keeping import Keeper
from services.vault.noting import note_reading
from services.vault.serving import SERVICE, VaultServicer
from services.vault.store import Held, Vault
from services.workbench.columns.ahead import Ahead
from services.workbench.columns.database import Columns
from services.workbench.comparing import compared
from services.workbench.filling import Filling
from services.workbench.kpis.keeping import KpiKeeper
from services.workbench.looking import Look, Looking
from services.workbench.looks.adding_up import AddingUpLook
from services.workbench.looks.around import AroundLook
from services.workbench.looks.bursts import BurstsLook
from services.workbench.looks.drift import DriftLook
from services.workbench.looks.fairness import FairnessLook
from services.workbench.looks.novelty import NoveltyLook
from services.workbench.looks.pressure import PressureLook
from services.workbench.looks.probing import ProbingLook
from services.workbench.looks.saturation import SaturationLook
from services.workbench.looks.silence import SilenceLook
from services.workbench.looks.spans import Span
from services.workbench.looks.standings import TARGET
from services.workbench.metrics import Seen, WorkbenchMetrics
from services.workbench.segmenting import Segmenting
from services.workbench.segments import segments_of
from services.workbench.targeting import TargetKeeper

FOLDER: Final = "insights"
"""Below `PILOTE_HOME`: the columns. They can be deleted, and are then read anew from the log."""
VAULT: Final = "vault"
"""Below `PILOTE_HOME`: the vault of sensitive attributes, which only this process opens."""
PATIENCE_SECONDS: Final = 5.0
"""Pause while the audit service or the store does not answer."""

_OPTIONS: Final[Mapping[str, Any]] = {
    "retry": Retry(NoBackoff(), 1),
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
_log = logging.getLogger(__name__)
T = TypeVar("T")
Aiming = Callable[[Client], Awaitable[Aims]]
"""What the active policy says of KPIs: in which currency amounts are told, and objectives."""


def looks(target: Target = TARGET, *, drift: Look | None = None) -> tuple[Look, ...]:
    """All that is looked for, but for what needs the vault. `target` says how full customers' caps should be.

    With `drift` that looks for drift, such as one in a process of its own.
    """
    signals = (BurstsLook(), SilenceLook(), AroundLook(), NoveltyLook(), AddingUpLook(), ProbingLook())
    return (drift or DriftLook(), *signals, PressureLook(target), SaturationLook(target))


async def serve(
    *,
    listen: str,
    home: Path,
    redis_url: str,
    audit: str,
    ahead: Ahead,
    vault_keys: Sequence[bytes],
    aiming: Aiming,
    pause_seconds: float,
    drain_seconds: float,
    target: Target = TARGET,
    to: Metering = NOWHERE,
) -> None:
    """Look until SIGTERM or SIGINT. `listen` answers for our health and the vault, `audit` is where the log is read.

    `vault_keys` open the vault, and the first one seals what it holds.

    `ahead` says how the log is read where much is new; what it makes opens what calls were decided by. `aiming` says
    in which currency amounts are told, and which objectives there are.

    Raises:
        OSError: the address is taken.
        Unusable: the columns are in use by another process, or broken.
        VaultUnusable: the vault is broken.
        LogDiffers: the log is another one than it was.
    """
    async with (
        until_told_to_stop() as stop,
        metering(instance("insights"), to) as meters,
        vaulted(home / VAULT, audit, keys=vault_keys, redis_url=redis_url, clock_ms=clock_ms) as (
            servicer,
            keeper,
            fairness,
        ),
        serving(
            lambda server: add_VaultServiceServicer_to_server(servicer, server),
            listen=listen,
            names=(SERVICE,),
            drain_seconds=drain_seconds,
        ),
    ):
        columns = Columns(home / FOLDER, summing=ahead.summing())
        try:
            metrics = WorkbenchMetrics(meters)
            working = asyncio.create_task(
                look_always(
                    columns,
                    redis_url,
                    audit,
                    pause_seconds=pause_seconds,
                    aiming=aiming,
                    metrics=metrics,
                    looks=(*looks(target), fairness),
                    target=target,
                    ahead=ahead,
                )
            )
            keeping = asyncio.create_task(keeper.run())
            told = asyncio.create_task(stop.wait())
            await asyncio.wait((working, keeping, told), return_when=asyncio.FIRST_COMPLETED)
            # A mistake of ours is raised: better no process than one that only looks alive.
            await ended(working, keeping, told)
        finally:
            columns.close()


@contextlib.asynccontextmanager
async def vaulted(
    folder: Path, audit: str, *, keys: Sequence[bytes], redis_url: str, clock_ms: Callable[[], int]
) -> AsyncIterator[tuple[VaultServicer, Keeper, FairnessLook]]:
    """Who answers for the vault, who keeps it, and what looks for unequal treatment, until the block ends.

    Raises:
        VaultUnusable: the vault is broken.
    """
    loop, vault = asyncio.get_running_loop(), Vault(folder, keys)
    try:
        await asyncio.to_thread(vault.seal_anew)
        async with channel_to(audit) as channel:
            stub = AuditServiceStub(channel)

            def waited(work: Coroutine[Any, Any, T]) -> T:  # looks run in threads
                return asyncio.run_coroutine_threadsafe(work, loop).result()

            def note(held: Held) -> None:
                waited(note_reading(stub, held))

            def reviews(tenant: str, span: Span) -> Sequence[Item]:
                wanted = {"start_ms": span.start_ms, "end_ms": span.end_ms}
                return waited(_asked(redis_url, lambda redis: ReviewStore(redis).settled(tenant, **wanted)))

            def segments(tenant: str, people: Sequence[str]) -> Mapping[str, Sequence[str]]:
                return waited(_asked(redis_url, lambda redis: segments_of(redis, tenant, people)))

            fairness = FairnessLook(vault, note=note, reviews=reviews, segments=segments)
            servicer = VaultServicer(vault, compared=lambda: compared(fairness.weeks), clock_ms=clock_ms)
            yield servicer, Keeper(vault, stub, clock_ms=clock_ms), fairness
    finally:
        vault.close()


@contextlib.asynccontextmanager
async def looking(
    columns: Columns,
    redis_url: str,
    audit: str,
    *,
    looks: Sequence[Look],
    clock_ms: Callable[[], int],
    aiming: Aiming,
    target: Target = TARGET,
    ahead: Ahead | None = None,
) -> AsyncIterator[tuple[Looking, FindingStore]]:
    """Who makes rounds, and where findings are, until the block ends.

    Raises:
        RedisError, OSError: the store does not answer.
    """
    async with (
        await redis_clients.patiently(redis_url, **_OPTIONS) as redis,
        channel_to(audit) as channel,
    ):
        findings = FindingStore(redis)
        filling = Filling(ReviewStore(redis), RuleBook(redis))
        stub, pressure = AuditServiceStub(channel), PressureStore(redis)
        bench = Looking(
            columns,
            stub,
            findings,
            looks,
            clock_ms=clock_ms,
            filling=filling,
            pressure=pressure,
            targeting=TargetKeeper(redis, belonging=lambda tenant, people: segments_of(redis, tenant, people)),
            kpis=KpiKeeper(
                redis,
                belonging=lambda tenant, people: segments_of(redis, tenant, people),
                wanted=lambda: aiming(redis),
            ),
            segmenting=Segmenting(redis, target=target),
            ahead=ahead,
        )
        yield bench, findings


async def _asked(redis_url: str, ask: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
    """What the store says over a connection of its own.

    Raises:
        RedisError, OSError: it does not answer.
    """
    async with await redis_clients.connected(redis_url, **_OPTIONS) as redis:
        return await ask(redis)


async def look_always(
    columns: Columns,
    redis_url: str,
    audit: str,
    *,
    pause_seconds: float,
    aiming: Aiming,
    metrics: WorkbenchMetrics,
    looks: Sequence[Look],
    target: Target = TARGET,
    ahead: Ahead | None = None,
) -> None:
    """Make rounds again and again; who does not answer is said once, and waited for."""
    metrics.tell((Seen(columns.size, time.monotonic(), ()),))  # until the first round it is late since now
    down = False
    while True:
        try:
            async with looking(
                columns,
                redis_url,
                audit,
                looks=looks,
                clock_ms=clock_ms,
                aiming=aiming,
                target=target,
                ahead=ahead,
            ) as (bench, findings):
                while True:
                    made = await bench.round()
                    down = False
                    tenants = await asyncio.to_thread(columns.tenants)
                    kept = [each for tenant in tenants for each in await findings.all(tenant)]
                    metrics.tell((Seen(columns.size, time.monotonic(), tuple(kept)),))
                    _log.info(
                        "the log has been looked at",
                        extra={
                            "read": made.read,
                            "seen": made.seen,
                            "new": len(made.news),
                            "to_review": made.joined,
                            "failed": list(made.failed),
                        },
                    )
                    await asyncio.sleep(pause_seconds)
        except (RedisError, OSError, TimeoutError, grpc.aio.AioRpcError) as error:
            if not down:
                _log.warning("the log or the store does not answer: nothing is looked for", extra={"error": str(error)})
            down = True
        await asyncio.sleep(PATIENCE_SECONDS)
