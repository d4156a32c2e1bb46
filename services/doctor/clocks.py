"""Compares this machine's clock with those of the store and of the database.

The time of a call comes from its gateway. Where two gateways' clocks differ, a limit that both count opens by so much
too early for the one that is ahead, and a customer's quiet hours begin and end by so much too late at the other.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis.exceptions import RedisError

from gateway.redis_clients import server
from services.doctor.observing import Grade, Observation, graded, unknown
from services.doctor.stores import PATIENCE

WARN_MS: Final = 100.0
"""A tenth of a second: more than NTP leaves, less than any window that a policy may count."""
WORST_MS: Final = 1_000.0
_TRIES: Final = 5

Ask = Callable[[], Awaitable[float]]
"""Another clock's time, in milliseconds since the epoch."""


async def offset_ms(ask: Ask, *, clock: Callable[[], float] = time.time) -> tuple[float, float]:
    """By how much the other clock is ahead, and how far off that may be, both in milliseconds.

    Cristian's algorithm: the answer was given somewhere between question and arrival, so the quickest of some questions
    bounds the error by half its round trip (F. Cristian, Probabilistic clock synchronization, 1989).
    """
    best: tuple[float, float] | None = None
    for _ in range(_TRIES):
        before = clock() * 1_000
        theirs = await ask()
        after = clock() * 1_000
        half = max(0.0, (after - before) / 2)
        if best is None or half < best[1]:
            best = theirs - before - half, half
    assert best is not None  # noqa: S101 - there was a try
    return best


def judged(other: str, offset: float, error: float, *, address: str = "") -> Observation:
    """How bad an offset is; `other` is "store" or "database". What may be the way alone counts for nothing."""
    certain = max(0.0, abs(offset) - error)
    grade = graded(certain, warn=WARN_MS, worst=WORST_MS)
    what = f"clock-{other}" + ("" if grade is Grade.GOOD else "-off")
    return Observation(
        "clocks", what, grade, {"offset_ms": round(offset), "error_ms": round(error), "address": address}
    )


async def look_at_clocks(url: str, addresses: tuple[str, ...]) -> list[Observation]:
    """The clock of each server of the store that answers."""
    return list(await asyncio.gather(*(_store_clock(url, address) for address in addresses)))


async def _store_clock(url: str, address: str) -> Observation:
    async with server(url, address, **PATIENCE) as client:

        async def ask() -> float:
            seconds, micros = await _time(client)
            return seconds * 1_000 + micros / 1_000

        try:
            return judged("store", *await offset_ms(ask), address=address)
        except (RedisError, OSError):
            return unknown("clocks", "clock-store-unknown", address=address)


async def _time(client: Any) -> tuple[int, int]:
    seconds, micros = await client.time()
    return int(seconds), int(micros)
