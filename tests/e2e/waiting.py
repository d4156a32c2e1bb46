"""Waiting for the thing itself, with an end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.01
WITHIN_SECONDS = 30.0
"""So long only where something is wrong, or the machine has other things to do."""


async def eventually(look: Callable[[], Awaitable[T | None]], *, what: str, within: float = WITHIN_SECONDS) -> T:
    """What `look` finds, as soon as it finds something; fails when it has not within so many seconds.

    Of each look a twentieth of them counts at most: a machine that stands still for a while proves nothing.
    """
    clock, waited = asyncio.get_running_loop().time, 0.0
    while True:
        began = clock()
        if (found := await look()) is not None:
            return found
        if waited >= within:
            raise AssertionError(f"{what} did not happen within {within} s")
        await asyncio.sleep(PAUSE_SECONDS)
        waited += min(clock() - began, within / 20)


async def until(holds: Callable[[], bool], *, what: str, within: float = WITHIN_SECONDS) -> None:
    """Wait until `holds` does."""

    async def look() -> bool | None:
        return holds() or None

    await eventually(look, what=what, within=within)
