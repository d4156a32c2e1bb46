"""Reads the body of a request: within its size, its time, and whatever it says of its compression."""

import asyncio
import zlib
from typing import Any, Final

import msgspec
from litestar import Request

from services.intake.events import MOST_BODY_BYTES, Problem

MOST_DISCARDED_BYTES: Final = 16 * 1024 * 1024
"""Of a body that is too large so much is read all the same: a sender that still writes would not see our answer."""
_GZIP: Final = 16 + zlib.MAX_WBITS


class Patience(msgspec.Struct, frozen=True):
    """How slowly a body may come: one that trickles in would hold its connection for ever."""

    seconds: float = 30.0
    """Within which a body must be here; one without a size to speak of has longer, by what came of it."""
    bytes_per_second: int = 8 * 1024
    """The slowest that a long body may come, once those seconds are over."""

    def left(self, size: int, *, waited: float) -> float:
        """For how many seconds more is waited, where so many bytes came in `waited` seconds; not above 0: no longer."""
        return self.seconds + size / self.bytes_per_second - waited


async def body_of(request: Request[Any, Any, Any], patience: Patience) -> bytes | Problem:
    """The body, decompressed."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        return Problem("compression")
    try:
        async with asyncio.timeout(patience.seconds):
            body = await _read(request)
    except TimeoutError:
        return Problem("body-slow")
    if body is None:
        return Problem("body-large")
    return unzipped(body) if encoding == "gzip" else body


def unzipped(body: bytes) -> bytes | Problem:
    """What was compressed; never unpacks more than may be sent."""
    unzip = zlib.decompressobj(_GZIP)
    try:
        found = unzip.decompress(body, MOST_BODY_BYTES + 1)
    except zlib.error:
        return Problem("malformed")
    if len(found) > MOST_BODY_BYTES:
        return Problem("body-large")
    return found if unzip.eof else Problem("malformed")


async def _read(request: Request[Any, Any, Any]) -> bytes | None:
    """The body as it came; `None` where it is too large."""
    if int(request.headers.get("content-length", "0") or 0) > MOST_DISCARDED_BYTES:
        return None
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size <= MOST_BODY_BYTES:
            parts.append(part)
        elif size > MOST_DISCARDED_BYTES:
            return None
        else:
            parts.clear()
    return b"".join(parts) if size <= MOST_BODY_BYTES else None
