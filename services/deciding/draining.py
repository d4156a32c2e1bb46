"""The end of a decision worker, so that no call notices: calls under way are answered, then streams of logs end."""

import asyncio
import contextlib
from typing import Final

from gateway.envoy.asgi import Health
from gateway.rpc.asgi import GrpcOverAsgi

GOING_SECONDS: Final = 1
"""How long Envoy goes on taking new connections once it drains; clients of running ones are told to go at once."""
QUIET_SECONDS: Final = 0.25
"""How long no call may be under way after that until none comes any more."""
_LOOK_SECONDS: Final = 0.02


async def drained(app: GrpcOverAsgi, health: Health, *, within_s: float) -> None:
    """Returns once nothing is under way that can end by itself, or when the time is over."""
    clock = asyncio.get_running_loop().time
    until = clock() + within_s
    health.draining = True
    quiet_since = clock() + GOING_SECONDS
    while clock() < until and clock() - quiet_since < QUIET_SECONDS:
        if app.in_flight > app.streams:
            quiet_since = max(quiet_since, clock())
        await asyncio.sleep(_LOOK_SECONDS)
    # A log goes on for as long as whoever writes it; their next entries go to another worker.
    app.end_streams()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            await app.idle()
