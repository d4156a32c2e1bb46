"""Makes a revision ready that replaces another one, and lets go of that one, while calls go on undisturbed."""

import asyncio
import sys
from typing import Final

from gateway.compiling import Compiler
from gateway.core.revision.compiled import Revision
from gateway.core.rules import Programs
from gateway.loading import load, parsed
from gateway.retiring import Retiring

SWITCH_SECONDS: Final = 0.0005
"""Longest that loading a revision keeps the interpreter while a call wants it. With Python's usual 5 ms each of a
call's steps would wait for so long, and a call has ten of them."""


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
        programs = () if before is None else await asyncio.to_thread(self._compiler.compiled, document)
        usual = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            return await asyncio.to_thread(_load, document, number, programs)
        finally:
            sys.setswitchinterval(usual)

    async def done(self, document: bytes, *, before: Revision | None) -> None:
        """Let go of what answered `before`, and be prepared for another document like the one that answers now."""
        if before is not None:
            self._retiring.let_go(before)
        await asyncio.to_thread(self._compiler.prepare, document)

    async def close(self) -> None:
        """Stop taking care of either."""
        await self._retiring.close()
        await asyncio.to_thread(self._compiler.close)


def _load(document: bytes, number: int, programs: Programs) -> Revision:
    return load(parsed(document), number=number, programs=programs)
