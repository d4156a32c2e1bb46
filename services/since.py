"""Since when something has been so in the active policy: what was measured before is about something else."""

from collections.abc import Callable
from typing import Final

from gateway.adapters.revisions import Published, RevisionStore

LOOK_BACK: Final = 500
"""Revisions that are searched for the last change."""


async def since_when(
    revisions: RevisionStore, number: int, *, same: Callable[[Published], bool], enough_ms: int = 0
) -> int:
    """When the first revision became active that is the same as revision `number`, like all that came between.

    Milliseconds since the epoch, by the time when a revision was activated, not when it was written: somebody may have
    agreed to it days later. 0 where not even that revision is the same. What lies before `enough_ms` is not searched.

    Raises:
        RedisError: the store does not answer.
    """
    since_ms = 0
    for each in range(number, max(0, number - LOOK_BACK), -1):
        published = await revisions.read(each)
        if published is None or not same(published):
            break
        entry = await revisions.entry(each)
        since_ms = published.created_ms if entry is None else entry.activated_ms
        if since_ms < enough_ms:
            break
    return since_ms
