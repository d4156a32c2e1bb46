"""Looks at what waits in the streams of decisions, and at what could not be stored."""

from typing import Any, Final, cast

from redis.exceptions import ResponseError

from gateway.core import keys
from gateway.redis_clients import Client
from services.doctor.observing import Grade, Observation, bad, graded, warning
from services.stream_lag import WRITER, Lag, lag_of, quarantine

WARN_MS: Final = 10_000
"""As the alerts `PiloteStreamLag` and `PiloteStreamLagLong` have it."""
WORST_MS: Final = 120_000


async def look_at_streams(redis: Client, *, now_ms: int) -> list[Observation]:
    """What was seen of all streams together.

    Raises:
        RedisError: the store does not answer.
    """
    names = sorted(await cast("Any", redis.smembers(keys.STREAMS)))
    lag, set_aside, unread = Lag(), 0, 0
    for name in names:
        set_aside += await redis.xlen(quarantine(name))
        try:
            lag = lag.and_also(await lag_of(redis, name))
            groups = await redis.xinfo_groups(name)
        except ResponseError:  # it was announced, and nothing is in it yet
            continue
        unread += not any(group["name"] == WRITER.encode() for group in groups)
    late_ms = 0 if lag.oldest_ms is None else max(0, now_ms - lag.oldest_ms)
    values: dict[str, str | int | float] = {
        "streams": len(names),
        "entries": lag.entries,
        "seconds": round(late_ms / 1_000, 1),
    }
    grade = graded(late_ms, warn=WARN_MS, worst=WORST_MS)
    seen = [Observation("streams", "streams-stored" if grade is Grade.GOOD else "streams-late", grade, values)]
    if unread and lag.entries:
        seen.append(bad("streams", "streams-unread", streams=unread))
    if set_aside:
        seen.append(warning("streams", "streams-quarantine", entries=set_aside))
    return seen
