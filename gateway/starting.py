"""Starting while the store is busy: it is asked again for a while, since no call waits for an answer yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from gateway.adapters.redis_connection import StoreDown
from gateway.core.errors import CallEnded, Reason

PATIENCE_SECONDS: Final = 10.0
"""How long a store may be silent at the start. One that is not there is then not there."""
_PAUSE_SECONDS: Final = 0.2

T = TypeVar("T")


async def answered(ask: Callable[[], Awaitable[T]], *, patience_seconds: float = PATIENCE_SECONDS) -> T:
    """What the store answers, however often it must be asked.

    Raises:
        StoreDown, CallEnded: what it ended with last, once patience is over; CallEnded at once where asking again would
            not help.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + patience_seconds
    while True:
        try:
            return await ask()
        except (StoreDown, CallEnded) as error:
            hopeless = isinstance(error, CallEnded) and error.reason is not Reason.STORE_UNAVAILABLE
            if hopeless or clock() >= until:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)
