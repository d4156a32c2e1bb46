"""By which revision the calls of this process go, and who is told of it."""

import logging
import time
from collections.abc import Callable
from typing import Final

from gateway.activation.standing import UNUSABLE, Standing
from gateway.activation.swaps import Swaps
from gateway.adapters.revisions import Published
from gateway.core.errors import CallEnded
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.mistakes.saying import words
from gateway.pipeline import Pipeline

_log = logging.getLogger(__name__)


class Activating:
    """Has a pipeline answer by each revision that becomes active."""

    def __init__(self, pipeline: Pipeline, standing: Standing) -> None:
        self._pipeline: Final = pipeline
        self._standing: Final = standing
        self._swaps: Final = Swaps()
        self._carriers: Final[list[Callable[[Revision], None]]] = []

    def tell(self, carrier: Callable[[Revision], None]) -> None:
        """Tell whoever carries calls of each revision from now on, and of the one by which they go already."""
        self._carriers.append(carrier)
        if self._pipeline.revision is not None:
            carrier(self._pipeline.revision)

    async def swap(self, number: int, published: Published) -> None:
        """Answer by another revision; one that cannot be used here is said so, and the old one goes on.

        Raises:
            CallEnded: STORE_UNAVAILABLE, so that it is tried again.
        """
        began = time.monotonic()
        try:
            document, before = bytes(published.document), self._pipeline.revision
            revision = await self._swaps.ready(document, number=number, before=before)
            await self._pipeline.use(revision)
            await self._swaps.done(document, before=before)
        except CallEnded:
            raise
        except PolicyInvalid as invalid:
            mistakes = [f"{mistake.path}: {words(mistake, language='en').problem}" for mistake in invalid.mistakes]
            _log.error("revision %d cannot be used here", number, extra={"mistakes": mistakes})
            self._standing.refuses(number, UNUSABLE)
            return
        except Exception:  # whatever is wrong with it must not end the follower, or no later one would be seen
            _log.exception("revision %d cannot be used here", number)
            self._standing.refuses(number, UNUSABLE)
            return
        for carrier in self._carriers:
            carrier(revision)
        self._standing.runs(number, revision.sha256, swap_ms=round((time.monotonic() - began) * 1000))
        _log.info("revision %d is active", number, extra={"sha256": revision.sha256})

    async def close(self) -> None:
        """End what gets revisions ready."""
        await self._swaps.close()
