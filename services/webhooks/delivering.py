"""Sends what is due, and puts off what did not arrive: at least once, in no promised order."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Self

import aiohttp
import msgspec

from gateway.adapters.sealing import Damaged, KeyMissing
from services.webhooks import signing
from services.webhooks.events import CONTENT_TYPE
from services.webhooks.store import Delivery, Endpoint, WebhookStore
from services.webhooks.targets import Network, Resolver, TargetRefused, check

ATTEMPTS: Final = 12
"""With the pauses below they last for about a day."""
AT_ONCE: Final = 50
SECONDS: Final = 10.0
"""Longest attempt."""
_BASE_MS: Final = 5_000
_LONGEST_MS: Final = 6 * 3_600_000

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
    ) -> None:
        self._store = store
        self._networks = networks
        self._clock_ms = clock_ms
        self._draw = draw
        self._stack = AsyncExitStack()
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        for scheme in ("https", "http"):
            resolver = Resolver(self._networks, encrypted=scheme == "https")
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=AT_ONCE),
                timeout=aiohttp.ClientTimeout(total=SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._sessions[scheme] = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def round(self) -> int:
        """Send what is due; returns how many deliveries were taken.

        Raises:
            RedisError, OSError: the store does not answer; what was sent may be sent again.
        """
        due = await self._store.claim(now_ms=self._clock_ms(), count=AT_ONCE)
        if due:
            endpoints = {each.id: each for each in await self._store.endpoints()}
            async with asyncio.TaskGroup() as group:
                for each in due:
                    group.create_task(self._deliver(each, endpoints))
        return len(due)

    async def _deliver(self, delivery: Delivery, endpoints: Mapping[str, Endpoint]) -> None:
        endpoint = endpoints.get(delivery.endpoint)
        if endpoint is None:
            await self._store.delivered(delivery)
            return
        arrived, status, wait_ms = await self._send(delivery, endpoint)
        now_ms = self._clock_ms()
        if arrived:
            await self._store.delivered(delivery)
            return
        tried = msgspec.structs.replace(delivery, attempts=delivery.attempts + 1, status=status)
        if tried.attempts >= ATTEMPTS or wait_ms is None:
            extra = {"endpoint": endpoint.id, "event": delivery.event, "status": status, "attempts": tried.attempts}
            _log.warning("a webhook did not arrive and is not tried any more", extra=extra)
            await self._store.bury(tried, now_ms=now_ms)
        else:
            await self._store.again(tried, at_ms=now_ms + max(wait_ms, pause_ms(tried.attempts, draw=self._draw())))

    async def _send(self, delivery: Delivery, endpoint: Endpoint) -> tuple[bool, str, int | None]:
        """Whether it arrived, what came of it, and the least pause before the next attempt; `None`: there is none."""
        try:
            check(endpoint.url, self._networks)
            secret = self._store.secret_of(endpoint)
        except TargetRefused:
            return False, "the address is not allowed", None
        except (Damaged, KeyMissing):
            return False, "the secret cannot be opened", 0
        signed = signing.headers(secret, event=delivery.event, timestamp=self._clock_ms() // 1000, body=delivery.body)
        headers = signed | {"content-type": CONTENT_TYPE, "user-agent": "pilote-webhooks"}
        session = self._sessions[endpoint.url.partition(":")[0].lower()]
        try:
            async with session.post(endpoint.url, data=delivery.body, headers=headers, allow_redirects=False) as answer:
                gone = answer.status == 410  # the receiver wants no more of it
                return 200 <= answer.status < 300, str(answer.status), None if gone else _asked_ms(answer.headers)
        except TimeoutError:
            return False, "no answer in time", 0
        except (aiohttp.ClientError, OSError, ValueError):
            return False, "no connection", 0


def _asked_ms(headers: Mapping[str, Any]) -> int:
    """How long the receiver asks to be left alone, at most as long as the longest pause."""
    text = str(headers.get("retry-after", ""))
    return min(_LONGEST_MS, int(text) * 1000) if text.isascii() and text.isdigit() and len(text) < 9 else 0
