"""Since when something has been so in the active policy: what was measured before is about something else."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.adapters.revisions import Published, RevisionStore

LOOK_BACK: Final = 500
"""Revisions that are searched for the last change."""


async def since_when(revisions: RevisionStore, number: int, *, same: Callable[[Published], bool]) -> int:
    """When the first revision became active that is the same as revision `number`, like all that came between.

    Milliseconds since the epoch, by the time when a revision was activated, not when it was written: somebody may have
    agreed to it days later. 0 where not even that revision is the same.

    Raises:
        RedisError: the store does not answer.
    """
    return (await since_each(revisions, number, {"": same}))[""]


async def since_each(
    revisions: RevisionStore, number: int, same: Mapping[str, Callable[[Published], bool]]
) -> Mapping[str, int]:
    """`since_when` for several things by their names, with each revision read once.

    Raises:
        RedisError: the store does not answer.
    """
    since_ms, still = dict.fromkeys(same, 0), dict(same)
    for each in range(number, max(0, number - LOOK_BACK), -1):
        published = await revisions.read(each)
        if published is None:
            break
        still = {name: alike for name, alike in still.items() if alike(published)}
        if not still:
            break
        since_ms |= dict.fromkeys(still, await activated_ms(revisions, each) or published.created_ms)
    return since_ms


async def activated_ms(revisions: RevisionStore, number: int) -> int:
    """When a revision became active; 0 where that is not known."""
    entry = await revisions.entry(number)
    return 0 if entry is None else entry.activated_ms
