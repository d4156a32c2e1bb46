"""Sends what is due, and puts off what did not arrive: at least once, in no promised order."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Self, TypeVar, cast

import aiohttp
import msgspec

from gateway.adapters.consents import ConsentStore
from gateway.adapters.sealing import Damaged, KeyMissing
from gateway.adapters.webhooks import Delivery, Endpoint
from gateway.core.consents import by_channel
from gateway.ending import ended
from services.webhooks import signing
from services.webhooks.contacts import Contact
from services.webhooks.events import CONTENT_TYPE
from services.webhooks.store import WebhookStore
from services.webhooks.targets import Network, Resolver, TargetRefused, check
from services.webhooks.tracking import MOST_ANSWER_BYTES, Sent, taken, told

ATTEMPTS: Final = 12
"""With the pauses below they last for about a day."""
AT_ONCE: Final = 10
"""Attempts to one endpoint."""
IDLE_SECONDS: Final = 0.25
"""How often it is looked what is due."""
SECONDS: Final = 10.0
"""Longest attempt."""
_BASE_MS: Final = 5_000
_LONGEST_MS: Final = 6 * 3_600_000

T = TypeVar("T")
_contact: Final = msgspec.json.Decoder(Contact)
_log = logging.getLogger(__name__)


def pause_ms(attempts: int, *, draw: float) -> int:
    """Milliseconds until the next attempt after so many, 1 or more: from half of a time that triples to all of it.

    `draw` is in [0, 1): what fails together does not come back together.
    """
    longest = min(_LONGEST_MS, _BASE_MS * 3 ** min(attempts - 1, 20))
    return int(longest * (1 + draw) / 2)


class Deliverer:
    """Sends webhooks. Use it as an asynchronous context manager. `networks` may be called beside the Internet."""

    def __init__(
        self,
        store: WebhookStore,
        *,
        networks: Sequence[Network] = (),
        clock_ms: Callable[[], int],
        draw: Callable[[], float],
        told: Callable[[str, str], None] = lambda _endpoint, _end: None,
        consents: ConsentStore | None = None,
    ) -> None:
        """`told` is told of each attempt how it ended: "delivered", "failed" or, being the last, "dead".

        `consents`: what customers agreed to; without it they agreed to nothing, so no tracker that asks is told.
        """
        self._store = store
        self._networks = networks
        self._clock_ms = clock_ms
        self._draw = draw
        self._told = told
        self._consents = consents
        self._stack = AsyncExitStack()
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        for scheme in ("https", "http"):
            resolver = Resolver(self._networks, encrypted=scheme == "https")
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=0),
                timeout=aiohttp.ClientTimeout(total=SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._sessions[scheme] = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run(self) -> None:
        """Send what is due until cancelled. Each endpoint has a task of its own, so a slow one delays no other.

        Raises:
            RedisError, OSError: the store does not answer; what was sent may be sent again.
        """
        running = dict[str, asyncio.Task[None]]()
        try:
            while True:
                for done in [endpoint for endpoint, task in running.items() if task.done()]:
                    running.pop(done).result()
                for each in await self._store.endpoints():
                    if each.id not in running and await self._store.is_due(each.id, now_ms=self._clock_ms()):
                        running[each.id] = asyncio.create_task(self._all_of(each))
                await asyncio.sleep(IDLE_SECONDS)
        finally:
            await ended(*running.values())

    async def round(self) -> int:
        """Send what is due, at most `AT_ONCE` for each endpoint; returns how many deliveries were taken.

        Raises:
            RedisError, OSError: the store does not answer; what was sent may be sent again.
        """
        return sum(await _all(self._some_of(each) for each in await self._store.endpoints()))

    async def _all_of(self, endpoint: Endpoint) -> None:
        while await self._some_of(endpoint):
            pass

    async def _some_of(self, endpoint: Endpoint) -> int:
        due = await self._store.claim(endpoint.id, now_ms=self._clock_ms(), count=AT_ONCE)
        await _all(self._deliver(each, endpoint) for each in due)
        return len(due)

    async def _deliver(self, delivery: Delivery, endpoint: Endpoint) -> None:
        if not await self._agreed(delivery, endpoint):
            await self._store.delivered(delivery, now_ms=self._clock_ms())
            return
        arrived, status, wait_ms = await self._send(delivery, endpoint)
        now_ms = self._clock_ms()
        if arrived:
            self._told(endpoint.id, "delivered")
            await self._store.delivered(delivery, now_ms=now_ms)
            return
        if endpoint.id not in {each.id for each in await self._store.endpoints()}:
            await self._store.remove(endpoint.id)  # meanwhile; nothing of it may stay
            return
        tried = msgspec.structs.replace(delivery, attempts=delivery.attempts + 1, status=status)
        await self._store.failed(tried, now_ms=now_ms)
        if tried.attempts >= ATTEMPTS or wait_ms is None:
            extra = {"endpoint": endpoint.id, "event": delivery.event, "status": status, "attempts": tried.attempts}
            _log.warning("a webhook did not arrive and is not tried any more", extra=extra)
            self._told(endpoint.id, "dead")
            await self._store.bury(tried, now_ms=now_ms)
        else:
            self._told(endpoint.id, "failed")
            await self._store.again(tried, at_ms=now_ms + max(wait_ms, pause_ms(tried.attempts, draw=self._draw())))

    async def _send(self, delivery: Delivery, endpoint: Endpoint) -> tuple[bool, str, int | None]:
        """Whether it arrived, what came of it, and the least pause before the next attempt; `None`: there is none."""
        try:
            check(endpoint.url, self._networks)
            secret = self._store.secret_of(endpoint)
        except TargetRefused:
            return False, "not-allowed", None
        except (Damaged, KeyMissing):
            return False, "secret", 0
        sent = self._made(delivery, endpoint, secret)
        session = self._sessions[endpoint.url.partition(":")[0].lower()]
        try:
            async with session.post(
                endpoint.url, data=sent.body, headers=sent.headers, allow_redirects=False
            ) as answer:
                good = 200 <= answer.status < 300
                if good and endpoint.tracker is not None and not taken(endpoint.tracker, await _content(answer)):
                    return False, "not-taken", 0
                gone = answer.status == 410  # the receiver wants no more of it
                return good, str(answer.status), None if gone else _asked_ms(answer.headers)
        except TimeoutError:
            return False, "timeout", 0
        except (aiohttp.ClientError, OSError, ValueError):
            return False, "unreachable", 0

    def _made(self, delivery: Delivery, endpoint: Endpoint, secret: bytes) -> Sent:
        if endpoint.tracker is not None:
            return told(_contact.decode(delivery.body), endpoint.tracker, url=endpoint.url, secret=secret)
        now_s = self._clock_ms() // 1000
        signed = signing.headers(secret, event=delivery.event, timestamp=now_s, body=delivery.body)
        return Sent(signed | {"content-type": CONTENT_TYPE, "user-agent": "pilote-webhooks"}, delivery.body)

    async def _agreed(self, delivery: Delivery, endpoint: Endpoint) -> bool:
        """Whether the customer agrees, now, that this endpoint is told."""
        if endpoint.tracker is None or not endpoint.tracker.purpose:
            return True
        if self._consents is None:
            return False
        contact = _contact.decode(delivery.body)
        try:
            facts = await self._consents.read(contact.tenant, contact.subject_ref)
        except msgspec.DecodeError:  # what the store holds of the customer is damaged: nobody knows what they agreed to
            return False
        wanted = f"{contact.channel}/{endpoint.tracker.purpose}"
        return facts is not None and by_channel(facts.consent_records).get(wanted, False)


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    """What the answer says; nothing of one that is too long."""
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > MOST_ANSWER_BYTES:
            return b""
    return bytes(content)


async def _all(each: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them give, once none runs any more; raises what the first has failed with."""
    found = await asyncio.gather(*each, return_exceptions=True)
    for result in found:
        if isinstance(result, BaseException):
            raise result
    return cast("list[T]", found)


def _asked_ms(headers: Mapping[str, Any]) -> int:
    """How long the receiver asks to be left alone, at most as long as the longest pause."""
    text = str(headers.get("retry-after", ""))
    return min(_LONGEST_MS, int(text) * 1000) if text.isascii() and text.isdigit() and len(text) < 9 else 0
