"""The requests of a call, as ASGI brings their bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

from gateway.rpc.framing import Frames, only_message, only_of

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def only_request(receive: Receive, frames: Frames) -> bytes:
    """The request of a call that has one.

    Raises:
        Misframed: what has come is none.
        asyncio.CancelledError: whoever called has gone.
    """
    piece, more = _piece(await receive())
    if not more:
        return only_message(piece, frames)
    found = list(frames.feed(piece))
    while more:
        piece, more = _piece(await receive())
        found += frames.feed(piece)
    frames.end()
    return only_of(found)


class Requests:
    """The requests of a call that has any number of them."""

    def __init__(self, receive: Receive, frames: Frames) -> None:
        self._receive: Final = receive
        self._frames: Final = frames
        self._ended: Final[asyncio.Future[None]] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """Take no more than has come; whoever iterates sees the end of the requests."""
        if not self._ended.done():
            self._ended.set_result(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """One after the other.

        Raises:
            Misframed: what has come is none.
            asyncio.CancelledError: whoever called has gone.
        """
        more = True
        while more:
            # Never cancelled: the server sets it whatever becomes of this call, and would say that it could not.
            coming = asyncio.ensure_future(self._receive())
            await asyncio.wait((coming, self._ended), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                return
            piece, more = _piece(coming.result())
            for message in self._frames.feed(piece):
                yield message
        self._frames.end()


def _piece(event: MutableMapping[str, Any]) -> tuple[bytes, bool]:
    """The bytes that have come, and whether there are more."""
    if event["type"] != "http.request":
        raise asyncio.CancelledError
    return event.get("body", b""), event.get("more_body", False)
