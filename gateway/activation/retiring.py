"""Lets go of revisions that nobody answers by any more, a little at a time.

Freeing a revision of 10,000 rules takes 45 ms at once, most of it the rule engine's programs, and it happens wherever
its last call happens to end. So its programs and rules are held until no call needs it, and then let go one by one.
"""

import asyncio
import weakref
from collections.abc import Iterator
from typing import Final

from gateway.core.revision.compiled import Revision

LOOK_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 0.001
_RULES_AT_ONCE: Final = 100


class Retiring:
    """The revisions that were replaced. Calls that began under one of them end under it, however long they take."""

    def __init__(self) -> None:
        self._running: Final[set[asyncio.Task[None]]] = set()

    def let_go(self, revision: Revision) -> None:
        """Take care of a revision that was replaced; the caller forgets it."""
        task = asyncio.get_running_loop().create_task(_let_go(weakref.ref(revision), list(_pieces(revision))))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Stop taking care."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _let_go(used: "weakref.ref[Revision]", pieces: list[object]) -> None:
    while used() is not None:  # noqa: ASYNC110 - nobody says when the last call has ended
        await asyncio.sleep(LOOK_SECONDS)
    while pieces:
        pieces.pop()
        await asyncio.sleep(PAUSE_SECONDS)


def _pieces(revision: Revision) -> Iterator[object]:
    """All that is large of a revision, in pieces that take well under a millisecond to free."""
    rules = revision.document.rules
    for start in range(0, len(rules), _RULES_AT_ONCE):
        yield rules[start : start + _RULES_AT_ONCE]
    yield from revision.engine.programs()
