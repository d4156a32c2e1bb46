"""Ends tasks that were begun for as long as something runs."""

import asyncio
from typing import Any, Final

AGAIN_SECONDS: Final = 1.0


async def ended(*tasks: asyncio.Task[Any], again_seconds: float = AGAIN_SECONDS) -> None:
    """Cancel the tasks, and wait until they are over.

    As often as that takes: redis-py swallows a cancellation that comes while it connects (measured with 8.1.0), and a
    task that loops goes on as if nothing had been asked of it. Raises what a task has failed with before.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=again_seconds)
    for task in tasks:
        if not task.cancelled():
            task.result()
