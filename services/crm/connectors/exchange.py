"""One HTTP request and its answer: bounded in time and size, and without a word of what went wrong inside."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

MOST_ANSWER_BYTES: Final = 8 * 1024 * 1024
_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset((301, 302, 307, 308))


class Outgoing(NamedTuple):
    """A request that is ready to go."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    safe: bool
    """Whether it may be sent twice: it changes nothing, or the vendor knows it again."""


class Answer(NamedTuple):
    """One answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """Its JSON; `None` where it has none."""
    readable: bool = True
    """Whether a body that was there is JSON."""


class Lost(Exception):
    """There is no answer. `reason` is the name of the reason that the call ends with, if it is not repeated."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def exchanged(session: aiohttp.ClientSession, outgoing: Outgoing, *, until: float) -> Answer:
    """The answer to the request. `until` is the loop's time at which it must be there.

    Redirects are followed by reads only, and to the same host only: the credentials are that host's alone.

    Raises:
        Lost: there is none.
    """
    url = outgoing.url
    try:
        async with asyncio.timeout_at(until):
            for _ in range(_MOST_REDIRECTS + 1):
                answer, location = await _once(session, outgoing, url)
                if answer.status not in _REDIRECTS or outgoing.method != "GET" or not location:
                    return answer
                following = urljoin(url, location)
                if urlsplit(following)[:2] != urlsplit(url)[:2]:
                    return answer
                url = following
            return answer
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
        raise Lost("UPSTREAM_UNAVAILABLE") from error
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise Lost("UPSTREAM_FAILED" if outgoing.safe else "UPSTREAM_IN_DOUBT") from error


async def _once(session: aiohttp.ClientSession, outgoing: Outgoing, url: str) -> tuple[Answer, str]:
    headers = {"User-Agent": "pilote", **outgoing.headers}
    async with session.request(
        outgoing.method, url, data=outgoing.body, headers=headers, allow_redirects=False
    ) as response:
        raw = bytearray()
        async for piece in response.content.iter_any():
            raw += piece
            if len(raw) > MOST_ANSWER_BYTES:
                return _answer(response, None, readable=False), ""
    if not raw.strip():
        return _answer(response, None), response.headers.get("Location", "")
    try:
        body = msgspec.json.decode(bytes(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _answer(response, None, readable=False), response.headers.get("Location", "")
    return _answer(response, body), ""


def _answer(response: aiohttp.ClientResponse, body: Any, *, readable: bool = True) -> Answer:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return Answer(response.status, headers, body, readable)
