"""Signs the log: at most every second, whenever it has grown, and at once for whoever asks for a proof."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from gateway.core.errors import CallEnded, Reason
from services.audit.log import Log, LogBroken, Signed
from services.proof.notes import Checkpoint, Signer

EVERY_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class Checkpoints:
    """The signed checkpoints of a log. `clock_ms` is the time in milliseconds since the epoch."""

    def __init__(self, log: Log, *, signer: Signer, clock_ms: Callable[[], int]) -> None:
        self._log = log
        self._signer = signer
        self._clock_ms = clock_ms
        self.signer: Final = signer
        self.size = 0
        """Entries that the newest checkpoint covers."""
        self.whole_ms = clock_ms()
        """When all that was in the log was signed last; at first when this process began."""
        self._broken = False  # which is said once, not every second

    async def now(self) -> Signed:
        """The checkpoint of all that is in the log now, signed if it is not yet.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer, or what is in it was changed.
        """
        try:
            signed = await self._log.sign(self._say, now_ms=self._clock_ms())
            self.size, self.whole_ms = signed.size, self._clock_ms()
            return signed
        except LogBroken as broken:
            if not self._broken:
                _log.error(
                    "the log in the store does not continue what was signed, so nothing is signed: pilote audit verify",
                    extra={"signed": broken.signed, "size": broken.size},
                )
            self._broken = True
            text = "The log in the store does not continue what was signed. An operator must run pilote audit verify."
            raise CallEnded(Reason.STORE_UNAVAILABLE, text) from broken

    async def newest(self) -> Signed:
        """The newest checkpoint; the first one is signed when somebody asks for it."""
        return await self._log.newest() or await self.now()

    async def run(self) -> None:
        """Sign whenever the log has grown, until cancelled. A store that fails is asked again."""
        while True:
            try:
                await self.now()
            except CallEnded as ended:
                _log.debug("no checkpoint was signed", exc_info=ended)
            await asyncio.sleep(EVERY_SECONDS)

    def _say(self, size: int, root: bytes) -> str:
        return self._signer.note(Checkpoint(self._signer.key.name, size, root).text).whole
