"""Finds what is to be told: decisions from the audit service; stops, findings and the active revision in the store."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

import msgspec

from gateway.adapters.revisions import RevisionStore
from gateway.adapters.stops import StopStore
from gateway.core import keys
from gateway.core.stops import Stop
from gateway.redis_clients import Client
from pilote.audit.v1.audit_service_pb2 import ListDecisionsRequest, TailDecisionsRequest
from pilote.decision.v1.decision_pb2 import Decision
from services.findings.failing import looked_through
from services.findings.finding import Finding, reviewer_of
from services.findings.store import FindingStore
from services.webhooks.contacts import of_contact
from services.webhooks.events import of_decision, of_gap, of_revision, of_stop, time_of
from services.webhooks.keeping import shortest_ms
from services.webhooks.openings import news, of_finding, of_sent, openings_in, openings_of, sent_in
from services.webhooks.store import WebhookStore

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

FILTER: Final = "(verdict = DENY OR hold:*)"
LOOK_BACK_MS: Final = 3_600_000
"""How far before the last look it is looked again after a pause: decisions may reach the log that late."""
_PAGE: Final = 500
_REVISION: Final = "revision"

_log = logging.getLogger(__name__)


class Told(Protocol):
    """What endpoints are told of."""

    @property
    def id(self) -> str:
        """The same for the same thing that happened, always."""

    @property
    def short_type(self) -> str:
        """Its type, without the prefix."""

    @property
    def about(self) -> str:
        """The tenant that it is about; empty: all."""

    @property
    def time(self) -> str:
        """When it happened, RFC 3339."""


class Feed(NamedTuple):
    """Decisions that are followed."""

    filter: str
    of: Callable[[Decision], Told | None]
    """What is told of one."""
    mark: str
    """The name under which is kept until when all are told, in milliseconds since the epoch."""


DECISIONS: Final = Feed(FILTER, of_decision, "told-ms")
CONTACTS: Final = Feed('operation = CONTACT AND status = "OK"', of_contact, "contacts-told-ms")
"""For trackers."""


class Follower:
    """Queues events. Each method may be called anew after it failed: an event is queued once."""

    def __init__(
        self,
        redis: Client,
        store: WebhookStore,
        audit: "AuditServiceAsyncStub",
        *,
        clock_ms: Callable[[], int],
        feed: Feed = DECISIONS,
    ) -> None:
        self._feed = feed
        self._redis = redis
        self._store = store
        self._audit = audit
        self._revisions = RevisionStore(redis)
        self._stops = StopStore(redis)
        self._findings = FindingStore(redis)
        self._clock_ms = clock_ms
        self.follows = False
        """Whether decisions are followed now; else they wait in the log."""

    async def follow(self) -> None:
        """Queue what is told of decisions, from where it was left on, until cancelled.

        Raises:
            grpc.aio.AioRpcError: the audit service does not answer.
            RedisError, OSError: the store does not answer.
        """
        tail: Any = self._audit.TailDecisions(TailDecisionsRequest(filter=self._feed.filter))
        await tail.initial_metadata()  # from here on nothing escapes us
        try:
            await self.catch_up()
            self.follows = True
            async for told in tail:
                await self._tell(self._feed.of(told.decision))
        finally:
            self.follows = False

    async def catch_up(self) -> None:
        """Queue what happened since the last look, however long ago that was; nothing the first time."""
        last = (await self._store.known()).get(self._feed.mark)
        if last is not None:
            await self._look_for_gap(int(last))
            await self.fill(since_ms=int(last) - LOOK_BACK_MS)
        await self._store.know(self._feed.mark, str(self._clock_ms()).encode())

    async def fill(self, *, since_ms: int) -> int:
        """Queue what the log has of decisions and holds from then on, where it was not; says for how many endpoints.

        Raises:
            grpc.aio.AioRpcError: the audit service does not answer.
            RedisError, OSError: the store does not answer.
        """
        found = f'{self._feed.filter} AND receive_time >= "{time_of(since_ms)}"'
        request, queued = ListDecisionsRequest(filter=found, page_size=_PAGE, order_by="receive_time asc"), 0
        while True:
            page = await self._audit.ListDecisions(request)
            for decision in page.decisions:
                queued += await self._tell(self._feed.of(decision))
            if not page.next_page_token:
                return queued
            request.page_token = page.next_page_token

    async def note(self) -> None:
        """Keep that everything until now is told, as long as that is so.

        Raises:
            RedisError, OSError: the store does not answer.
        """
        if self.follows:
            await self._store.know(self._feed.mark, str(self._clock_ms()).encode())

    async def look(self) -> None:
        """Queue what has become of stops, findings and the active revision since the last look.

        Raises:
            RedisError, OSError: the store does not answer.
        """
        known = await self._store.known()
        await self.note()
        await self._look_at_revision(known)
        streams: Any = await cast(Any, self._redis.smembers(keys.STREAMS))
        tenants = {keys.tenant_of(stream.decode()) for stream in streams} - {"", keys.NOBODY}
        for tenant in sorted(tenants):
            await self._look_at_stops(tenant, known)
            await self._look_at_findings(tenant, known)

    async def _look_for_gap(self, last_ms: int) -> None:
        now_ms, published = self._clock_ms(), await self._revisions.read(await self._revisions.active())
        kept_ms = shortest_ms(bytes(published.document)) if published is not None else now_ms
        if self._feed is DECISIONS and now_ms - last_ms > kept_ms:
            span = {"from": time_of(last_ms), "to": time_of(now_ms - kept_ms)}
            _log.error("nobody told other systems anything for longer than the log keeps all of it", extra=span)
            await self._tell(of_gap(last_ms, now_ms - kept_ms))

    async def _look_at_revision(self, known: dict[str, bytes]) -> None:
        number = await self._revisions.active()
        seen = known.get(_REVISION, b"").decode()
        before, _, changes = seen.partition(" ")
        if before == str(number):
            return
        change = int(changes or 0) + 1
        published = await self._revisions.read(number)
        if seen and published is not None:
            await self._tell(of_revision(number, published.sha256, change=change, now_ms=self._clock_ms()))
        await self._store.know(_REVISION, f"{number} {change}".encode())

    async def _look_at_stops(self, tenant: str, known: dict[str, bytes]) -> None:
        mark = f"stops/{tenant}"
        now = {f"{mark}/{stop.what}": stop for stop in await self._stops.list(tenant)}
        before = {name: blob for name, blob in known.items() if name.startswith(f"{mark}/")}
        for name, stop in now.items():
            blob = msgspec.json.encode(stop)
            if before.get(name) != blob:
                if mark in known:
                    await self._tell(of_stop(tenant, stop))
                await self._store.know(name, blob)
        for name, blob in before.items():
            if name not in now:
                stop = msgspec.json.decode(blob, type=Stop)
                await self._tell(of_stop(tenant, stop, lifted_ms=self._clock_ms()))
                await self._store.know(name, None)
        if mark not in known:
            await self._store.know(mark, b"1")

    async def _look_at_findings(self, tenant: str, known: dict[str, bytes]) -> None:
        mark = f"findings/{tenant}"
        kept = await looked_through(self._redis, self._findings, tenant, now_ms=self._clock_ms())
        found = [each for each in kept if not reviewer_of(each.seen)]  # how somebody reviews is told to no other system
        await self._look_for_sent(tenant, found, known)
        now = openings_of(found)
        before = openings_in(tenant, known[mark]) if mark in known else None
        if now == before:
            return
        for each in news(found, before) if before is not None else ():
            await self._tell(of_finding(each, now_ms=self._clock_ms()))
        await self._store.know(mark, msgspec.json.encode(now))

    async def _look_for_sent(self, tenant: str, found: Sequence[Finding], known: dict[str, bytes]) -> None:
        mark = f"sent/{tenant}"
        told = set(msgspec.json.decode(known.get(mark, b"[]"), type=list[str]))
        sent = {event: each for each in found for event in sent_in(each)}
        for event, each in sent.items():
            if event not in told:
                await self._tell(of_sent(each, event, now_ms=self._clock_ms()))
        if sent.keys() != told:
            await self._store.know(mark, msgspec.json.encode(sorted(sent)))

    async def _tell(self, event: Told | None) -> int:
        """For how many endpoints it was queued."""
        if event is None:
            return 0
        to = [
            each
            for each in await self._store.endpoints()
            if each.wants(event.short_type, tenant=event.about) and time_of(each.created_ms) <= event.time
        ]
        queued, full = await self._store.enqueue(
            event.id,
            to,
            kind=event.short_type,
            body=msgspec.json.encode(event),
            time=event.time,
            now_ms=self._clock_ms(),
        )
        if full:
            extra = {"event": event.id, "endpoints": full}
            _log.error("too many webhooks wait for an endpoint, so an event is left out", extra=extra)
        return queued
