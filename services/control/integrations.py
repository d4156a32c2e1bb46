"""The systems behind the gateway and the feeds that come from them, as recorded calls show them."""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import grpc
import msgspec

from gateway.core.errors import Reason
from gateway.core.policy.document import Document
from gateway.core.policy.upstreams import Upstream
from pilote.audit.v1.audit_service_pb2 import ListDecisionsRequest
from pilote.audit.v1.summaries_pb2 import SummarizeDecisionsRequest
from services.control.audit_client import Stub
from services.control.filters import both, either, is_, since
from services.control.policy import ActivePolicy

SPAN_MS: Final = 3_600_000
SECONDS: Final = 5.0
_AT_ONCE: Final = 8
FEEDS: Final[Mapping[str, str]] = {
    "crm": "/pilote.crm.*",
    "cdp": "/pilote.cdp.*",
    "dmp": "/pilote.dmp.*",
    "orchestration": "/pilote.orchestration.*",
    "tracking": "/pilote.tracking.*",
}
"""Kinds of systems, and the methods of their contracts."""
_DOWN: Final = (Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_FAILED, Reason.UPSTREAM_IN_DOUBT)


class Health(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What calls of the last hour say of a system."""

    calls: int
    unavailable: int
    """Calls that it did not answer, or that a breaker kept from it."""
    failed: int
    """Calls that it answered with a failure of its own."""
    in_doubt: int
    """Calls of which it is not known whether it has acted."""
    error_share: float
    """Of 1."""
    slow: int
    """Calls that took longer than promised."""


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
    routes: tuple[str, ...]
    health: Health | None
    """`null` where the audit service does not say."""
    last_call_time: dt.datetime | None


class Feed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was last heard on the contracts of one kind of system."""

    name: str
    """"crm", "cdp", "dmp", "orchestration" or "tracking"."""
    calls: int | None
    """In the last hour; `null` where the audit service does not say."""
    last_call_time: dt.datetime | None
    lag_seconds: float | None
    """How long ago that was."""


class Integrations:
    """Shows them. `clock_ms` is milliseconds since the epoch."""

    def __init__(self, audit: Stub, policy: ActivePolicy, *, clock_ms: Callable[[], int]) -> None:
        self._audit: Any = audit
        self._policy = policy
        self._clock_ms = clock_ms
        self._asking = asyncio.Semaphore(_AT_ONCE)

    async def connectors(self, tenants: Sequence[str]) -> tuple[Connector, ...]:
        """The systems of the active policy, by name, and how they did for these tenants in the last hour."""
        document = self._policy.revision.document if self._policy.revision else None
        upstreams = sorted(document.upstreams, key=lambda each: each.name) if document else ()
        whose = either(*(is_("tenant", tenant) for tenant in tenants))
        found = await asyncio.gather(*(self._connector(each, document, whose) for each in upstreams if document))
        return tuple(found)

    async def feeds(self, tenants: Sequence[str]) -> tuple[Feed, ...]:
        """When each kind of system was last spoken to."""
        whose = either(*(is_("tenant", tenant) for tenant in tenants))
        return tuple(await asyncio.gather(*(self._feed(name, pattern, whose) for name, pattern in FEEDS.items())))

    async def _connector(self, upstream: Upstream, document: Document, whose: str) -> Connector:
        which = both(whose, is_("upstream", upstream.name))
        return Connector(
            name=upstream.name,
            kind=upstream.kind,
            version=upstream.version or "",
            addresses=len(upstream.all_addresses) or int(upstream.url is not None),
            sandbox=upstream.sandbox,
            breaker=upstream.breaker is not None,
            routes=_routes(upstream, document),
            health=await self._health(which),
            last_call_time=await self._last(which),
        )

    async def _health(self, which: str) -> Health | None:
        lately = both(which, since(self._clock_ms() - SPAN_MS))
        total = await self._counted(lately, "reason")
        slow = await self._counted(both(lately, "slow = true"), "reason")
        if total is None or slow is None:
            return None
        calls, counts = sum(total.values()), {reason: total.get(reason.value, 0) for reason in _DOWN}
        return Health(
            calls=calls,
            unavailable=counts[Reason.UPSTREAM_UNAVAILABLE],
            failed=counts[Reason.UPSTREAM_FAILED],
            in_doubt=counts[Reason.UPSTREAM_IN_DOUBT],
            error_share=sum(counts.values()) / calls if calls else 0.0,
            slow=sum(slow.values()),
        )

    async def _feed(self, name: str, pattern: str, whose: str) -> Feed:
        which = both(whose, f'method = "{pattern}"')
        counts = await self._counted(both(which, since(self._clock_ms() - SPAN_MS)), "verdict")
        last = await self._last(which)
        return Feed(
            name=name,
            calls=None if counts is None else sum(counts.values()),
            last_call_time=last,
            lag_seconds=None if last is None else max(0.0, self._clock_ms() / 1000 - last.timestamp()),
        )

    async def _counted(self, filter_: str, field: str) -> Mapping[str, int] | None:
        asked = SummarizeDecisionsRequest(filter=filter_, fields=[field], top_size=100)
        try:
            async with self._asking:
                answer = await self._audit.SummarizeDecisions(asked, timeout=SECONDS)
        except grpc.aio.AioRpcError:
            return None
        return {each.value: each.count for each in answer.facets[0].values}

    async def _last(self, which: str) -> dt.datetime | None:
        try:
            async with self._asking:
                answer = await self._audit.ListDecisions(
                    ListDecisionsRequest(filter=which, page_size=1), timeout=SECONDS
                )
        except grpc.aio.AioRpcError:
            return None
        return answer.decisions[0].receive_time.ToDatetime(tzinfo=dt.UTC) if answer.decisions else None


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
