"""What of a request over HTTP goes on to the gateway, and what is read of it within bounds."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from gateway.core.texts import language_of
from services.agents.asgi import Receive, Scope
from services.agents.calling import Metadata
from services.agents.listening import Gone
from services.agents.unfit import Unfit

PASSED_ON: Final = frozenset(
    {"authorization", "x-api-key", "accept-language", "traceparent", "tracestate", "idempotency-key"}
)
OURS: Final = "pilote-"
"""Headers that begin so go on too, such as the inference that led to the call."""
BODY_SECONDS: Final = 30.0
"""Longest time that a body takes to arrive."""
DROPPED_BYTES: Final = 32 * 1024 * 1024
"""So much of a body that is too large is read for nothing; then the connection is closed."""
LONGEST_SECONDS: Final = 600.0
UNARY_SECONDS: Final = 60.0
"""How long a call may take that says nothing of it; a stream that says nothing lasts as long as its caller listens."""
MOST_PARAMETERS: Final = 1_000

_PRINTABLE: Final = re.compile(r"[ -~]*\Z")
_GRPC_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])\Z")
_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_SECONDS: Final = re.compile(r"([0-9]{1,8}(?:\.[0-9]{1,9})?)s?\Z")
_JSON: Final = re.compile(r"application/(?:[\w.+-]+\+)?json\Z")
LINES: Final = frozenset({"application/x-ndjson", "application/jsonl", "application/json-lines"})
EVENTS: Final = "text/event-stream"


class Asked(msgspec.Struct, frozen=True):
    """The head of one request."""

    verb: str
    path: str
    """As it was sent, without the query."""
    query: Sequence[tuple[str, str]]
    headers: dict[str, str]
    language: str

    @property
    def lines(self) -> bool:
        """Whether the body is JSON lines."""
        return _media(self.headers) in LINES

    @property
    def events(self) -> bool:
        """Whether the caller wants a stream as server-sent events."""
        return EVENTS in self.headers.get("accept", "").lower()

    @property
    def metadata(self) -> Metadata:
        """What goes on to the gateway.

        Raises:
            Unfit: a header cannot.
        """
        found = [(name, text) for name, text in self.headers.items() if name in PASSED_ON or name.startswith(OURS)]
        for name, text in found:
            if name.endswith("-bin"):  # one that went on would be taken out by the gateway, and missed by its caller
                raise Unfit(name, "binary")
            if not _PRINTABLE.match(text):
                raise Unfit(name, "header")
        return found

    def seconds(self, *, otherwise: float | None) -> float | None:
        """How long the call may take: as `grpc-timeout` or `x-request-timeout` says, at most ten minutes.

        Raises:
            Unfit: the header is not of its form.
        """
        for name in ("grpc-timeout", "x-request-timeout"):
            text = self.headers.get(name)
            if text is None:
                continue
            if found := _GRPC_TIMEOUT.match(text):
                return min(float(found[1]) * _UNITS[found[2]], LONGEST_SECONDS)
            if name == "x-request-timeout" and (found := _SECONDS.match(text)):
                return min(float(found[1]), LONGEST_SECONDS)
            raise Unfit(name, "timeout", longest=int(LONGEST_SECONDS))
        return otherwise


def named(scope: Scope) -> dict[str, str]:
    """The headers of a request by their names in lower case; of several of one name the first."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return headers


def asked(scope: Scope, headers: dict[str, str]) -> Asked:
    """The head of a request that has those headers.

    Raises:
        Unfit: its query is not UTF-8, or longer than anybody writes.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1")
    query: Sequence[tuple[str, str]] = ()
    if scope["query_string"]:
        text = scope["query_string"].decode("latin-1")
        try:
            query = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
        except UnicodeDecodeError as error:
            raise Unfit("query", "no-utf8") from error
        except ValueError as error:
            raise Unfit("query", "many", most=MOST_PARAMETERS) from error
    return Asked(scope["method"], path, query, headers, language_of(headers.get("accept-language")))


async def body_of(receive: Receive, headers: dict[str, str], *, most: int, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body, of at most so many bytes, which must arrive in so many seconds.

    Raises:
        Unfit: it is larger, is slower, or is no JSON by its own word.
        Gone: the caller has gone away.
    """
    length = headers.get("content-length", "")
    if "expect" in headers and length.isdigit() and int(length) > most:
        raise Unfit("", "large", http=413, most=most)  # it asks before it sends
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                size += len(message.get("body", b""))
                if size <= most:
                    parts.append(message.get("body", b""))
                # Few clients read an answer before they have sent all, so what is too large is dropped as it comes.
                if not message.get("more_body") or size > most + DROPPED_BYTES:
                    break
    except TimeoutError as error:
        raise Unfit("", "slow", http=408, seconds=int(seconds)) from error
    if size > most:
        raise Unfit("", "large", http=413, most=most)
    if size:
        _check_media(headers)
    return b"".join(parts)


def _check_media(headers: dict[str, str]) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Unfit("", "coding", http=415)
    media = _media(headers)
    charset = headers.get("content-type", "").lower().partition("charset=")[2].strip('" ;')
    if not (_JSON.match(media) or media in LINES) or charset not in {"", "utf-8", "utf8"}:
        raise Unfit("", "media", http=415)


def _media(headers: dict[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
