"""Ends what is done for a caller who has gone away, or who wants it no longer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from services.agents.asgi import Receive


class Gone(Exception):
    """The caller has gone away."""


class Listening:
    """A block of work of the current task that may be ended before its time."""

    def __init__(self) -> None:
        self.why: Exception | None = None
        self._own: Any = asyncio.current_task()

    def end(self, why: Exception) -> None:
        """Cancel the work, whose block raises `why` then. Of several reasons the first one holds."""
        if self.why is None:
            self.why = why
            self._own.cancel()


@contextlib.asynccontextmanager
async def listened(receive: Receive) -> AsyncIterator[Listening]:
    """Cancel what the block does once the caller has gone away, which ends it with `Gone`."""
    own: Any = asyncio.current_task()
    listening = Listening()

    async def listen() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        listening.end(Gone())

    task = asyncio.create_task(listen())
    try:
        yield listening
    except asyncio.CancelledError:
        if listening.why is not None and own.uncancel() == 0:
            raise listening.why from None
        raise
    finally:
        task.cancel()
