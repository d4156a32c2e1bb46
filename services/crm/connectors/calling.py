"""One request to the vendor: sent, judged, and repeated where that cannot do anything twice."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
import msgspec

from services.crm.connectors.auth import Credentials, LoginFailed
from services.crm.connectors.descriptor import Descriptor
from services.crm.connectors.exchange import Answer, Lost, Outgoing, exchanged
from services.crm.connectors.judging import AUTH_EXPIRED, Judge, ended
from services.crm.connectors.secrets import SecretMissing, Secrets
from services.crm.connectors.smtp import SCHEMES, mailed

_FIRST_PAUSE_SECONDS: Final = 0.1
_MAIL: Final = tuple(f"{scheme}://" for scheme in SCHEMES)
_log = logging.getLogger(__name__)


class Run:
    """What one call of ours has come to so far."""

    __slots__ = ("told", "until")

    def __init__(self, until: float) -> None:
        self.until: Final = until
        """The loop's time at which the caller no longer waits."""
        self.told: dict[str, str] = {}
        """Headers that tell how much is used up, of the last answers that had them."""


class Fault(Protocol):
    """Stands between us and the vendor, for the conformance suite against a live system."""

    async def around(self, send: Callable[[], Awaitable[Answer]], outgoing: Outgoing) -> Answer:
        """The answer to that request, or what became of it instead. Raises `Lost`."""


class _Try(NamedTuple):
    answer: Answer | None
    reason: str
    shown: Mapping[str, str]


class Caller:
    """Sends requests for one connector."""

    def __init__(
        self,
        descriptor: Descriptor,
        secrets: Secrets,
        *,
        session: aiohttp.ClientSession,
        clock_ms: Callable[[], int],
        allow_private: bool,
        fault: Fault | None = None,
    ) -> None:
        self.base_url: Final = descriptor.base_url.format_map(secrets.variables).rstrip("/")
        self._descriptor = descriptor
        self._judge = Judge(descriptor)
        self._session = session
        self._clock_ms = clock_ms
        self._allow_private = allow_private
        self._fault = fault
        self._free = asyncio.Semaphore(descriptor.concurrency)
        self._usage = frozenset(name.lower() for name in descriptor.usage_headers)
        self._credentials = Credentials(
            descriptor.auth, secrets, base_url=self.base_url, post=self._ask, clock_ms=clock_ms
        )

    def url(self, path: str, query: Mapping[str, Any]) -> str:
        """The whole URL of a path below the base URL."""
        pairs = [(name, _query_text(value)) for name, value in query.items() if value is not None]
        return f"{self.base_url}{path}{'?' + urlencode(pairs) if pairs else ''}"

    def resumed(self, where: str) -> str:
        """The whole URL where a list goes on, which the vendor has told in whatever form.

        Raises:
            CallEnded: UPSTREAM_FAILED, it leads to another host.
        """
        try:
            url = urljoin(f"{self.base_url}/", where)
            ours = _origin(url) == _origin(self.base_url)
        except ValueError as error:
            raise ended("UPSTREAM_FAILED") from error
        if not ours:
            raise ended("UPSTREAM_FAILED")
        return url

    async def call(self, outgoing: Outgoing, run: Run) -> Answer:
        """The vendor's answer, which is a success.

        Raises:
            CallEnded: it is none, for whatever reason.
        """
        attempt, renewed = 0, False
        while True:
            answer, reason, shown = await self._tried(outgoing, run)
            if not reason and answer is not None:
                return answer
            if reason == AUTH_EXPIRED and not renewed and self._credentials.worn_out(shown):
                renewed = True
                continue
            again = reason == "UPSTREAM_UNAVAILABLE" or (outgoing.safe and reason == "UPSTREAM_FAILED")
            if not again or attempt >= self._descriptor.retries or not await _paused(attempt, run):
                break
            attempt += 1
        if reason == AUTH_EXPIRED:
            _log.error("the vendor does not take the credentials", extra={"connector": self._descriptor.connector})
        raise ended(reason, answer, now_ms=self._clock_ms())

    async def _tried(self, outgoing: Outgoing, run: Run) -> _Try:
        shown: Mapping[str, str] = {}
        try:
            async with asyncio.timeout_at(run.until):
                shown = await self._credentials.headers()
                await self._free.acquire()
        except (SecretMissing, LoginFailed):
            return _Try(None, AUTH_EXPIRED, shown)
        except TimeoutError:
            return _Try(None, "UPSTREAM_UNAVAILABLE", shown)
        sent = outgoing._replace(headers={**outgoing.headers, **shown})
        until = min(run.until, asyncio.get_running_loop().time() + self._descriptor.timeout_seconds)

        async def send() -> Answer:
            if sent.url.startswith(_MAIL):
                return await mailed(sent, until=until, allow_private=self._allow_private)
            return await exchanged(self._session, sent, until=until)

        try:
            answer = await (send() if self._fault is None else self._fault.around(send, sent))
        except Lost as lost:
            return _Try(None, lost.reason, shown)
        finally:
            self._free.release()
        run.told |= {name: value for name, value in answer.headers.items() if name in self._usage}
        return _Try(answer, self._judge.verdict(answer, safe=outgoing.safe), shown)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        kind = {} if isinstance(body, bytes) or body is None else {"Content-Type": "application/json"}
        until = asyncio.get_running_loop().time() + self._descriptor.timeout_seconds
        outgoing = Outgoing(method, url, {"Accept": "application/json", **kind, **headers}, content, safe=False)
        try:
            answer = await exchanged(self._session, outgoing, until=until)
        except Lost as lost:  # to get a token twice harms nobody
            raise ended("UPSTREAM_UNAVAILABLE") from lost
        if answer.status >= 500 or answer.status == 429:
            raise ended("UPSTREAM_UNAVAILABLE", answer, now_ms=self._clock_ms())
        if not 200 <= answer.status < 300:
            raise LoginFailed
        return answer.body


async def _paused(attempt: int, run: Run) -> bool:
    """Wait before the next try; says whether there is time for one."""
    seconds = _FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 - parts those who wait
    if asyncio.get_running_loop().time() + seconds >= run.until:
        return False
    await asyncio.sleep(seconds)
    return True


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return str(value)
