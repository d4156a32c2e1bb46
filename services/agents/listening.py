"""Ends what is done for a caller who has gone away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from services.agents.asgi import Receive


class Gone(Exception):
    """The caller has gone away."""


@contextlib.asynccontextmanager
async def listened(receive: Receive) -> AsyncIterator[None]:
    """Cancel what the block does once the caller has gone away, which ends it with `Gone`."""
    own: Any = asyncio.current_task()
    gone = False

    async def listen() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        own.cancel()

    listening = asyncio.create_task(listen())
    try:
        yield
    except asyncio.CancelledError:
        if gone and own.uncancel() == 0:
            raise Gone from None
        raise
    finally:
        listening.cancel()
