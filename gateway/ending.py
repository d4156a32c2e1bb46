"""Ends tasks that were begun for as long as something runs, and lets end what must not be broken off."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
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


def first_of(error: BaseException) -> BaseException:
    """What a group of tasks has ended with first, whose callers know nothing of groups; any other error is itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What it gives; whoever is cancelled meanwhile is so once it is over, whatever came of it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()  # nobody else asks for it
        raise
