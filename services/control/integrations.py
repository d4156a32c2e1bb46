"""The systems behind the gateway: how they do, what guards them, what is left of their quotas, and their feeds."""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import grpc
import msgspec
from redis.exceptions import RedisError

from gateway.adapters.workers import GATEWAY, Workers
from gateway.core.guarding import guarded
from gateway.core.keys import NOBODY
from gateway.core.policy.document import Document
from gateway.core.policy.upstreams import Upstream
from gateway.redis_clients import Client
from pilote.audit.v1 import upstreams_pb2 as pb
from services.control.audit_client import Stub
from services.control.policy import ActivePolicy
from services.control.quotas import Quota, Quotas

SECONDS: Final = 5.0
FEEDS: Final = ("crm", "cdp", "dmp", "orchestration", "tracking")
"""Kinds of systems; the contracts of each are in the package "pilote." and its name."""


class Health(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What calls of the last 15 minutes say of a system. One that was tried several times counts once for each try."""

    calls: int
    unavailable: int
    """Calls that it did not answer, or that a breaker kept from it."""
    failed: int
    """Calls that it answered with a failure of its own, or too late."""
    in_doubt: int
    """Calls of which it is not known whether it has acted."""
    error_share: float
    """Of 1."""
    slow: int
    """Calls that took longer than promised."""
    median_ms: float | None
    """Half of the calls took at most so long, give or take 5 %; `null` where it was not asked."""
    p95_ms: float | None
    """Likewise 95 % of them."""


class WorkerGuard(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How what stands before a system is doing on one worker of the gateways; told every five seconds."""

    worker: str
    breaker: str
    """"closed", "open": no call goes; "half-open": one may try. "closed" too where the system has no breaker."""
    openings: int
    """How often the breaker has opened, since the worker guards the system as it does now."""
    ejected: int
    """Addresses that get no calls now."""
    ejections: int
    """How often one was ejected, likewise."""


class Connector(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A system of the active policy."""

    name: str
    kind: str
    version: str
    addresses: int
    """How many serve the same."""
    sandbox: bool
    breaker: bool
    """Whether it is left alone for a while when it fails."""
    outliers: bool
    """Whether an address that fails gets no calls for a while."""
    guards: tuple[WorkerGuard, ...] | None
    """By worker, of a system that anything stands before; `null` where the store does not say."""
    routes: tuple[str, ...]
    health: Health | None
    """`null` where the audit service does not say."""
    last_call_time: dt.datetime | None


class Feed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was last heard on the contracts of one kind of system."""

    name: str
    """"crm", "cdp", "dmp", "orchestration" or "tracking"."""
    calls: int | None
    """In the last 15 minutes; `null` where the audit service does not say."""
    last_call_time: dt.datetime | None
    lag_seconds: float | None
    """How long ago that was."""


class IntegrationsShown(msgspec.Struct, frozen=True, kw_only=True):
    """Systems, what is left of their quotas, and what was last heard of them."""

    connectors: tuple[Connector, ...]
    quotas: tuple[Quota, ...] | None
    """At most a hundred, the fullest first; `null` where the store does not say."""
    feeds: tuple[Feed, ...]


class Integrations:
    """Shows them. `clock_ms` is milliseconds since the epoch."""

    def __init__(self, redis: Client, audit: Stub, policy: ActivePolicy, *, clock_ms: Callable[[], int]) -> None:
        self._audit: Any = audit
        self._policy = policy
        self._workers = Workers(redis)
        self._quotas = Quotas(redis)
        self._clock_ms = clock_ms

    async def get(self, tenants: Sequence[str]) -> IntegrationsShown:
        """The systems of the active policy, by name, and how they do for these tenants."""
        document = self._policy.revision.document if self._policy.revision else None
        upstreams = sorted(document.upstreams, key=lambda each: each.name) if document else ()
        sums, guards, quotas = await asyncio.gather(self._sums(tenants), self._guards(), self._left(tenants))
        return IntegrationsShown(
            connectors=tuple(_connector(each, document, sums, guards) for each in upstreams if document),
            quotas=quotas,
            feeds=tuple(self._feed(name, sums) for name in FEEDS),
        )

    async def _sums(self, tenants: Sequence[str]) -> pb.SummarizeUpstreamsResponse | None:
        try:
            asked = pb.SummarizeUpstreamsRequest(tenants=tenants or (NOBODY,))  # to name none would mean all
            found: pb.SummarizeUpstreamsResponse = await self._audit.SummarizeUpstreams(asked, timeout=SECONDS)
        except grpc.aio.AioRpcError:
            return None
        return found

    async def _guards(self) -> Mapping[str, tuple[WorkerGuard, ...]] | None:
        """By system."""
        found: dict[str, tuple[WorkerGuard, ...]] = {}
        try:
            async with asyncio.timeout(SECONDS):
                reports = await self._workers.all()
        except (RedisError, OSError, TimeoutError):
            return None
        for report in reports:
            if report.kind != GATEWAY:  # who only decides forwards nothing, so its breakers stand for nothing
                continue
            for each in report.guards:
                told = WorkerGuard(
                    worker=report.worker,
                    breaker=each.breaker,
                    openings=each.openings,
                    ejected=each.ejected,
                    ejections=each.ejections,
                )
                found[each.upstream] = (*found.get(each.upstream, ()), told)
        return found

    async def _left(self, tenants: Sequence[str]) -> tuple[Quota, ...] | None:
        if self._policy.revision is None:
            return ()
        try:
            async with asyncio.timeout(SECONDS):
                return await self._quotas.of(self._policy.revision, tenants, now_ms=self._clock_ms())
        except (RedisError, OSError, TimeoutError):
            return None

    def _feed(self, name: str, sums: pb.SummarizeUpstreamsResponse | None) -> Feed:
        heard = {each.contract: each for each in sums.contracts}.get(f"pilote.{name}") if sums else None
        last = _time(heard)
        return Feed(
            name=name,
            calls=None if sums is None else heard.calls if heard else 0,
            last_call_time=last,
            lag_seconds=None if last is None else max(0.0, self._clock_ms() / 1000 - last.timestamp()),
        )


def _connector(
    upstream: Upstream,
    document: Document,
    sums: pb.SummarizeUpstreamsResponse | None,
    guards: Mapping[str, tuple[WorkerGuard, ...]] | None,
) -> Connector:
    heard = {each.upstream: each for each in sums.upstreams}.get(upstream.name) if sums else None
    guard = guards.get(upstream.name, ()) if guards is not None and guarded(upstream) else ()
    return Connector(
        name=upstream.name,
        kind=upstream.kind,
        version=upstream.version or "",
        addresses=len(upstream.all_addresses) or int(upstream.url is not None),
        sandbox=upstream.sandbox,
        breaker=upstream.breaker is not None,
        outliers=upstream.outliers is not None,
        guards=None if guards is None else guard,
        routes=_routes(upstream, document),
        health=None if sums is None else _health(heard or pb.UpstreamSummary()),
        last_call_time=_time(heard),
    )


def _health(heard: pb.UpstreamSummary) -> Health:
    wrong = heard.unavailable_count + heard.failed_count + heard.in_doubt_count
    asked = heard.HasField("median_duration")
    return Health(
        calls=heard.calls,
        unavailable=heard.unavailable_count,
        failed=heard.failed_count,
        in_doubt=heard.in_doubt_count,
        error_share=wrong / heard.calls if heard.calls else 0.0,
        slow=heard.slow_count,
        median_ms=heard.median_duration.ToMicroseconds() / 1_000 if asked else None,
        p95_ms=heard.p95_duration.ToMicroseconds() / 1_000 if asked else None,
    )


def _time(heard: pb.UpstreamSummary | pb.ContractSummary | None) -> dt.datetime | None:
    """When it was last heard of."""
    if heard is None or not heard.HasField("last_call_time"):
        return None
    return heard.last_call_time.ToDatetime(tzinfo=dt.UTC)


def _routes(upstream: Upstream, document: Document) -> tuple[str, ...]:
    """Routes that lead to it, by an arm or by a version that it serves."""
    served = {
        (model.name, version.version)
        for model in document.models
        for version in model.versions
        if version.upstream == upstream.name
    }
    return tuple(
        route.name
        for route in document.routes
        if any(arm.upstream == upstream.name for arm in route.arms)
        or any((model, arm.version) in served for model in route.models for arm in route.arms)
    )
