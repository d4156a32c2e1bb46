"""The connection to one server of the OpenAI-compatible API: kept alive, bounded, telling its key to nobody else."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Final

import aiohttp
import msgspec

from gateway.adapters.openai.answers import MalformedAnswer, Refusal, read
from gateway.adapters.openai.chat import MAX_TOKENS, Body
from gateway.adapters.openai.key_file import KeyFile, KeyUnusable
from gateway.clock import clock_ms
from gateway.core.policy.upstreams import Upstream
from gateway.rpc import http_failures

MOST_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Largest answer that is not streamed. 2,048 embeddings of 512 numbers fit in."""
MOST_REFUSAL_BYTES: Final = 64 * 1024
CONNECT_SECONDS: Final = 5.0
KEEP_ALIVE_SECONDS: Final = 4.0
"""Below the five seconds after which uvicorn closes a connection: one that is closed while a call is sent on it has
failed, and nobody knows whether it arrived."""
SAY_AGAIN_SECONDS: Final = 60.0

_TOLD: Final = ("x-ratelimit-", "x-request-id", "openai-", "retry-after")
"""Beginnings of the headers that the gateway reads, or that help to find a call at the server."""
_log = logging.getLogger(__name__)


class Connection:
    """Posts to one server. `path`s begin with a slash."""

    def __init__(self, upstream: Upstream) -> None:
        self._name = upstream.name
        self._url = (upstream.url or "").rstrip("/")
        self._key = None if upstream.key_file is None else KeyFile(upstream.key_file)
        self._max_tokens = upstream.max_tokens_name or MAX_TOKENS
        self._session: aiohttp.ClientSession | None = None
        self._said: dict[object, float] = {}

    def look_at_key(self) -> None:
        """Say in the log when there is no key to use."""
        with contextlib.suppress(KeyUnusable):
            self._headers({})

    async def post(self, path: str, body: Body, *, headers: dict[str, str], until: float) -> aiohttp.ClientResponse:
        """The server's answer of status 200, whose body is still to be read, and which is then to be released.

        `until` is the loop's time at which it must be there.

        Raises:
            AioRpcError: there is none, for whatever reason.
        """
        try:
            headers = self._headers(headers)
        except KeyUnusable as error:
            raise http_failures.unreachable() from error
        if MAX_TOKENS in body:
            body = {self._max_tokens if name == MAX_TOKENS else name: value for name, value in body.items()}
        with _as_failures():
            async with asyncio.timeout_at(until):
                response = await self._open().post(
                    f"{self._url}{path}", data=msgspec.json.encode(body), headers=headers, allow_redirects=False
                )
                if response.status == 200:
                    return response
                try:
                    raise await self._refused(response)
                finally:
                    response.release()  # which closes the connection where the body was not read to its end

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            )
        return self._session

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        """All headers of a request, the key among them.

        Raises:
            KeyUnusable: there should be a key, and there is none. Nothing is sent without it.
        """
        headers = {"Content-Type": "application/json", "User-Agent": "pilote", **headers}
        if self._key is not None:
            try:
                headers["Authorization"] = f"Bearer {self._key.read()}"
            except KeyUnusable as error:
                self._say(f"the key file of an upstream cannot be used: {error}", once="key")
                raise
        return headers

    async def _refused(self, response: aiohttp.ClientResponse) -> Exception:
        text = ""
        with contextlib.suppress(MalformedAnswer, aiohttp.ClientError):
            refusal = read(Refusal, await _beginning(response))
            text = (refusal.error.message or "") if refusal.error is not None else ""
        if response.status in http_failures.OPERATORS or 300 <= response.status < 400:
            self._say(
                f"an upstream answers with HTTP {response.status}: look at its url, key and served_as",
                once=response.status,
            )
        if self._key is not None and self._key.last in text:
            text = ""
        wait_ms = http_failures.retry_ms(
            {name.lower(): value for name, value in response.headers.items()}, now_ms=clock_ms()
        )
        return http_failures.answered(response.status, text, headers=told(response), retry_ms=wait_ms)

    def _say(self, text: str, *, once: object) -> None:
        """Tell the operator, at most once a minute for each thing."""
        now = time.monotonic()
        if now >= self._said.get(once, 0.0):
            self._said = {thing: until for thing, until in self._said.items() if until > now}
            self._said[once] = now + SAY_AGAIN_SECONDS
            _log.error(text, extra={"upstream": self._name})


async def body_of(response: aiohttp.ClientResponse, *, until: float) -> bytes:
    """The whole body of an answer, decompressed.

    Raises:
        AioRpcError: it is too large, or does not come.
    """
    with _as_failures():
        async with asyncio.timeout_at(until):
            return await _whole(response)


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MOST_ANSWER_BYTES:
            raise http_failures.malformed(f"the answer has more than {MOST_ANSWER_BYTES} bytes")
    return bytes(body)


async def piece_of(response: aiohttp.ClientResponse, *, until: float) -> bytes:
    """What comes next of a body; empty at its end. Raises like `body_of`."""
    with _as_failures():
        async with asyncio.timeout_at(until):
            return await response.content.readany()


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """As much of a refusal as is read."""
    body = b""
    while len(body) < MOST_REFUSAL_BYTES and (piece := await response.content.readany()):
        body += piece
    return body


def told(response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
    """What the server says beside its answer, of what the gateway reads."""
    pairs = [(name.lower(), value) for name, value in response.headers.items()]
    return tuple([(name, value) for name, value in pairs if name.startswith(_TOLD)])


@contextlib.contextmanager
def _as_failures() -> Iterator[None]:
    """Says whatever goes wrong on the wire as gRPC does."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
        raise http_failures.unreachable() from error
    except TimeoutError as error:
        raise http_failures.late() from error
    except (aiohttp.ClientError, OSError) as error:
        raise http_failures.broken_off() from error
