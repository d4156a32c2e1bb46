"""Webhooks as people see them: how each endpoint does, what did not arrive and why, and sending it again."""

import datetime as dt
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.adapters.webhooks import MOST_DEAD, Delivery, Endpoint, Standing, Webhooks
from gateway.core.errors import Reason
from gateway.redis_clients import Client
from services.control.access.principals import Forbidden, Principal
from services.control.access.rights import EVERYWHERE, Right
from services.control.changes import LATER, Changes
from services.control.times import at, known
from services.control.undone import Undone, storing

LATE_MS: Final = 60_000
"""What is due for longer than that is not sent by anybody: no process of webhooks runs, or it does not keep up."""


class WebhookShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One endpoint. Of its URL only where it is: the rest may be a secret."""

    name: str
    """`webhooks/{webhook}`."""
    host: str
    """Scheme and host, such as `https://hooks.example.com`."""
    tenant: str
    """The one whose events it gets; empty: those of all."""
    tracker: str
    """"matomo" or "segment" for a tracker, which is told of contacts alone; empty for all others."""
    events: tuple[str, ...]
    """Types that it gets, without the prefix; empty: all."""
    state: str
    """"new": nothing was sent yet, "well", "failing": the last attempt failed, or "late": nobody sends what is due."""
    create_time: dt.datetime
    waiting: int
    dead: int
    """Deliveries that are not tried any more."""
    last_delivery_time: dt.datetime | None
    last_failure_time: dt.datetime | None
    last_failure: str
    """A status of HTTP, or "timeout", "unreachable", "not-taken" by a tracker that answered well, "not-allowed",
    "secret"; empty where nothing has failed."""
    failures: int
    """Attempts that failed since one has arrived."""
    left_out: int
    """Events that found too much waiting; `pilote webhooks fill` queues what the log has of them."""
    left_out_from_time: dt.datetime | None
    left_out_to_time: dt.datetime | None


class DeliveryShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event on its way to one endpoint."""

    name: str
    """`webhooks/{webhook}/deliveries/{delivery}`."""
    delivery: str
    """The id of the event."""
    type: str
    create_time: dt.datetime
    attempts: int
    last_failure: str
    """Why the last attempt failed, as that of an endpoint says it."""
    dead: bool


class WebhookBook:
    """Shows endpoints, and sends again what did not arrive. `clock_ms` is milliseconds since the epoch.

    Endpoints that get the events of all tenants are for those who may see, or send again, in all.
    """

    def __init__(self, redis: Client, changes: Changes, *, clock_ms: Callable[[], int]) -> None:
        self._store = Webhooks(redis)
        self._changes = changes
        self._clock_ms = clock_ms

    async def list(self, who: Principal, *, tenant: str = "") -> tuple[WebhookShown, ...]:
        """The endpoints that they may see, the oldest first; those of one tenant only, where it is named.

        Raises:
            Forbidden: they may not, there.
            Undone: STORE_UNAVAILABLE.
        """
        if tenant and not who.may(Right.SEE, tenant):
            raise Forbidden(Right.SEE, tenant)
        with storing():
            found = await self._store.endpoints()
            seen = [each for each in found if _sees(who, each) and tenant in ("", EVERYWHERE, each.tenant)]
            return tuple([await self._shown(each) for each in seen])

    async def get(self, who: Principal, webhook: str) -> WebhookShown:
        """One endpoint.

        Raises:
            Undone: NOT_FOUND where they see none of that id; STORE_UNAVAILABLE.
        """
        with storing():
            return await self._shown(await self._find(who, webhook))

    async def deliveries(self, who: Principal, webhook: str, *, dead: bool) -> tuple[DeliveryShown, ...]:
        """What did not arrive at an endpoint, the newest first, or what waits for it, the next first; at most 2,000.

        Raises:
            Undone: NOT_FOUND where they see no endpoint of that id; STORE_UNAVAILABLE.
        """
        with storing():
            endpoint = await self._find(who, webhook)
            found = await self._store.list(endpoint.id, dead=dead, count=MOST_DEAD)
        return tuple(_delivery(each) for each in found)

    async def replay(self, who: Principal, webhook: str, delivery: str = "") -> int:
        """Send one again from its first attempt on, or without a name all that are dead; says how many.

        Raises:
            Forbidden: they may not, there.
            Undone: NOT_FOUND where there is no such endpoint or delivery; STORE_UNAVAILABLE.
        """
        with storing():
            endpoint = await self._find(who, webhook)
        if not who.may(Right.WEBHOOKS, endpoint.tenant or EVERYWHERE):
            raise Forbidden(Right.WEBHOOKS, endpoint.tenant)
        recording = self._changes.recording(
            who, operation="replay", resource=f"webhooks/{endpoint.id}", tenant=endpoint.tenant, after=LATER
        )
        async with recording as changing:
            with storing():
                if delivery:
                    count = int(await self._store.replay(f"{endpoint.id}/{delivery}", now_ms=self._clock_ms()))
                else:
                    count = await self._store.replay_all(endpoint.id, now_ms=self._clock_ms())
            if delivery and not count:
                raise Undone(Reason.NOT_FOUND, "delivery-none", delivery=delivery, webhook=webhook)
            changing.after = {"delivery": delivery, "replayed": count}
        return count

    async def _find(self, who: Principal, webhook: str) -> Endpoint:
        for each in await self._store.endpoints():
            if each.id == webhook and _sees(who, each):
                return each
        raise Undone(Reason.NOT_FOUND, "webhook-none", webhook=webhook)

    async def _shown(self, endpoint: Endpoint) -> WebhookShown:
        now_ms = self._clock_ms()
        standing = await self._store.standing(endpoint.id, now_ms=now_ms)
        parts = urlsplit(endpoint.url)
        return WebhookShown(
            name=f"webhooks/{endpoint.id}",
            host=f"{parts.scheme}://{parts.netloc}",
            tenant=endpoint.tenant,
            tracker="" if endpoint.tracker is None else endpoint.tracker.manner,
            events=endpoint.events,
            state=state_of(standing, now_ms=now_ms),
            create_time=at(endpoint.created_ms),
            waiting=standing.waiting,
            dead=standing.dead,
            last_delivery_time=known(standing.delivered_ms),
            last_failure_time=known(standing.failed_ms),
            last_failure=standing.status,
            failures=standing.failures,
            left_out=standing.left_out,
            left_out_from_time=_read(standing.left_out_from),
            left_out_to_time=_read(standing.left_out_to),
        )


def state_of(standing: Standing, *, now_ms: int) -> str:
    """What is said of an endpoint, see `WebhookShown.state`."""
    if standing.oldest_ms and now_ms - standing.oldest_ms > LATE_MS:
        return "late"
    if standing.failures:
        return "failing"
    return "well" if standing.delivered_ms else "new"


def _sees(who: Principal, endpoint: Endpoint) -> bool:
    return who.may(Right.SEE, endpoint.tenant or EVERYWHERE)


def _delivery(delivery: Delivery) -> DeliveryShown:
    return DeliveryShown(
        name=f"webhooks/{delivery.endpoint}/deliveries/{delivery.event}",
        delivery=delivery.event,
        type=delivery.type,
        create_time=at(delivery.created_ms),
        attempts=delivery.attempts,
        last_failure=delivery.status,
        dead=delivery.dead,
    )


def _read(time: str) -> dt.datetime | None:
    return dt.datetime.fromisoformat(time) if time else None
