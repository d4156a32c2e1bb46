"""Starting while the store is busy: it is asked again for a while, since nobody waits for an answer of ours yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

PATIENCE_SECONDS: Final = 10.0
"""How long a store may be silent at the start. One that is not there by then is not there."""
_PAUSE_SECONDS: Final = 0.2

T = TypeVar("T")


async def answered(
    ask: Callable[[], Awaitable[T]],
    *,
    away: tuple[type[Exception], ...],
    patience_seconds: float = PATIENCE_SECONDS,
) -> T:
    """What comes of asking, however often that takes: `away` are the errors that say that nobody answers.

    Raises:
        Exception: the last of these, once patience is over; any other one at once.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + patience_seconds
    while True:
        try:
            return await ask()
        except away:
            if clock() >= until:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)
