"""Makes a revision ready that replaces another one, and lets go of that one, while calls go on undisturbed."""

import asyncio
import contextlib
import sys
import time
from typing import Final

from gateway.activation.compiling import Compiler
from gateway.activation.loading import Checked, load_stored
from gateway.activation.retiring import Retiring
from gateway.core.revision.compiled import Revision

WORK_SECONDS: Final = 0.0005
REST_SECONDS: Final = 0.0005
"""Making a large revision ready rests as long as it works. It shares a core with the threads of gRPC and the loop, and
a call changes between these ten times: where it only let go of the interpreter, each of them would wait for the
scheduler's next tick, and the call 30 ms in all (measured)."""


class Swaps:
    """Of one gateway process."""

    def __init__(self) -> None:
        self._compiler = Compiler()
        self._retiring = Retiring()

    async def ready(self, document: bytes, *, number: int, before: Revision | None) -> Revision:
        """The stored document, ready to answer; `before` is what answers now, `None` at the start.

        Raises:
            PolicyInvalid: it cannot be used here.
            msgspec.DecodeError: it is not JSON.
        """
        if before is None:  # nobody's call is disturbed
            return await asyncio.to_thread(load_stored, document, number=number)
        usual = sys.getswitchinterval()
        sys.setswitchinterval(WORK_SECONDS)
        try:
            return await asyncio.to_thread(self._beside_calls, document, number)
        finally:
            sys.setswitchinterval(usual)

    def _beside_calls(self, document: bytes, number: int) -> Revision:
        with self._compiler.compiling(document) as programs:
            if programs is not None:
                with contextlib.suppress(Exception):  # what is wrong with it, if anything is, is told below
                    revision = Checked(document, rest=_Pace()).compiled(programs, number=number)
                    for _ in programs:  # to their end, which says that it has no mistakes
                        pass
                    return revision
        return load_stored(document, number=number)

    async def done(self, document: bytes, *, before: Revision | None) -> None:
        """Let go of what answered `before`, and be prepared for another document like the one that answers now."""
        if before is not None:
            self._retiring.let_go(before)
        await asyncio.to_thread(self._compiler.prepare, document)

    async def close(self) -> None:
        """Stop taking care of either."""
        await self._retiring.close()
        await asyncio.to_thread(self._compiler.close)


class _Pace:
    """Rests whenever it has been long enough since the last rest."""

    def __init__(self) -> None:
        self._rested = time.perf_counter()

    def __call__(self) -> None:
        if time.perf_counter() - self._rested >= WORK_SECONDS:
            time.sleep(REST_SECONDS)  # noqa: TID251 - resting is the thing itself
            self._rested = time.perf_counter()
